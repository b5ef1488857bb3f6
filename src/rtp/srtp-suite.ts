/** The SRTP crypto suites we speak: RFC 4568 §6.2, RFC 7714 §14.1. */

export type SrtpSuiteName =
  | 'AEAD_AES_256_GCM'
  | 'AEAD_AES_128_GCM'
  | 'AES_CM_128_HMAC_SHA1_80'
  | 'AES_CM_128_HMAC_SHA1_32';

export interface SrtpSuite {
  readonly kind: 'counter' | 'gcm';
  /** Of the master key, and of the session key derived from it. */
  readonly keyBytes: number;
  /** Of the master salt. */
  readonly saltBytes: number;
  readonly rtpTagBytes: number;
  readonly rtcpTagBytes: number;
}

/** Strongest first. With the short tag, too, RTCP has the long one (RFC 4568 §6.2.2). */
export const SRTP_SUITES: Readonly<Record<SrtpSuiteName, SrtpSuite>> = {
  AEAD_AES_256_GCM: { kind: 'gcm', keyBytes: 32, saltBytes: 12, rtpTagBytes: 16, rtcpTagBytes: 16 },
  AEAD_AES_128_GCM: { kind: 'gcm', keyBytes: 16, saltBytes: 12, rtpTagBytes: 16, rtcpTagBytes: 16 },
  AES_CM_128_HMAC_SHA1_80: { kind: 'counter', keyBytes: 16, saltBytes: 14, rtpTagBytes: 10, rtcpTagBytes: 10 },
  AES_CM_128_HMAC_SHA1_32: { kind: 'counter', keyBytes: 16, saltBytes: 14, rtpTagBytes: 4, rtcpTagBytes: 10 },
};

/** What protects the packets of one direction. Never to be logged. */
export interface SrtpKeys {
  readonly suite: SrtpSuiteName;
  /** The master key. */
  readonly key: Uint8Array;
  /** The master salt. */
  readonly salt: Uint8Array;
  /** What the sender writes into every packet to name the key (RFC 3711 §3.1); left out: nothing. */
  readonly mki?: Uint8Array;
}

/** Both directions of one party. */
export interface SrtpKeyPair {
  readonly send: SrtpKeys;
  readonly receive: SrtpKeys;
}

export function isSrtpSuite(name: string): name is SrtpSuiteName {
  return Object.hasOwn(SRTP_SUITES, name);
}

export function isSameKey(a: SrtpKeys, b: SrtpKeys): boolean {
  return a.suite === b.suite && isSameBytes(a.key, b.key) && isSameBytes(a.salt, b.salt);
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
