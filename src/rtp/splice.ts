/**
 * One outgoing RTP stream made of many incoming ones: SSRC, sequence number and timestamp stay continuous although the
 * source, its SSRC, its sequence or its clock restarts. Loss and reordering within one source are passed on as they
 * are, so that the receiver's statistics stay true. A sequence that went back would make an SRTP receiver discard
 * everything as replayed (RFC 3711 §3.3.2), and a number used twice would encrypt two payloads with one key stream
 * (§9.1): so no number is ever given to two packets.
 */
import { clearMarker, hasMarker, sequenceOf, setMarker, ssrcOf, timestampOf } from './packet.ts';
import { isContinuous, sequenceDelta, timestampDelta } from './sequence.ts';

/** The least advance of the timestamp between two sources: one usual frame. */
const FRAMES_PER_SEC = 50;
/** A timestamp that is this far from where real time would have it was reset by the sender. */
const MAX_LEAD_SEC = 2;
/** No packet is so late: one that counts back after such a silence begins anew, ms. */
const MAX_LATE_MS = 1000;
/** Two sources at once are not mixed packet by packet: the former one is heard again when the later is silent, ms. */
const SWITCH_BACK_MS = 70;
/** More than any packet can be late. */
const REMEMBERED = 256;
const VIDEO_HZ = 90_000;

export interface SpliceStart {
  readonly ssrc: number;
  /** The first sequence number and timestamp, drawn at random (RFC 3550 §5.1). */
  readonly sequence: number;
  readonly timestamp: number;
}

export class Splice {
  readonly ssrc: number;
  #isStarted = false;
  #joinNext = true;
  #nowMs = 0;

  // The source being carried: its highest numbers, and what is added to get ours.
  #source = -1;
  #sourceSequence = 0;
  #sourceTimestamp = 0;
  #heardMs = 0;
  #packetsSinceJoin = 0;
  #sequenceOffset = 0;
  #timestampOffset = 0;

  // The source before it: neither its late packets nor what it goes on to say is a new change.
  #formerSource = -1;

  // Ours: the highest sent, and by their last bits the numbers given away.
  #sequence: number;
  #timestamp: number;
  #sentMs = 0;
  readonly #given = new Int32Array(REMEMBERED).fill(-1);

  constructor(start: SpliceStart) {
    this.ssrc = start.ssrc;
    this.#sequence = start.sequence & 0xffff;
    this.#timestamp = start.timestamp >>> 0;
  }

  /** The next packet begins a new source, whatever its numbers say: another payload type, another party, end of hold. */
  restart(): void {
    this.#joinNext = true;
  }

  /** The timestamp that a packet made now would have, in units of `clockRate`. */
  timestampAt(nowMs: number, clockRate: number): number {
    if (!this.#isStarted) return this.#timestamp;
    return (this.#timestamp + Math.round(((nowMs - this.#sentMs) * clockRate) / 1000)) >>> 0;
  }

  /** The highest timestamp sent. */
  get timestamp(): number {
    return this.#timestamp;
  }

  /** Whether an event comes beside the audio, from an SSRC of its own: then it is one to `insert`. */
  isBeside(packet: Buffer): boolean {
    return this.#isStarted && !this.#joinNext && ssrcOf(packet) !== this.#source;
  }

  /**
   * Rewrites SSRC, sequence number and timestamp of an audio packet in place; the first packet of a source gets the
   * marker. False: a duplicate, or of a source that is over, not to be sent.
   */
  applyAudio(packet: Buffer, clockRate: number, nowMs: number): boolean {
    this.#nowMs = nowMs;
    return this.#apply(packet, clockRate, this.#hasClockReset(packet, timestampOf(packet), clockRate));
  }

  /**
   * The same for a packet of video. Its marker ends a picture and says nothing about sources (RFC 6184 §5.1), and
   * pictures may be sent in another order than that of their timestamps.
   */
  applyVideo(packet: Buffer, nowMs: number): boolean {
    this.#nowMs = nowMs;
    const isEnd = hasMarker(packet);
    const distance = Math.abs(timestampDelta(timestampOf(packet), this.#sourceTimestamp));
    const hasClockReset = distance > VIDEO_HZ * (MAX_LEAD_SEC + (nowMs - this.#sentMs) / 1000);
    const isNew = this.#apply(packet, VIDEO_HZ, hasClockReset);
    if (!isEnd) clearMarker(packet);
    return isNew;
  }

  #apply(packet: Buffer, clockRate: number, hasClockReset: boolean): boolean {
    const timestamp = timestampOf(packet);
    if (this.#begins(packet) || hasClockReset) {
      if (this.#isOver(packet)) return false;
      this.#join(packet, timestamp, clockRate);
    } else this.#goOn(sequenceOf(packet));
    const isNew = this.#rewrite(packet, timestamp);
    if (timestampDelta(timestamp, this.#sourceTimestamp) > 0) this.#sourceTimestamp = timestamp;
    const out = timestampOf(packet);
    if (isNew && timestampDelta(out, this.#timestamp) > 0) {
      this.#timestamp = out;
      this.#sentMs = this.#nowMs;
    }
    return isNew;
  }

  /**
   * The same for a telephone-event. Its timestamp is the start of the event, before that of audio sent meanwhile
   * (RFC 4733 §2.1), so it neither moves the clock nor betrays a reset of it.
   */
  applyEvent(packet: Buffer, clockRate: number, nowMs: number): boolean {
    this.#nowMs = nowMs;
    const timestamp = timestampOf(packet);
    if (!this.#begins(packet)) this.#goOn(sequenceOf(packet));
    else if (this.#isOver(packet)) return false;
    else this.#join(packet, timestamp, clockRate);
    return this.#rewrite(packet, timestamp);
  }

  /**
   * The sequence number of a packet of our own, put in between; the source's later packets move up by one. Its packets
   * that are late now would get a number twice, and are dropped.
   */
  insert(nowMs: number): number {
    if (this.#isStarted) this.#sequence = (this.#sequence + 1) & 0xffff;
    else this.#sentMs = nowMs;
    this.#isStarted = true;
    this.#sequenceOffset = (this.#sequenceOffset + 1) & 0xffff;
    this.#packetsSinceJoin = -1;
    this.#give(this.#sequence);
    return this.#sequence;
  }

  /**
   * Puts packets of our own before one that has just been rewritten: they get its number and those after it, and it the
   * last; what belongs after it moves up. `numbers` gets theirs. False: others have been sent after it, it stays.
   */
  precede(packet: Buffer, numbers: number[], nowMs: number): boolean {
    if (sequenceOf(packet) !== this.#sequence) return false;
    for (let index = 0; index < numbers.length; index++) {
      numbers[index] = this.#sequence;
      packet.writeUInt16BE(this.insert(nowMs), 2);
    }
    return true;
  }

  /** Whether the packet does not carry on the source: another SSRC, or numbers that neither loss nor reordering makes. */
  #begins(packet: Buffer): boolean {
    if (this.#joinNext || ssrcOf(packet) !== this.#source) return true;
    const step = sequenceDelta(sequenceOf(packet), this.#sourceSequence);
    return !isContinuous(step) || (step <= 0 && this.#nowMs - this.#heardMs > MAX_LATE_MS);
  }

  /** Of a packet that begins something: whether it is but the former source, while the present one is heard. */
  #isOver(packet: Buffer): boolean {
    if (this.#joinNext || ssrcOf(packet) !== this.#formerSource || ssrcOf(packet) === this.#source) return false;
    return this.#nowMs - this.#heardMs < SWITCH_BACK_MS;
  }

  /** The clock of a source that goes on may stand (repeated packet) or jump over silence, but not run back or far ahead. */
  #hasClockReset(packet: Buffer, timestamp: number, clockRate: number): boolean {
    const step = timestampDelta(timestamp, this.#sourceTimestamp);
    const isLate = sequenceDelta(sequenceOf(packet), this.#sourceSequence) <= 0;
    if (isLate) return Math.abs(step) > clockRate * MAX_LEAD_SEC;
    if (step < 0) return true;
    return step > clockRate * (MAX_LEAD_SEC + (this.#nowMs - this.#sentMs) / 1000);
  }

  #goOn(sequence: number): void {
    this.#heardMs = this.#nowMs;
    const step = sequenceDelta(sequence, this.#sourceSequence);
    if (step <= 0) return;
    this.#packetsSinceJoin += step;
    this.#sourceSequence = sequence;
    this.#sequence = (sequence + this.#sequenceOffset) & 0xffff;
  }

  #join(packet: Buffer, timestamp: number, clockRate: number): void {
    const sequence = sequenceOf(packet);
    const source = ssrcOf(packet);
    if (source !== this.#source) this.#formerSource = this.#source;
    if (this.#isStarted) {
      const elapsed = Math.round(((this.#nowMs - this.#sentMs) * clockRate) / 1000);
      this.#sequence = (this.#sequence + 1) & 0xffff;
      this.#timestamp = (this.#timestamp + Math.max(elapsed, clockRate / FRAMES_PER_SEC)) >>> 0;
    }
    this.#isStarted = true;
    this.#joinNext = false;
    this.#sentMs = this.#nowMs;
    this.#heardMs = this.#nowMs;
    this.#source = source;
    this.#sourceSequence = sequence;
    this.#sourceTimestamp = timestamp;
    this.#packetsSinceJoin = 0;
    this.#sequenceOffset = (this.#sequence - sequence) & 0xffff;
    this.#timestampOffset = (this.#timestamp - timestamp) >>> 0;
    setMarker(packet);
  }

  /** False when its number is given away already, or belongs to a time before this source. */
  #rewrite(packet: Buffer, timestamp: number): boolean {
    const sequence = sequenceOf(packet);
    if (this.#packetsSinceJoin + sequenceDelta(sequence, this.#sourceSequence) < 0) return false;
    const ours = (sequence + this.#sequenceOffset) & 0xffff;
    if (this.#given[ours % REMEMBERED] === ours) return false;
    this.#give(ours);
    packet.writeUInt16BE(ours, 2);
    packet.writeUInt32BE((timestamp + this.#timestampOffset) >>> 0, 4);
    packet.writeUInt32BE(this.ssrc, 8);
    return true;
  }

  #give(sequence: number): void {
    this.#given[sequence % REMEMBERED] = sequence;
  }
}
