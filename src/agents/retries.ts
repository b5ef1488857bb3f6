/** How often, and when, a broken connection with an agent is made anew. */

export interface RetryPolicy {
  /** In a row, without a word of the agent in between. */
  readonly attempts: number;
  /** Before the first one; twice as long before each next, ms. */
  readonly waitMs: number;
}

const MAX_WAIT_MS = 10_000;

export class Retries {
  readonly #policy: RetryPolicy;
  #made = 0;

  constructor(policy: RetryPolicy) {
    this.#policy = policy;
  }

  /** How long to wait before the next one; undefined: there is none any more. */
  next(): number | undefined {
    const { attempts, waitMs } = this.#policy;
    if (this.#made >= attempts) return undefined;
    return Math.min(MAX_WAIT_MS, waitMs * 2 ** this.#made++);
  }

  /** The agent is well. */
  reset(): void {
    this.#made = 0;
  }
}
