/**
 * Puts the packets of one stream in order and says which are lost. It is no playout buffer: what comes in order goes
 * on at once, whatever the jitter, because who listens has a buffer of their own. Only behind a gap packets wait, as
 * long as packets were measured to be late, for the missing one to be late or lost.
 *
 * `put` packets, then call `next` until it has nothing more; call it again at `dueMs`, for time passes losses too.
 */
import { Lateness } from './lateness.ts';
import type { DurationOf } from './payload-duration.ts';
import { isContinuous, sequenceDelta, timestampDelta } from './sequence.ts';

export interface BufferInput {
  readonly ssrc: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly payload: Uint8Array;
  /** Comfort noise (RFC 3389): no audio, but what to play until there is some. */
  readonly isNoise?: boolean;
}

/** Timestamps are extended over wraps and only go on, but for `start`; durations are in units of the clock, too. */
export type BufferOutput =
  /** `isStart`: of another stream, whose timestamps have nothing to do with those before. */
  | {
      readonly kind: 'frame';
      readonly timestamp: number;
      readonly duration: number;
      readonly payload: Uint8Array;
      readonly isStart: boolean;
    }
  | { readonly kind: 'noise'; readonly timestamp: number; readonly payload: Uint8Array; readonly isStart: boolean }
  /** `next` is the payload that follows directly, when it is known. */
  | {
      readonly kind: 'lost';
      readonly timestamp: number;
      readonly duration: number;
      readonly next: Uint8Array | undefined;
    }
  /** Nothing was sent, after a packet that announced it. */
  | { readonly kind: 'silence'; readonly timestamp: number; readonly duration: number };

export interface BufferCounts {
  readonly lost: number;
  /** Came when the time for it was over. */
  readonly late: number;
  readonly duplicate: number;
}

/** What is held at most; with more something is wrong that waiting does not cure. */
const MOST_HELD = 32;
/** So much of a gap is filled, as concealment is silent behind it. */
const LONGEST_FILLED_MS = 120;
/** Announced silence is filled for so long; who is silent for longer has gone. */
const LONGEST_SILENCE_MS = 30_000;
/** A timestamp this far ahead is of another clock. */
const RESET_MS = 10_000;
/** For the successor of a missing packet to come late, when nothing was late before: senders are machines, too. */
const SLACK_MS = 24;
/** An Opus payload this short says that silence begins or lasts (RFC 6716 §2.1.9). */
const SHORTEST_AUDIO = 3;

interface Held {
  /** Undefined: a telephone-event. */
  readonly payload: Uint8Array | undefined;
  readonly isNoise: boolean;
  /** Extended over wraps. */
  readonly timestamp: number;
}

const WITHOUT_AUDIO: Held = { payload: undefined, isNoise: false, timestamp: 0 };

export class JitterBuffer {
  readonly #clockPerMs: number;
  readonly #durationOf: DurationOf;
  readonly #lateness = new Lateness();
  readonly #held = new Map<number, Held>();
  #ssrc = -1;
  /** Of the last packet that went on; extended over wraps. */
  #sequence = 0;
  /** Where the last output ends, extended over wraps. */
  #position = 0;
  #duration: number;
  /** Filled without a packet since the last one that went on, units of the clock. */
  #filled = 0;
  #isStart = false;
  #isSilent = false;
  #lost = 0;
  #late = 0;
  #duplicate = 0;

  constructor(options: { readonly clockRate: number; readonly durationOf: DurationOf }) {
    this.#clockPerMs = options.clockRate / 1000;
    this.#durationOf = options.durationOf;
    this.#duration = 20 * this.#clockPerMs;
  }

  get counts(): BufferCounts {
    return { lost: this.#lost, late: this.#late, duplicate: this.#duplicate };
  }

  /** How long a packet that is missing is waited for, ms. */
  get waitMs(): number {
    return this.#lateness.waitMs;
  }

  /** When `next` is to be called although nothing came: infinity when there is nothing to expect. */
  get dueMs(): number {
    if (this.#ssrc === -1 || this.#isStart) return Number.POSITIVE_INFINITY;
    const expected = this.#lateness.expected(this.#position / this.#clockPerMs) + this.#lateness.waitMs;
    if (this.#held.size > 0) return expected;
    // While nothing follows it may be that nothing is sent; and what follows may carry the missing one's redundancy.
    return this.#mayFill ? expected + this.#duration / this.#clockPerMs + SLACK_MS : Number.POSITIVE_INFINITY;
  }

  put({ ssrc, sequence, timestamp, payload, isNoise = false }: BufferInput, nowMs: number): void {
    if (ssrc !== this.#ssrc || !isContinuous(sequenceDelta(sequence, this.#sequence & 0xffff))) {
      this.#begin(ssrc, sequence, timestamp);
    }
    const extended = this.#sequence + sequenceDelta(sequence, this.#sequence & 0xffff);
    const held = { payload, isNoise, timestamp: this.#position + timestampDelta(timestamp, this.#position >>> 0) };
    this.#lateness.note(held.timestamp / this.#clockPerMs, nowMs);
    if (extended <= this.#sequence) this.#late++;
    else if (this.#held.has(extended)) this.#duplicate++;
    else this.#held.set(extended, held);
  }

  /** A packet of the stream without audio: its sequence number is not missing, and nothing need be filled in beside it. */
  pass(ssrc: number, sequence: number): void {
    if (ssrc !== this.#ssrc || this.#isStart || this.#held.size >= MOST_HELD) return;
    const step = sequenceDelta(sequence, this.#sequence & 0xffff);
    if (step <= 0 || !isContinuous(step)) return;
    if (!this.#held.has(this.#sequence + step)) this.#held.set(this.#sequence + step, WITHOUT_AUDIO);
    this.#filled = LONGEST_SILENCE_MS * this.#clockPerMs;
  }

  /** The next output, if it is time for one. */
  next(nowMs: number): BufferOutput | undefined {
    for (;;) {
      const sequence = this.#firstHeld();
      const held = sequence === undefined ? undefined : this.#held.get(sequence);
      if (sequence === undefined || held === undefined) return nowMs >= this.dueMs ? this.#fill(undefined) : undefined;
      if (this.#isGapBefore(sequence, held)) {
        if (nowMs < this.dueMs && this.#held.size < MOST_HELD) return undefined;
        if (this.#mayFill) return this.#fillBefore(sequence, held);
      }
      const output = this.#release(sequence, held);
      if (output) return output;
    }
  }

  get #mayFill(): boolean {
    return this.#filled < (this.#isSilent ? LONGEST_SILENCE_MS : LONGEST_FILLED_MS) * this.#clockPerMs;
  }

  #begin(ssrc: number, sequence: number, timestamp: number): void {
    this.#ssrc = ssrc;
    // Far from zero, so that what was sent before the first packet heard is not negative.
    this.#sequence = 0x10000 + sequence - 1;
    this.#position = 2 ** 32 + timestamp;
    this.#held.clear();
    this.#filled = 0;
    this.#isStart = true;
    this.#isSilent = false;
    this.#lateness.rebase();
  }

  #firstHeld(): number | undefined {
    let first: number | undefined;
    for (const sequence of this.#held.keys()) if (first === undefined || sequence < first) first = sequence;
    return first;
  }

  /** Whether something may be missing before a packet: its number says so, and the time before it is not filled. */
  #isGapBefore(sequence: number, { payload, timestamp }: Held): boolean {
    if (this.#isStart || sequence === this.#sequence + 1) return false;
    return payload === undefined || timestamp > this.#position;
  }

  /** One frame before a packet that is in hand. */
  #fillBefore(sequence: number, { payload, timestamp }: Held): BufferOutput | undefined {
    const missing = payload === undefined ? this.#duration : timestamp - this.#position;
    const isLast = missing <= this.#duration;
    this.#sequence = Math.min(this.#sequence + 1, sequence - 1);
    return this.#fill(isLast ? payload : undefined, Math.min(missing, this.#duration));
  }

  #fill(next: Uint8Array | undefined, duration = this.#duration): BufferOutput {
    const timestamp = this.#position;
    this.#filled += duration;
    this.#position += duration;
    if (this.#isSilent && next === undefined) return { kind: 'silence', timestamp, duration };
    this.#lost++;
    return { kind: 'lost', timestamp, duration, next };
  }

  #release(sequence: number, { payload, isNoise, timestamp }: Held): BufferOutput | undefined {
    this.#held.delete(sequence);
    this.#sequence = sequence;
    if (payload === undefined) return undefined;
    const duration = isNoise ? 0 : this.#durationOf(payload);
    if (duration === 0 && !isNoise) return undefined;
    const jump = timestamp - this.#position;
    const isStart = this.#isStart || this.#isReset(jump, duration);
    const isOver = !this.#isSilent && jump + duration <= 0;
    if (!isStart && !isNoise && isOver) return this.#drop(payload);
    this.#isStart = false;
    this.#isSilent = isNoise || payload.length < SHORTEST_AUDIO;
    this.#filled = 0;
    this.#position = timestamp + duration;
    if (isNoise) return { kind: 'noise', timestamp, payload, isStart };
    this.#duration = duration;
    return { kind: 'frame', timestamp, duration, payload, isStart };
  }

  /** Too late to be played. When it says that silence has begun, what was taken for a loss since is that. */
  #drop(payload: Uint8Array): undefined {
    this.#late++;
    if (payload.length >= SHORTEST_AUDIO) return;
    this.#isSilent = true;
    this.#filled = 0;
  }

  /** Whether a clock was set anew: it runs back by more than was filled in, or far ahead. */
  #isReset(jump: number, duration: number): boolean {
    if (-jump <= this.#filled + duration && jump <= RESET_MS * this.#clockPerMs) return false;
    this.#lateness.rebase();
    return true;
  }
}
