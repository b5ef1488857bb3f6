/**
 * A party's packets as an agent wants them: one frame after another without gaps, in real time. What is missing becomes
 * silence, and what comes too late is dropped, because a listener that decides when somebody has finished speaking bears
 * loss better than delay.
 */
import { timestampDelta } from '../rtp/index.ts';

export interface SteadyStreamOptions {
  readonly frameBytes: number;
  readonly frameMs: number;
  /** The byte that silence is made of. */
  readonly silence: number;
  /** Timestamp units in a byte of payload: 1 for G.711, 0.5 for 16-bit samples. */
  readonly unitsPerByte: number;
}

/** Nothing for longer than this is filled with silence, ms: what a stalled network delivers in one go is not lost yet. */
const PATIENCE_MS = 120;
/** A stream that runs further ahead of the clock than this is shortened, ms. */
const MAX_LEAD_MS = 120;
/** A jump of the timestamp beyond this is another time line, ms. */
const MAX_JUMP_MS = 1000;

export class SteadyStream {
  readonly #options: SteadyStreamOptions;
  readonly #emit: (frame: Uint8Array) => void;
  /** What is not a whole frame yet. */
  #rest: Uint8Array;
  #filled = 0;
  /** The timestamp of the byte that comes next; undefined until the first packet. */
  #nextTimestamp: number | undefined;
  /** What came last came too late and was dropped. */
  #isBehind = false;
  #startedMs: number | undefined;
  #emittedMs = 0;

  /** `emit` gets a frame of its own each time. */
  constructor(options: SteadyStreamOptions, emit: (frame: Uint8Array) => void) {
    this.#options = options;
    this.#emit = emit;
    this.#rest = new Uint8Array(options.frameBytes);
  }

  /** Real time begins: from now on a frame is owed for each of its lengths. */
  start(nowMs: number): void {
    this.#startedMs ??= nowMs;
  }

  /** The next packet comes from another party, or on another time line. */
  restart(): void {
    this.#nextTimestamp = undefined;
  }

  /** Takes one packet's payload. */
  take(payload: Uint8Array, timestamp: number, nowMs: number): void {
    this.start(nowMs);
    const early = this.#align(payload, timestamp, nowMs);
    this.#isBehind = early > 0 && early >= payload.length;
    if (early >= payload.length) return;
    this.#nextTimestamp = (timestamp + payload.length * this.#options.unitsPerByte) >>> 0;
    if (this.#leadMs(nowMs) <= MAX_LEAD_MS) this.#append(payload.subarray(early));
  }

  /** To be called once a frame: makes up for what did not come. */
  tick(nowMs: number): void {
    while (this.#leadMs(nowMs) < -PATIENCE_MS) {
      const missing = this.#options.frameBytes - this.#filled;
      // Who is dropped because silence was made in his place, and late again, is late for good (a longer way through
      // the network, a slower clock): the silence counts as a pause of his, or nothing of him would ever be heard.
      if (this.#isBehind) this.#append(this.#silent(missing));
      else this.#silence(missing);
      this.#isBehind = false;
    }
  }

  /** How many bytes of the packet have had their time already; a gap before it is filled. */
  #align(payload: Uint8Array, timestamp: number, nowMs: number): number {
    if (this.#nextTimestamp === undefined) return 0;
    const { unitsPerByte, frameBytes, frameMs } = this.#options;
    const bytes = timestampDelta(timestamp, this.#nextTimestamp) / unitsPerByte;
    if (Math.abs(bytes) > (MAX_JUMP_MS / frameMs) * frameBytes) return 0;
    if (bytes < 0) return Math.min(payload.length, -bytes);
    if (this.#leadMs(nowMs) <= MAX_LEAD_MS) this.#silence(bytes);
    return 0;
  }

  /** How far what was emitted is ahead of real time; negative: behind. */
  #leadMs(nowMs: number): number {
    return this.#startedMs === undefined ? 0 : this.#emittedMs - (nowMs - this.#startedMs);
  }

  #silence(bytes: number): void {
    const { unitsPerByte } = this.#options;
    if (bytes <= 0) return;
    this.#append(this.#silent(bytes));
    if (this.#nextTimestamp !== undefined) this.#nextTimestamp = (this.#nextTimestamp + bytes * unitsPerByte) >>> 0;
  }

  #silent(bytes: number): Uint8Array {
    return new Uint8Array(bytes).fill(this.#options.silence);
  }

  #append(bytes: Uint8Array): void {
    const { frameBytes, frameMs } = this.#options;
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + frameBytes - this.#filled);
      this.#rest.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < frameBytes) return;
      this.#emit(this.#rest);
      this.#emittedMs += frameMs;
      this.#rest = new Uint8Array(frameBytes);
      this.#filled = 0;
    }
  }
}
