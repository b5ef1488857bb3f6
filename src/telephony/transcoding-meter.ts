/** How long a call has been transcoded. */
import type { Clock } from '../kernel/index.ts';

export class TranscodingMeter {
  readonly #clock: Clock;
  #since: { readonly wallTime: number; readonly now: number } | undefined;
  #formerMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since 1970; undefined while it is not. */
  get since(): number | undefined {
    return this.#since?.wallTime;
  }

  /** So far. */
  get seconds(): number {
    const current = this.#since === undefined ? 0 : this.#clock.now() - this.#since.now;
    return Math.round(this.#formerMs + current) / 1000;
  }

  set(isTranscoding: boolean): void {
    if (isTranscoding === (this.#since !== undefined)) return;
    if (this.#since !== undefined) this.#formerMs += this.#clock.now() - this.#since.now;
    this.#since = isTranscoding ? { wallTime: this.#clock.wallTime(), now: this.#clock.now() } : undefined;
  }
}
