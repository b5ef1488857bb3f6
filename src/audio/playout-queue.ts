/**
 * The queue between an agent that speaks in bursts and a clock that takes one frame every 20 ms (decision D7). It knows
 * to the millisecond what has left it, and forgets the rest at once.
 */
import { CatchUp } from './catch-up.ts';

export interface PlayoutOptions {
  /** Of the encoding: 8 for G.711, 32 for 16-bit samples at 16 kHz. */
  readonly bytesPerMs: number;
  readonly frameMs: number;
  /** The byte that silence is made of. */
  readonly silence: number;
  /** What is gathered before the first frame of a stretch of speech leaves, ms. */
  readonly prebufferMs: number;
  /** What comes when this much waits is dropped, ms. */
  readonly maxMs: number;
  /** Fades a frame out in place; it ends in silence. */
  readonly fadeOut: (frame: Uint8Array) => void;
  /** Whether nothing in whole samples of audio is loud enough to be speech. */
  readonly isQuiet: (audio: Uint8Array) => boolean;
}

/** Of one utterance: how much was given to the queue, has been played, and was thrown away. Milliseconds. */
export interface HeardUtterance {
  readonly utterance: string;
  readonly receivedMs: number;
  readonly playedMs: number;
  readonly flushedMs: number;
  /** How much of `flushedMs` was silence within what was played, left out to make up for a lag. */
  readonly skippedMs: number;
}

export type PlayoutEvent =
  /** The first frame of an utterance has left. */
  | { readonly kind: 'started'; readonly utterance: string }
  /** The first frame after a pause, of the same utterance as the last one. */
  | { readonly kind: 'resumed'; readonly utterance: string }
  /** Everything before the mark has been played, or (`isCleared`) was thrown away. */
  | { readonly kind: 'mark'; readonly name: string; readonly isCleared: boolean }
  /** Another utterance has begun, or a flush has ended it. A pause does not: more of it may come. */
  | ({ readonly kind: 'over' } & HeardUtterance);

interface Count {
  received: number;
  played: number;
  flushed: number;
  /** Part of `flushed`. */
  skipped: number;
}

type Entry =
  | { readonly kind: 'audio'; readonly utterance: string; readonly bytes: Uint8Array; from: number }
  | { readonly kind: 'mark'; readonly name: string };

/** A pause in the supply up to this long is bridged without gathering anew, ms. */
const SHORT_GAP_MS = 60;
/** How much of the frame that fades out counts as heard. */
const FADED_SHARE = 0.5;

export class PlayoutQueue {
  readonly #options: PlayoutOptions;
  readonly #onEvent: (event: PlayoutEvent) => void;
  readonly #frameBytes: number;
  readonly #catchUp: CatchUp;
  #entries: Entry[] = [];
  #waiting = 0;
  readonly #counts = new Map<string, Count>();
  /** The utterance that the last frame was of. */
  #speaking: string | undefined;
  #isGathering = true;
  /** Nothing was played for the last frame. */
  #isPausing = true;
  #gatheringSinceMs = 0;
  #dryAtMs: number | undefined;
  #fading: Uint8Array | undefined;

  constructor(options: PlayoutOptions, onEvent: (event: PlayoutEvent) => void) {
    this.#options = options;
    this.#onEvent = onEvent;
    this.#frameBytes = options.bytesPerMs * options.frameMs;
    this.#catchUp = new CatchUp(options.frameMs, options.prebufferMs);
  }

  get depthMs(): number {
    return this.#waiting / this.#options.bytesPerMs;
  }

  /** Appends audio of any length; chunks need not end where a frame does. The answer: how much of it was dropped, ms. */
  push(bytes: Uint8Array, utterance: string, nowMs: number): number {
    const { bytesPerMs, maxMs } = this.#options;
    const taken = bytes.subarray(0, Math.max(0, maxMs * bytesPerMs - this.#waiting));
    if (taken.length > 0) {
      if (this.#waiting === 0) this.#wake(nowMs);
      this.#entries.push({ kind: 'audio', utterance, bytes: taken, from: 0 });
      this.#waiting += taken.length;
      this.#countOf(utterance).received += taken.length;
    }
    return (bytes.length - taken.length) / bytesPerMs;
  }

  /** Told when everything before it has been played: at once, when nothing waits. */
  mark(name: string): void {
    if (this.#waiting === 0) this.#onEvent({ kind: 'mark', name, isCleared: false });
    else this.#entries.push({ kind: 'mark', name });
  }

  /** Throws away what waits; the frame that comes next fades out. Pending marks are told in their order. */
  flush(): readonly HeardUtterance[] {
    if (this.#speaking !== undefined && this.#waiting > 0) this.#startFade();
    const entries = this.#entries;
    this.#entries = [];
    this.#waiting = 0;
    this.#isGathering = true;
    this.#catchUp.restart();
    for (const entry of entries) {
      if (entry.kind === 'audio') this.#countOf(entry.utterance).flushed += entry.bytes.length - entry.from;
    }
    const heard = [...this.#counts.keys()].map((utterance) => this.#heard(utterance));
    for (const entry of entries)
      if (entry.kind === 'mark') this.#onEvent({ kind: 'mark', name: entry.name, isCleared: true });
    this.#allOver();
    return heard;
  }

  /** Writes the next frame. False: there is nothing to play, and `frame` is left alone. */
  take(frame: Uint8Array, nowMs: number): boolean {
    if (this.#fading !== undefined) {
      frame.set(this.#fading);
      this.#fading = undefined;
      return true;
    }
    if (this.#waiting === 0 || this.#gathers(nowMs)) {
      this.#isPausing = true;
      this.#catchUp.restart();
      return false;
    }
    // At most one for each that is played: a pause becomes shorter, but remains one.
    if (this.#catchUp.mayDrop(this.depthMs) && this.#isNextQuiet()) {
      this.#read(frame, false);
      this.#catchUp.dropped();
    }
    const written = this.#read(frame, true);
    frame.fill(this.#options.silence, written);
    if (this.#waiting === 0) {
      this.#dryAtMs = nowMs;
      this.#tellMarks();
    }
    return true;
  }

  /** What has been heard of an utterance so far; undefined when nothing of it is known any more. */
  heard(utterance: string): HeardUtterance | undefined {
    return this.#counts.has(utterance) ? this.#heard(utterance) : undefined;
  }

  /** Speech begins, or goes on after a pause. */
  #wake(nowMs: number): void {
    const pauseMs = this.#dryAtMs === undefined ? Infinity : nowMs - this.#dryAtMs;
    if (pauseMs <= SHORT_GAP_MS) return;
    this.#isGathering = true;
    this.#gatheringSinceMs = nowMs;
  }

  /** An utterance shorter than the prebuffer leaves when that time is over. */
  #gathers(nowMs: number): boolean {
    if (!this.#isGathering) return false;
    const { prebufferMs } = this.#options;
    this.#isGathering = this.depthMs < prebufferMs && nowMs - this.#gatheringSinceMs < prebufferMs;
    return this.#isGathering;
  }

  /** The answer: how many bytes were written. Not `isHeard`: they are left out of what is played. */
  #read(frame: Uint8Array, isHeard: boolean): number {
    let at = 0;
    while (at < this.#frameBytes) {
      const entry = this.#entries[0];
      if (entry === undefined) break;
      if (entry.kind === 'mark') {
        this.#entries.shift();
        this.#onEvent({ kind: 'mark', name: entry.name, isCleared: false });
        continue;
      }
      if (isHeard) this.#speak(entry.utterance);
      at += this.#readAudio(entry, frame.subarray(at), isHeard);
    }
    return at;
  }

  #readAudio(entry: Extract<Entry, { kind: 'audio' }>, room: Uint8Array, isHeard: boolean): number {
    const part = entry.bytes.subarray(entry.from, entry.from + room.length);
    const { length } = part;
    room.set(part);
    entry.from += length;
    this.#waiting -= length;
    const count = this.#countOf(entry.utterance);
    if (isHeard) count.played += length;
    else {
      count.flushed += length;
      count.skipped += length;
    }
    if (entry.from === entry.bytes.length) this.#entries.shift();
    return length;
  }

  /** Whether a whole frame of the utterance that is heard comes next, and is silent. */
  #isNextQuiet(): boolean {
    let bytes = 0;
    for (const entry of this.#entries) {
      if (entry.kind === 'mark') continue;
      if (entry.utterance !== this.#speaking) return false;
      const part = entry.bytes.subarray(entry.from, entry.from + this.#frameBytes - bytes);
      if (!this.#options.isQuiet(part)) return false;
      bytes += part.length;
      if (bytes === this.#frameBytes) return true;
    }
    return false;
  }

  #speak(utterance: string): void {
    const wasPausing = this.#isPausing;
    this.#isPausing = false;
    if (this.#speaking === utterance) {
      if (wasPausing) this.#onEvent({ kind: 'resumed', utterance });
      return;
    }
    if (this.#speaking !== undefined) this.#over(this.#speaking);
    this.#speaking = utterance;
    this.#onEvent({ kind: 'started', utterance });
  }

  #startFade(): void {
    const frame = new Uint8Array(this.#frameBytes).fill(this.#options.silence);
    const entry = this.#entries.find((each) => each.kind === 'audio');
    if (entry === undefined) return;
    const part = entry.bytes.subarray(entry.from, entry.from + this.#frameBytes);
    frame.set(part);
    this.#options.fadeOut(frame);
    this.#fading = frame;
    const heard = Math.floor(part.length * FADED_SHARE);
    this.#countOf(entry.utterance).played += heard;
    entry.from += heard;
  }

  #tellMarks(): void {
    for (let entry = this.#entries.shift(); entry !== undefined; entry = this.#entries.shift())
      if (entry.kind === 'mark') this.#onEvent({ kind: 'mark', name: entry.name, isCleared: false });
  }

  #allOver(): void {
    for (const utterance of this.#counts.keys()) this.#over(utterance);
    this.#speaking = undefined;
  }

  #over(utterance: string): void {
    if (!this.#counts.has(utterance)) return;
    const heard = this.#heard(utterance);
    this.#counts.delete(utterance);
    this.#onEvent({ kind: 'over', ...heard });
  }

  #heard(utterance: string): HeardUtterance {
    const { received, played, flushed, skipped } = this.#countOf(utterance);
    const { bytesPerMs } = this.#options;
    return {
      utterance,
      receivedMs: received / bytesPerMs,
      playedMs: played / bytesPerMs,
      flushedMs: flushed / bytesPerMs,
      skippedMs: skipped / bytesPerMs,
    };
  }

  #countOf(utterance: string): Count {
    const known = this.#counts.get(utterance);
    if (known !== undefined) return known;
    const count = { received: 0, played: 0, flushed: 0, skipped: 0 };
    this.#counts.set(utterance, count);
    return count;
  }
}
