/**
 * The parameter sets of an H.264 stream: no picture can be decoded without (RFC 6184 §8.4). Some send them once, or in
 * their SDP alone; browsers want them with each complete picture, and who joins later has missed them.
 */
import { RTP_HEADER_BYTES, timestampOf } from './packet.ts';

const SLICE = 1;
const IDR = 5;
const SEQUENCE_SET = 7;
const PICTURE_SET = 8;
const STAP_A = 24;
const FU_A = 28;
const IS_START = 0x80;
const TYPE = 0x1f;
/** Sets are some dozens of bytes long; those that are cut into fragments we do not keep. */
const MAX_BYTES = 1024;
const NONE: readonly Buffer[] = [];

export class ParameterSets {
  /** As they came last, of either kind. */
  #sequence: Buffer | undefined;
  #picture: Buffer | undefined;
  // Whether they have come since the last picture.
  #hasSequence = false;
  #hasPicture = false;
  #keyTimestamp = -1;

  /** `known`: from elsewhere, as NAL units. */
  constructor(known: readonly Uint8Array[]) {
    for (const unit of known) this.#keep(Buffer.from(unit), 0, unit.length);
    this.#hasSequence = false;
    this.#hasPicture = false;
  }

  /** Looks at a packet without header extensions; what is to be sent in front of it, as NAL units: mostly nothing. */
  take(packet: Buffer): readonly Buffer[] {
    const at = RTP_HEADER_BYTES;
    if (packet.length - at < 2) return NONE;
    const type = (packet[at] ?? 0) & TYPE;
    if (type === STAP_A) return this.#takeAggregate(packet, at + 1);
    if (type === FU_A) return this.#takeUnit(packet, at + 1, isStart(packet[at + 1]) ? 0 : -1);
    return this.#takeUnit(packet, at, packet.length - at);
  }

  /** One unit after another, each behind its length (RFC 6184 §5.7.1). */
  #takeAggregate(packet: Buffer, start: number): readonly Buffer[] {
    let missing = NONE;
    for (let at = start; at + 2 < packet.length; ) {
      const length = packet.readUInt16BE(at);
      if (length === 0 || at + 2 + length > packet.length) break;
      const found = this.#takeUnit(packet, at + 2, length);
      if (found !== NONE) missing = found;
      at += 2 + length;
    }
    return missing;
  }

  /** `length` is 0 at the start of a fragmented unit, and -1 further on in it. */
  #takeUnit(packet: Buffer, at: number, length: number): readonly Buffer[] {
    if (length === -1) return NONE;
    switch ((packet[at] ?? 0) & TYPE) {
      case SEQUENCE_SET:
      case PICTURE_SET:
        this.#keep(packet, at, length);
        return NONE;
      case IDR:
        return this.#atKeyframe(timestampOf(packet));
      case SLICE:
        this.#hasSequence = false;
        this.#hasPicture = false;
        return NONE;
      default:
        return NONE;
    }
  }

  #keep(from: Buffer, at: number, length: number): void {
    if (length < 2 || length > MAX_BYTES) return;
    const unit = Buffer.from(from.subarray(at, at + length));
    const type = (unit[0] ?? 0) & TYPE;
    if (type === SEQUENCE_SET) {
      this.#sequence = unit;
      this.#hasSequence = true;
    } else if (type === PICTURE_SET) {
      this.#picture = unit;
      this.#hasPicture = true;
    }
  }

  /** A picture may have several slices: only before the first of them. */
  #atKeyframe(timestamp: number): readonly Buffer[] {
    const isFirst = timestamp !== this.#keyTimestamp;
    this.#keyTimestamp = timestamp;
    const missing = isFirst && !(this.#hasSequence && this.#hasPicture);
    this.#hasSequence = false;
    this.#hasPicture = false;
    if (!missing || this.#sequence === undefined || this.#picture === undefined) return NONE;
    return [this.#sequence, this.#picture];
  }
}

function isStart(fragmentHeader: number | undefined): boolean {
  return ((fragmentHeader ?? 0) & IS_START) !== 0;
}
