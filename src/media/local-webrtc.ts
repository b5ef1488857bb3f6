import type { types } from 'mediasoup';
import type { LocalWebRtc } from '../sdp/index.ts';

/**
 * The only header extension that we may receive: it finds the Producer of a peer that announces no SSRC. The id is
 * mediasoup's own, so an answer drops it when the offer uses another one (JSEP §5.3.1), and nothing is lost then:
 * a description without a=extmap is demultiplexed by payload type (RFC 8843 §9.2).
 */
export const midExtension = { uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: 1 } as const;

/** What our description must say about a WebRtcTransport. */
export function localWebRtc(transport: types.WebRtcTransport): LocalWebRtc {
  const { iceParameters, iceCandidates, dtlsParameters } = transport;
  return {
    kind: 'webrtc',
    ice: { usernameFragment: iceParameters.usernameFragment, password: iceParameters.password },
    candidates: iceCandidates.map(({ foundation, priority, address, port, protocol }) => ({
      foundation,
      priority,
      address,
      port,
      protocol,
    })),
    dtls: { role: 'auto', fingerprints: dtlsParameters.fingerprints.flatMap(strongFingerprint) },
    headerExtensions: [midExtension],
  };
}

/** One fingerprint is enough, and SHA-256 is the one every browser has (RFC 8122 §5). */
function strongFingerprint({ algorithm, value }: types.DtlsFingerprint): LocalWebRtc['dtls']['fingerprints'][number][] {
  return algorithm === 'sha-256' ? [{ algorithm, value: value.toUpperCase() }] : [];
}
