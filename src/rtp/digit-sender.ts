/**
 * One key press as telephone-event packets (RFC 4733 §2.5.1): an update every 20 ms, the marker on the first, and the
 * last one three times with the end bit. It only says what to put into each packet; the caller has the clock.
 */
import { eventOf, MAX_EVENT_DURATION } from './telephone-event.ts';

/** Between two packets of an event, ms. */
export const DIGIT_STEP_MS = 20;
const END_PACKETS = 3;
/** Below full scale, dB: what most phones send. */
const VOLUME = 10;
const MIN_MS = 40;

export interface DigitStep {
  readonly event: number;
  readonly isEnd: boolean;
  readonly volume: number;
  /** In units of the event's clock. */
  readonly duration: number;
  readonly marker: boolean;
}

export class DigitSender {
  readonly #event: number;
  readonly #clockRate: number;
  readonly #durationMs: number;
  #elapsedMs = 0;
  #ends = 0;

  /** Throws RangeError for what is no key. Durations are kept between 40 ms and what one segment can say. */
  constructor(digit: string, durationMs: number, clockRate: number) {
    const event = eventOf(digit);
    if (event === undefined) throw new RangeError('not a telephone key');
    this.#event = event;
    this.#clockRate = clockRate;
    this.#durationMs = Math.min(Math.max(durationMs, MIN_MS), Math.floor((MAX_EVENT_DURATION * 1000) / clockRate));
  }

  /** What to send at the next 20 ms tick; undefined when the key is done. */
  next(): DigitStep | undefined {
    if (this.#ends === END_PACKETS) return undefined;
    const marker = this.#elapsedMs === 0;
    this.#elapsedMs = Math.min(this.#elapsedMs + DIGIT_STEP_MS, this.#durationMs);
    const isEnd = this.#elapsedMs === this.#durationMs;
    if (isEnd) this.#ends++;
    const duration = Math.round((this.#elapsedMs * this.#clockRate) / 1000);
    return { event: this.#event, isEnd, volume: VOLUME, duration, marker };
  }
}
