/** How many requests may change something within a second; some at once after a rest. */

export class RequestRate {
  readonly #perSec: number;
  #left: number;
  #filledMs = 0;

  constructor(perSec: number) {
    this.#perSec = perSec;
    this.#left = perSec;
  }

  /** False: it is too much. */
  take(nowMs: number): boolean {
    const more = ((nowMs - this.#filledMs) / 1000) * this.#perSec;
    this.#left = Math.min(this.#perSec, this.#left + more);
    this.#filledMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
