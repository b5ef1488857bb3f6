/** From the master key to the session keys: RFC 3711 §4.3, for 256 bits RFC 6188 §3, with a key derivation rate of zero. */
import { createCipheriv } from 'node:crypto';
import { SRTP_SUITES, type SrtpKeys } from './srtp-suite.ts';

/** RFC 3711 §4.3.2: each kind of packet has keys of its own. */
const LABELS = { rtp: { key: 0, auth: 1, salt: 2 }, rtcp: { key: 3, auth: 4, salt: 5 } } as const;
/** HMAC-SHA1 takes 160 bits (RFC 3711 §5.2). */
const AUTH_BYTES = 20;
/** The master salt in the derivation is 112 bits: the 96 of GCM are filled up with zeros at the end, as libsrtp does. */
const DERIVATION_SALT_BYTES = 14;

export interface SrtpSessionKeys {
  readonly key: Buffer;
  readonly salt: Buffer;
  /** Of HMAC-SHA1; the suites with GCM do not use it. */
  readonly auth: Buffer;
}

export function deriveSessionKeys(keys: SrtpKeys, kind: 'rtp' | 'rtcp'): SrtpSessionKeys {
  const { keyBytes, saltBytes } = SRTP_SUITES[keys.suite];
  const labels = LABELS[kind];
  return {
    key: derive(keys, labels.key, keyBytes),
    salt: derive(keys, labels.salt, saltBytes),
    auth: derive(keys, labels.auth, AUTH_BYTES),
  };
}

/** `length` bytes of AES-CM keystream under the master key, from a block that names what they are for. */
export function derive({ key, salt }: Pick<SrtpKeys, 'key' | 'salt'>, label: number, length: number): Buffer {
  const block = Buffer.alloc(16);
  block.set(salt.subarray(0, DERIVATION_SALT_BYTES));
  // The label stands above the 48 bits of (index DIV rate), which are zero.
  block[7] = (block[7] ?? 0) ^ label;
  return createCipheriv(`aes-${key.length * 8}-ctr`, key, block).update(Buffer.alloc(length));
}
