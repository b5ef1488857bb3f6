/**
 * SRTP and SRTCP packets under one master key, in one direction (RFC 3711 §3.1, §3.4; RFC 7714 §8, §9).
 *
 *   SRTP    | RTP header | encrypted payload | MKI | tag |
 *   SRTCP   | 8 bytes of header | encrypted rest | E and index | MKI | tag |
 *
 * With GCM the tag is part of what is encrypted and stands before the MKI, and before E and index.
 */
import { payloadOffset, RTP_HEADER_BYTES, sequenceOf, ssrcOf } from './packet.ts';
import { PacketIndices } from './packet-index.ts';
import { CounterCipher, GcmCipher, MAX_SRTP_BYTES, type SrtpCipher } from './srtp-cipher.ts';
import { deriveSessionKeys } from './srtp-derive.ts';
import { SRTP_SUITES, type SrtpKeys, type SrtpSuite } from './srtp-suite.ts';

const RTCP_HEADER_BYTES = 8;
const WORD_BYTES = 4;
const ENCRYPTED_FLAG = 0x8000_0000;
const MAX_RTCP_INDEX = 0x7fff_ffff;
const ROLLOVER = 0x1_0000;

/** Makes packets of a sender readable. A forged or repeated one leaves no trace but its `undefined`. */
export class SrtpReceiver {
  readonly #suite: SrtpSuite;
  readonly #mki: Uint8Array;
  readonly #rtp: SrtpCipher;
  readonly #rtcp: SrtpCipher;
  readonly #rtpIndices = new PacketIndices();
  readonly #rtcpIndices = new PacketIndices();

  constructor(keys: SrtpKeys) {
    this.#suite = SRTP_SUITES[keys.suite];
    this.#mki = keys.mki ?? new Uint8Array();
    this.#rtp = cipherOf(keys, 'rtp');
    this.#rtcp = cipherOf(keys, 'rtcp');
  }

  /** The RTP packet, in the same memory. */
  openRtp(packet: Buffer): Buffer | undefined {
    const { kind, rtpTagBytes } = this.#suite;
    const from = packet.length >= RTP_HEADER_BYTES ? payloadOffset(packet) : -1;
    const tail = this.#mki.length + rtpTagBytes;
    const end = packet.length - tail;
    if (from < 0 || end < from || packet.length > MAX_SRTP_BYTES) return undefined;
    const tagAt = kind === 'gcm' ? end : packet.length - rtpTagBytes;
    const mkiAt = kind === 'gcm' ? packet.length - this.#mki.length : end;
    if (!this.#hasMki(packet, mkiAt)) return undefined;
    const ssrc = ssrcOf(packet);
    const index = this.#rtpIndices.guess(ssrc, sequenceOf(packet));
    if (!this.#rtpIndices.isFresh(ssrc, index)) return undefined;
    const part = { from, end, ssrc, index, word: Math.floor(index / ROLLOVER) };
    if (!this.#rtp.open(packet, part, packet.subarray(tagAt, tagAt + rtpTagBytes))) return undefined;
    this.#rtpIndices.use(ssrc, index);
    return packet.subarray(0, end);
  }

  /** The compound RTCP packet, in the same memory. */
  openRtcp(packet: Buffer): Buffer | undefined {
    const { kind, rtcpTagBytes } = this.#suite;
    const end = packet.length - rtcpTagBytes - this.#mki.length - WORD_BYTES;
    if (end < RTCP_HEADER_BYTES || packet.length > MAX_SRTP_BYTES) return undefined;
    const tagAt = kind === 'gcm' ? end : packet.length - rtcpTagBytes;
    const wordAt = kind === 'gcm' ? end + rtcpTagBytes : end;
    if (!this.#hasMki(packet, wordAt + WORD_BYTES)) return undefined;
    const word = packet.readUInt32BE(wordAt);
    const index = word & MAX_RTCP_INDEX;
    const ssrc = packet.readUInt32BE(4);
    if (!this.#rtcpIndices.isFresh(ssrc, index)) return undefined;
    const from = word >= ENCRYPTED_FLAG ? RTCP_HEADER_BYTES : end;
    const part = { from, end, ssrc, index, word };
    if (!this.#rtcp.open(packet, part, packet.subarray(tagAt, tagAt + rtcpTagBytes))) return undefined;
    this.#rtcpIndices.use(ssrc, index);
    return packet.subarray(0, end);
  }

  #hasMki(packet: Buffer, at: number): boolean {
    return this.#mki.every((byte, i) => packet[at + i] === byte);
  }
}

/** Protects our packets. We name no key (MKI): there is one only. */
export class SrtpSender {
  readonly #suite: SrtpSuite;
  readonly #rtp: SrtpCipher;
  readonly #rtcp: SrtpCipher;
  readonly #rtpIndices = new PacketIndices();
  #rtcpIndex = 0;

  constructor(keys: SrtpKeys) {
    this.#suite = SRTP_SUITES[keys.suite];
    this.#rtp = cipherOf(keys, 'rtp');
    this.#rtcp = cipherOf(keys, 'rtcp');
  }

  /** The protected packet, in memory of its own; undefined for one that would use an index again (RFC 3711 §9.1). */
  sealRtp(packet: Buffer): Buffer | undefined {
    const { rtpTagBytes } = this.#suite;
    const from = payloadOffset(packet);
    const ssrc = ssrcOf(packet);
    const index = this.#rtpIndices.guess(ssrc, sequenceOf(packet));
    const isTooLarge = packet.length + rtpTagBytes > MAX_SRTP_BYTES;
    if (from < 0 || isTooLarge || !this.#rtpIndices.isFresh(ssrc, index)) return undefined;
    this.#rtpIndices.use(ssrc, index);
    const out = Buffer.allocUnsafe(packet.length + rtpTagBytes);
    packet.copy(out);
    const part = { from, end: packet.length, ssrc, index, word: Math.floor(index / ROLLOVER) };
    this.#rtp.seal(out, part).copy(out, packet.length, 0, rtpTagBytes);
    return out;
  }

  /** The same for a compound RTCP packet; undefined after 2^31 of them under one key. */
  sealRtcp(packet: Buffer): Buffer | undefined {
    const { kind, rtcpTagBytes } = this.#suite;
    if (this.#rtcpIndex >= MAX_RTCP_INDEX) return undefined;
    const index = ++this.#rtcpIndex;
    const end = packet.length;
    const out = Buffer.allocUnsafe(end + WORD_BYTES + rtcpTagBytes);
    packet.copy(out);
    const word = ENCRYPTED_FLAG + index;
    out.writeUInt32BE(word, kind === 'gcm' ? end + rtcpTagBytes : end);
    const part = { from: RTCP_HEADER_BYTES, end, ssrc: packet.readUInt32BE(4), index, word };
    this.#rtcp.seal(out, part).copy(out, kind === 'gcm' ? end : end + WORD_BYTES, 0, rtcpTagBytes);
    return out;
  }
}

function cipherOf(keys: SrtpKeys, kind: 'rtp' | 'rtcp'): SrtpCipher {
  const session = deriveSessionKeys(keys, kind);
  return SRTP_SUITES[keys.suite].kind === 'gcm' ? new GcmCipher(session, kind) : new CounterCipher(session);
}
