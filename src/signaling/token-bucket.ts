/** Lets `burst` things pass at once, and `perSec` for good. */
export class TokenBucket {
  readonly #perSec: number;
  readonly #burst: number;
  #left: number;
  #at: number;

  constructor(perSec: number, burst: number, nowMs: number) {
    this.#perSec = perSec;
    this.#burst = burst;
    this.#left = burst;
    this.#at = nowMs;
  }

  /** False: one too many. */
  take(nowMs: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + ((nowMs - this.#at) / 1000) * this.#perSec);
    this.#at = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
