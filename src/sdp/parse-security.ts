/** ICE (RFC 8839 §5.4) and DTLS-SRTP (RFC 5763, RFC 8122) parameters of one section. */
import { sdpErrors } from './errors.ts';
import { attribute, attributeValues, type SdpAttribute } from './lines.ts';
import type { DtlsFingerprint, DtlsParameters, IceParameters } from './model.ts';

const FINGERPRINT_BYTES: Readonly<Record<DtlsFingerprint['algorithm'], number>> = {
  'sha-256': 32,
  'sha-384': 48,
  'sha-512': 64,
};
const ROLES = new Map<string, DtlsParameters['role']>([
  ['active', 'client'],
  ['passive', 'server'],
  ['actpass', 'auto'],
  ['holdconn', 'auto'],
]);

/** The ICE credentials; refuses an encrypted section that has none, because our side is ICE-lite and needs checks. */
export function parseIce(attributes: readonly SdpAttribute[]): IceParameters {
  const usernameFragment = attribute(attributes, 'ice-ufrag');
  const password = attribute(attributes, 'ice-pwd');
  if (usernameFragment === undefined || password === undefined) throw sdpErrors.SDP_NO_ICE();
  if (!/^[\w+/=-]{4,256}$/u.test(usernameFragment) || !/^[\w+/=-]{22,256}$/u.test(password)) {
    throw sdpErrors.SDP_MALFORMED(['a=ice-ufrag or a=ice-pwd is not valid']);
  }
  return { usernameFragment, password };
}

/** The DTLS role and the fingerprints of SHA-256 and stronger; refuses a description without one (S06, S07). */
export function parseDtls(attributes: readonly SdpAttribute[]): DtlsParameters {
  const fingerprints = parseFingerprints(attributes);
  if (fingerprints.length === 0) throw sdpErrors.SDP_NO_FINGERPRINT();
  // Without a=setup the peer is the active side: RFC 4145 §4.
  return { role: ROLES.get(attribute(attributes, 'setup') ?? 'active') ?? 'client', fingerprints };
}

export function parseFingerprints(attributes: readonly SdpAttribute[]): DtlsFingerprint[] {
  const result: DtlsFingerprint[] = [];
  for (const text of attributeValues(attributes, 'fingerprint')) {
    const [hash = '', value = ''] = text.split(/ +/u);
    const algorithm = strongAlgorithm(hash.toLowerCase());
    if (algorithm === undefined) continue;
    if (value.length !== FINGERPRINT_BYTES[algorithm] * 3 - 1 || !/^[0-9a-f]{2}(?::[0-9a-f]{2})+$/iu.test(value)) {
      throw sdpErrors.SDP_MALFORMED(['a=fingerprint is not valid']);
    }
    result.push({ algorithm, value: value.toUpperCase() });
  }
  return result;
}

function strongAlgorithm(name: string): DtlsFingerprint['algorithm'] | undefined {
  return name === 'sha-256' || name === 'sha-384' || name === 'sha-512' ? name : undefined;
}

/**
 * The remote's DTLS parameters with the role settled. We never take the client's part when there is a choice:
 * our answer to actpass is passive, and a peer must not answer actpass (RFC 5763 §5).
 */
export function resolveDtlsRole(remote: DtlsParameters): DtlsParameters {
  return remote.role === 'auto' ? { ...remote, role: 'client' } : remote;
}
