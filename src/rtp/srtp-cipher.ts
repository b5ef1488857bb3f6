/**
 * What both transforms of SRTP do to one packet. SRTP and SRTCP differ only in what they hand in.
 *
 *   | header | encrypted | tag …       `from` is where the encrypted part begins, `end` where it ends.
 */
import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
} from 'node:crypto';
import type { SrtpSessionKeys } from './srtp-derive.ts';

/** Of a packet that is encrypted or decrypted; larger ones are not ours. */
export const MAX_SRTP_BYTES = 4096;
const BLOCK = 16;

export interface SealedPart {
  readonly from: number;
  readonly end: number;
  readonly ssrc: number;
  /** 48 bits for RTP, 31 for RTCP. */
  readonly index: number;
  /** Authenticated behind the packet: the rollover counter for RTP, E flag and index for RTCP. */
  readonly word: number;
}

export interface SrtpCipher {
  /** Encrypts the part in place and gives the tag, in full. */
  seal(packet: Buffer, part: SealedPart): Buffer;
  /** Decrypts the part in place if the tag is right; false, with the packet unchanged, if it is not. */
  open(packet: Buffer, part: SealedPart, tag: Buffer): boolean;
}

/** Counter blocks to encrypt: numbered once, their common beginning is written for each packet. */
const counters = Buffer.alloc(MAX_SRTP_BYTES);
for (let at = 0; at < MAX_SRTP_BYTES; at += BLOCK) counters.writeUInt16BE(at / BLOCK, at + BLOCK - 2);
const word = Buffer.alloc(4);

/**
 * AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1). The keystream is made by encrypting the counter blocks
 * with one cipher object that lives as long as the key: one per packet would cost several times as much.
 */
export class CounterCipher implements SrtpCipher {
  readonly #blocks: Cipheriv;
  readonly #salt: Buffer;
  readonly #auth: KeyObject;
  readonly #start = Buffer.alloc(BLOCK - 2);

  constructor({ key, salt, auth }: SrtpSessionKeys) {
    this.#blocks = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
    this.#salt = salt;
    this.#auth = createSecretKey(auth);
  }

  seal(packet: Buffer, part: SealedPart): Buffer {
    this.#crypt(packet, part);
    return this.#tag(packet, part);
  }

  open(packet: Buffer, part: SealedPart, tag: Buffer): boolean {
    if (!isSameTag(tag, this.#tag(packet, part))) return false;
    this.#crypt(packet, part);
    return true;
  }

  #tag(packet: Buffer, part: SealedPart): Buffer {
    word.writeUInt32BE(part.word);
    return createHmac('sha1', this.#auth).update(packet.subarray(0, part.end)).update(word).digest();
  }

  #crypt(packet: Buffer, part: SealedPart): void {
    const { from, end } = part;
    const length = BLOCK * Math.ceil((end - from) / BLOCK);
    if (length === 0) return;
    this.#begin(part);
    for (let at = 0; at < length; at += BLOCK) {
      for (let i = 0; i < BLOCK - 2; i++) counters[at + i] = this.#start[i] ?? 0;
    }
    const stream = this.#blocks.update(counters.subarray(0, length));
    for (let at = from; at < end; at++) packet[at] = (packet[at] ?? 0) ^ (stream[at - from] ?? 0);
  }

  /** (salt · 2^16) xor (SSRC · 2^64) xor (index · 2^16), without the 16 bits that count blocks. */
  #begin({ ssrc, index }: SealedPart): void {
    const start = this.#start;
    start.fill(0, 0, 4);
    start.writeUInt32BE(ssrc, 4);
    start.writeUIntBE(index, 8, 6);
    for (let i = 0; i < start.length; i++) start[i] = (start[i] ?? 0) ^ (this.#salt[i] ?? 0);
  }
}

const GCM_TAG_BYTES = 16;

/** AES in Galois/Counter mode (RFC 7714): header, and for RTCP the word, are authenticated beside the cipher. */
export class GcmCipher implements SrtpCipher {
  readonly #name: 'aes-128-gcm' | 'aes-256-gcm';
  readonly #key: KeyObject;
  readonly #salt: Buffer;
  readonly #hasWord: boolean;
  readonly #nonce = Buffer.alloc(12);

  constructor({ key, salt }: SrtpSessionKeys, kind: 'rtp' | 'rtcp') {
    this.#name = key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm';
    this.#key = createSecretKey(key);
    this.#salt = salt;
    this.#hasWord = kind === 'rtcp';
  }

  seal(packet: Buffer, part: SealedPart): Buffer {
    const cipher = createCipheriv(this.#name, this.#key, this.#begin(part), { authTagLength: GCM_TAG_BYTES });
    cipher.setAAD(this.#associated(packet, part));
    cipher.update(packet.subarray(part.from, part.end)).copy(packet, part.from);
    cipher.final();
    return cipher.getAuthTag();
  }

  open(packet: Buffer, part: SealedPart, tag: Buffer): boolean {
    const decipher = createDecipheriv(this.#name, this.#key, this.#begin(part), { authTagLength: GCM_TAG_BYTES });
    decipher.setAAD(this.#associated(packet, part));
    decipher.setAuthTag(tag);
    const plain = decipher.update(packet.subarray(part.from, part.end));
    try {
      decipher.final();
    } catch {
      return false;
    }
    plain.copy(packet, part.from);
    return true;
  }

  #associated(packet: Buffer, part: SealedPart): Buffer {
    const header = packet.subarray(0, part.from);
    if (!this.#hasWord) return header;
    word.writeUInt32BE(part.word);
    return Buffer.concat([header, word]);
  }

  /** RFC 7714 §8.1 and §9.1: two zeros, SSRC and 48 bits of index, xor the salt. */
  #begin({ ssrc, index }: SealedPart): Buffer {
    const nonce = this.#nonce;
    nonce.writeUInt16BE(0, 0);
    nonce.writeUInt32BE(ssrc, 2);
    nonce.writeUIntBE(index, 6, 6);
    for (let i = 0; i < nonce.length; i++) nonce[i] = (nonce[i] ?? 0) ^ (this.#salt[i] ?? 0);
    return nonce;
  }
}

/** Whether the tag is the beginning of the one in full, in a time that does not tell where they differ. */
function isSameTag(tag: Buffer, full: Buffer): boolean {
  let difference = 0;
  for (let i = 0; i < tag.length; i++) difference |= (tag[i] ?? 0) ^ (full[i] ?? 0);
  return difference === 0;
}
