/**
 * One outgoing RTP stream made of many incoming ones: SSRC, sequence number and timestamp stay continuous although the
 * source, its SSRC, its sequence or its clock restarts. Loss and reordering within one source are passed on as they
 * are, so that the receiver's statistics stay true. A sequence that went back would make an SRTP receiver discard
 * everything as replayed (RFC 3711 §3.3.2).
 */
import { sequenceOf, setMarker, ssrcOf, timestampOf } from './packet.ts';
import { isContinuous, MAX_MISORDER, sequenceDelta, timestampDelta } from './sequence.ts';

/** The least advance of the timestamp between two sources: one usual frame. */
const FRAMES_PER_SEC = 50;
/** A timestamp that runs this far ahead of real time was reset by the sender. */
const MAX_LEAD_SEC = 10;

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
  #source = 0;
  #sourceSequence = 0;
  #sourceTimestamp = 0;
  #packetsSinceJoin = 0;
  #sequenceOffset = 0;
  #timestampOffset = 0;

  // The source before it: its late packets are not a new change.
  #formerSource = -1;
  #formerSequence = 0;

  // Ours: the highest sent.
  #sequence: number;
  #timestamp: number;
  #sentMs = 0;

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

  /**
   * Rewrites SSRC, sequence number and timestamp of an audio packet in place; the first packet of a source gets the
   * marker. False: a straggler of a source that is over, not to be sent.
   */
  applyAudio(packet: Buffer, clockRate: number, nowMs: number): boolean {
    this.#nowMs = nowMs;
    const timestamp = timestampOf(packet);
    if (!this.#admit(packet, timestamp, this.#hasClockReset(packet, timestamp, clockRate), clockRate)) return false;
    const out = this.#rewrite(packet, timestamp);
    if (timestampDelta(timestamp, this.#sourceTimestamp) > 0) this.#sourceTimestamp = timestamp;
    if (timestampDelta(out, this.#timestamp) > 0) {
      this.#timestamp = out;
      this.#sentMs = nowMs;
    }
    return true;
  }

  /**
   * The same for a telephone-event. Its timestamp is the start of the event, before that of audio sent meanwhile
   * (RFC 4733 §2.1), so it neither moves the clock nor betrays a reset of it.
   */
  applyEvent(packet: Buffer, clockRate: number, nowMs: number): boolean {
    this.#nowMs = nowMs;
    const timestamp = timestampOf(packet);
    if (!this.#admit(packet, timestamp, false, clockRate)) return false;
    this.#rewrite(packet, timestamp);
    return true;
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
    return this.#sequence;
  }

  #admit(packet: Buffer, timestamp: number, hasClockReset: boolean, clockRate: number): boolean {
    const source = ssrcOf(packet);
    const sequence = sequenceOf(packet);
    if (this.#joinNext || hasClockReset) return this.#join(packet, timestamp, clockRate);
    if (source !== this.#source) {
      const late = sequenceDelta(sequence, this.#formerSequence);
      if (source === this.#formerSource && late <= 0 && late > -MAX_MISORDER) return false;
      return this.#join(packet, timestamp, clockRate);
    }
    const step = sequenceDelta(sequence, this.#sourceSequence);
    if (!isContinuous(step)) return this.#join(packet, timestamp, clockRate);
    if (step <= 0) return this.#packetsSinceJoin + step >= 0;
    this.#packetsSinceJoin += step;
    this.#sourceSequence = sequence;
    this.#sequence = (sequence + this.#sequenceOffset) & 0xffff;
    return true;
  }

  /** The clock of a source that goes on may stand (repeated packet) or jump over silence, but not run back or far ahead. */
  #hasClockReset(packet: Buffer, timestamp: number, clockRate: number): boolean {
    if (sequenceDelta(sequenceOf(packet), this.#sourceSequence) <= 0) return false;
    const step = timestampDelta(timestamp, this.#sourceTimestamp);
    if (step < 0) return true;
    return step > clockRate * (MAX_LEAD_SEC + (this.#nowMs - this.#sentMs) / 1000);
  }

  #join(packet: Buffer, timestamp: number, clockRate: number): true {
    const sequence = sequenceOf(packet);
    this.#formerSource = this.#isStarted ? this.#source : -1;
    this.#formerSequence = this.#sourceSequence;
    if (this.#isStarted) {
      const elapsed = Math.round(((this.#nowMs - this.#sentMs) * clockRate) / 1000);
      this.#sequence = (this.#sequence + 1) & 0xffff;
      this.#timestamp = (this.#timestamp + Math.max(elapsed, clockRate / FRAMES_PER_SEC)) >>> 0;
    }
    this.#isStarted = true;
    this.#joinNext = false;
    this.#sentMs = this.#nowMs;
    this.#source = ssrcOf(packet);
    this.#sourceSequence = sequence;
    this.#sourceTimestamp = timestamp;
    this.#packetsSinceJoin = 0;
    this.#sequenceOffset = (this.#sequence - sequence) & 0xffff;
    this.#timestampOffset = (this.#timestamp - timestamp) >>> 0;
    setMarker(packet);
    return true;
  }

  #rewrite(packet: Buffer, timestamp: number): number {
    const out = (timestamp + this.#timestampOffset) >>> 0;
    packet.writeUInt16BE((sequenceOf(packet) + this.#sequenceOffset) & 0xffff, 2);
    packet.writeUInt32BE(out, 4);
    packet.writeUInt32BE(this.ssrc, 8);
    return out;
  }
}
