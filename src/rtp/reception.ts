/** What a receiver counts about one RTP stream: RFC 3550 §6.4.1, §A.1, §A.3 and §A.8. */
import { isContinuous, sequenceDelta } from './sequence.ts';

export interface ReceptionSummary {
  readonly packetsReceived: number;
  /** Sequence numbers that never came, over all sources seen. Duplicates do not make up for them. */
  readonly packetsLost: number;
  readonly jitterMs: number;
}

/** The part of a report block that the receiver knows. */
export interface ReceptionBlock {
  readonly ssrc: number;
  /** Of 256, since the previous block. */
  readonly fractionLost: number;
  readonly packetsLost: number;
  readonly highestSequence: number;
  /** In units of the media clock. */
  readonly jitter: number;
}

export class Reception {
  #ssrc = -1;
  #beginNext = false;
  #first = 0;
  #highest = 0;
  #received = 0;
  #jitter = 0;
  #jitterMs = 0;
  #transit = Number.NaN;
  #streams = 0;
  // Of sources and sequences that are over.
  #formerReceived = 0;
  #formerLost = 0;
  // At the previous report block.
  #expectedThen = 0;
  #receivedThen = 0;

  /** The SSRC heard last; -1 before the first packet. */
  get ssrc(): number {
    return this.#ssrc;
  }

  /** What comes next counts anew: what the source counted while nobody was to hear it, as on hold, is not lost. */
  restart(): void {
    this.#beginNext = true;
  }

  /** How many streams there have been: a new SSRC or a sequence that begins anew is another one. */
  get streams(): number {
    return this.#streams;
  }

  /** Counts a packet that arrived. */
  take(ssrc: number, sequence: number): void {
    const step = sequenceDelta(sequence, this.#highest);
    if (ssrc !== this.#ssrc || this.#beginNext || !isContinuous(step)) this.#begin(ssrc, sequence);
    else if (step > 0) this.#highest += step;
    this.#received++;
  }

  /** Follows the jitter; telephone-events, which repeat their timestamp, stay out of it. */
  time(timestamp: number, clockRate: number, nowMs: number): void {
    // The transit time wraps with the timestamp: only its difference, taken as signed 32 bits, means something.
    const transit = (Math.round((nowMs * clockRate) / 1000) - timestamp) | 0;
    if (!Number.isNaN(this.#transit)) {
      const difference = Math.abs((transit - this.#transit) | 0);
      // A difference of seconds is a clock that jumped, not jitter.
      if (difference < clockRate * 2) this.#jitter += (difference - this.#jitter) / 16;
    }
    this.#transit = transit;
    this.#jitterMs = (this.#jitter * 1000) / clockRate;
  }

  summary(): ReceptionSummary {
    return {
      packetsReceived: this.#formerReceived + this.#received,
      packetsLost: this.#formerLost + this.#lost(),
      jitterMs: this.#jitterMs,
    };
  }

  /** The block for the next report, undefined before the first packet. Begins a new interval. */
  nextBlock(): ReceptionBlock | undefined {
    if (this.#ssrc === -1) return undefined;
    const expected = this.#expected();
    const expectedNow = expected - this.#expectedThen;
    const lostNow = expectedNow - (this.#received - this.#receivedThen);
    this.#expectedThen = expected;
    this.#receivedThen = this.#received;
    return {
      ssrc: this.#ssrc,
      fractionLost: expectedNow > 0 && lostNow > 0 ? Math.min(255, Math.floor((lostNow * 256) / expectedNow)) : 0,
      packetsLost: this.#lost(),
      highestSequence: this.#highest >>> 0,
      jitter: Math.round(this.#jitter),
    };
  }

  #begin(ssrc: number, sequence: number): void {
    if (this.#ssrc !== -1) {
      this.#formerReceived += this.#received;
      this.#formerLost += this.#lost();
    }
    this.#beginNext = false;
    this.#streams++;
    this.#ssrc = ssrc;
    this.#first = sequence;
    this.#highest = sequence;
    this.#received = 0;
    this.#expectedThen = 0;
    this.#receivedThen = 0;
    this.#transit = Number.NaN;
  }

  #expected(): number {
    return this.#ssrc === -1 ? 0 : this.#highest - this.#first + 1;
  }

  #lost(): number {
    return Math.max(0, this.#expected() - this.#received);
  }
}
