/** Requests that are sent again under the same key are done once, and answered the same: as long as the key is remembered. */
import type { ApiAnswer } from './api-route.ts';
import type { Problem } from './problem.ts';

type Outcome = ApiAnswer | Problem;

interface Kept {
  /** What was asked under the key. */
  readonly request: string;
  readonly outcome: Promise<Outcome>;
  readonly until: number;
}

const KEPT_MS = 3_600_000;
const MAX_KEPT = 10_000;
const OTHER: Problem = {
  status: 422,
  error: 'IDEMPOTENCY_KEY_USED',
  message: 'this Idempotency-Key was used for another request',
};

export class Idempotency {
  readonly #kept = new Map<string, Kept>();

  /** `request`: all that tells it from others. */
  run(key: string, request: string, nowMs: number, serve: () => Promise<Outcome>): Promise<Outcome> {
    const known = this.#kept.get(key);
    if (known !== undefined && known.until > nowMs)
      return known.request === request ? known.outcome : Promise.resolve(OTHER);
    const outcome = serve();
    this.#kept.delete(key);
    this.#kept.set(key, { request, outcome, until: nowMs + KEPT_MS });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    void this.#forgetFailed(key, outcome);
    return outcome;
  }

  /** What was not done may be tried again. */
  async #forgetFailed(key: string, outcome: Promise<Outcome>): Promise<void> {
    const isFailed = await outcome.then(
      ({ status }) => status >= 500,
      () => true,
    );
    if (isFailed) this.#kept.delete(key);
  }
}
