/**
 * One 20 ms clock for everything in the thread that plays by itself. It keeps to the times it set out with, so that it
 * neither drifts nor falls behind; after a stall of the machine a few ticks are made up for, and the rest skipped.
 */
import type { Clock, Timer, Unsubscribe } from '../../kernel/index.ts';

export const TICK_MS = 20;
const MAX_CATCH_UP = 5;

/** `tick` counts from the start of the clock, so that all who play the same sound play the same frame. */
export type OnTick = (tick: number, nowMs: number) => void;

export class Ticker {
  readonly #clock: Clock;
  readonly #listeners = new Set<OnTick>();
  #timer: Timer | undefined;
  #nextMs = 0;
  #tick = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The clock runs while anybody listens. */
  add(listener: OnTick): Unsubscribe {
    this.#listeners.add(listener);
    if (this.#timer === undefined) {
      this.#nextMs = this.#clock.now() + TICK_MS;
      this.#wait();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#timer?.cancel();
      this.#timer = undefined;
    };
  }

  #wait(): void {
    this.#timer = this.#clock.after(Math.max(0, this.#nextMs - this.#clock.now()), () => this.#fire());
  }

  #fire(): void {
    const nowMs = this.#clock.now();
    for (let made = 0; this.#nextMs <= nowMs + 0.5 && made < MAX_CATCH_UP; made++) {
      this.#nextMs += TICK_MS;
      this.#tick++;
      for (const listener of this.#listeners) listener(this.#tick, nowMs);
    }
    if (this.#nextMs <= nowMs) this.#nextMs = nowMs + TICK_MS;
    if (this.#listeners.size > 0) this.#wait();
  }
}
