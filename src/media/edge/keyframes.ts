/** Asking one remote for a complete picture: at most once a second, and what is asked for too early is asked for later. */
const INTERVAL_MS = 1000;

export class Keyframes {
  readonly #ask: () => boolean;
  #askedMs = Number.NEGATIVE_INFINITY;
  #isWanted = false;

  /** `ask` answers with false when there is nothing yet that could be asked for. */
  constructor(ask: () => boolean) {
    this.#ask = ask;
  }

  want(nowMs: number): void {
    this.#isWanted = true;
    this.tick(nowMs);
  }

  tick(nowMs: number): void {
    if (!this.#isWanted || nowMs - this.#askedMs < INTERVAL_MS) return;
    if (this.#ask()) this.#askedMs = nowMs;
    this.#isWanted = false;
  }
}
