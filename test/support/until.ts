/** Waiting in real time, for tests with real peers only. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  /** Milliseconds until it fails. */
  readonly within: number;
  /** What was waited for, for the failure text. */
  readonly what: string;
  /** Milliseconds between looks. */
  readonly every?: number;
}

/** Looks again and again until `look` gives something other than undefined and false. */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  patience: Patience,
): Promise<T> {
  const deadline = performance.now() + patience.within;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > deadline) throw new Error(`not within ${patience.within} ms: ${patience.what}`);
    await sleep(patience.every ?? 20);
  }
}
