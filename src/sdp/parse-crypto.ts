/**
 * a=crypto (RFC 4568 §9):
 *
 *   a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:<key and salt>|2^31|1:4 WSH=64
 *            tag suite                                      lifetime MKI:length  parameters
 *
 * A line that is not valid, or asks for what we do not do, is passed over as if it were not there (§6, §7.1.2).
 */
import { isSrtpSuite, SRTP_SUITES, type SrtpKeys, type SrtpSuiteName } from '../rtp/index.ts';
import { sdpErrors } from './errors.ts';
import { attributeValues, type SdpAttribute, type SdpSection } from './lines.ts';
import type { SrtpCrypto, SrtpDescription } from './model.ts';

const LINE = /^(\d{1,9})[ \t]+(\w{1,64})[ \t]+inline:([\x21-\x3a\x3c-\x7e]{1,512})((?:[ \t]+[\x21-\x7e]+)*)$/u;
/** RFC 3711 §9.2 and RFC 7714 §10: no more than 2^48 packets under one key. */
const MAX_LIFETIME = 2 ** 48;
const MAX_MKI_BYTES = 128;

/** What a section of plain RTP or SDES says. Only its own lines count (RFC 4568 §4). Throws SDP_NO_CRYPTO (488). */
export function parseSrtp(section: SdpSection): SrtpDescription | undefined {
  const cryptos = parseCryptos(section.attributes);
  const isRequired = isSrtpOnly(section);
  if (isRequired && cryptos.length === 0) throw sdpErrors.SDP_NO_CRYPTO();
  return cryptos.length === 0 ? undefined : { isRequired, cryptos };
}

/** By its protocol, RTP/SAVP or RTP/SAVPF. */
function isSrtpOnly({ protocol }: SdpSection): boolean {
  return protocol.toUpperCase().startsWith('RTP/SAVP');
}

/** The lines that can be used, in order. */
function parseCryptos(attributes: readonly SdpAttribute[]): SrtpCrypto[] {
  const result: SrtpCrypto[] = [];
  for (const value of attributeValues(attributes, 'crypto')) {
    const crypto = parseCrypto(value);
    // A tag that comes twice would leave open which line an answer means (RFC 4568 §4.1).
    if (crypto !== undefined && !result.some(({ tag }) => tag === crypto.tag)) result.push(crypto);
  }
  return result;
}

function parseCrypto(value: string): SrtpCrypto | undefined {
  // Of several keys none is ours to choose: the expression takes no ';'.
  const [, tag = '', suite = '', keyInfo = '', parameters = ''] = LINE.exec(value) ?? [];
  if (tag === '' || !isSrtpSuite(suite) || !parameters.split(/[ \t]+/u).every(isHarmless)) return undefined;
  const keys = parseKeys(suite, keyInfo);
  return keys && { tag: Number(tag), keys };
}

/**
 * WSH is a hint and what begins with a dash may be ignored (RFC 4568 §6.3.6, §6.3.7). All others would change what the
 * packets look like, UNENCRYPTED_SRTP to the point of uselessness.
 */
function isHarmless(parameter: string): boolean {
  return parameter === '' || parameter.startsWith('-') || /^WSH=[1-9]\d{1,5}$/u.test(parameter);
}

function parseKeys(suite: SrtpSuiteName, keyInfo: string): SrtpKeys | undefined {
  const [text = '', ...rest] = keyInfo.split('|');
  const { keyBytes, saltBytes } = SRTP_SUITES[suite];
  const bytes = Buffer.from(text, 'base64');
  // Buffer reads over what is no base64, so the length of the text is compared as well.
  const isBase64 =
    /^[\w+/]+={0,2}$/u.test(text) && text.replace(/=+$/u, '').length === Math.ceil((bytes.length * 4) / 3);
  if (!isBase64 || bytes.length !== keyBytes + saltBytes) return undefined;
  const mki = parsePolicy(rest);
  if (mki === undefined) return undefined;
  const keys = { suite, key: bytes.subarray(0, keyBytes), salt: bytes.subarray(keyBytes) };
  return mki.length === 0 ? keys : { ...keys, mki };
}

/**
 * What stands behind the key: a lifetime, which the remote keeps by itself, because it alone sends under this key; and
 * the key's name, empty when there is none. Undefined: not valid.
 */
function parsePolicy(fields: readonly string[]): Uint8Array | undefined {
  const [lifetime, mki] = fields[0]?.includes(':') === true ? [undefined, ...fields] : fields;
  if (fields.length > 2 || (lifetime !== undefined && !isLifetime(lifetime))) return undefined;
  return mki === undefined ? new Uint8Array() : parseMki(mki);
}

/** `1066:4` → 00 00 04 2a. */
function parseMki(text: string): Uint8Array | undefined {
  const [, name, length] = /^([1-9]\d{0,37}):([1-9]\d{0,2})$/u.exec(text) ?? [];
  if (name === undefined || Number(length) > MAX_MKI_BYTES) return undefined;
  const digits = BigInt(name)
    .toString(16)
    .padStart(Number(length) * 2, '0');
  return digits.length > Number(length) * 2 ? undefined : Buffer.from(digits, 'hex');
}

function isLifetime(text: string): boolean {
  const [, power, count] = /^(?:2\^([1-9]\d?)|([1-9]\d{0,15}))$/u.exec(text) ?? [];
  if (power === undefined && count === undefined) return false;
  return (power === undefined ? Number(count) : 2 ** Number(power)) <= MAX_LIFETIME;
}
