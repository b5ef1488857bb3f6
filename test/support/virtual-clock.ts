/** Time that passes when a test says so. */
import type { Clock, Timer } from '../../src/kernel/index.ts';

interface Pending {
  readonly at: number;
  readonly fire: () => void;
}

export class VirtualClock implements Clock {
  #now = 0;
  readonly #pending = new Set<Pending>();

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return Date.UTC(2026, 0, 1) + this.#now;
  }

  after(ms: number, fire: () => void): Timer {
    const pending = { at: this.#now + ms, fire };
    this.#pending.add(pending);
    return { cancel: () => this.#pending.delete(pending) };
  }

  /** Lets `ms` milliseconds pass; timers fire in their order, each at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#pending].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
    }
    this.#now = end;
  }

  /** How many timers wait, for tests that look for leaks. */
  get timerCount(): number {
    return this.#pending.size;
  }
}
