/** Whether, and how soon, an engine that has crashed is started again. */

const WITHIN_MS = 60_000;
/** Waiting times of one restart after the other; more of them in a minute, and it is given up. */
const DELAYS_MS = [0, 100, 500, 1000, 2000];

/** `crashes`: when the engine crashed, the last one just now, in milliseconds. Undefined: too often. */
export function restartDelay(crashes: readonly number[]): number | undefined {
  const now = crashes.at(-1) ?? 0;
  const lately = crashes.filter((at) => now - at < WITHIN_MS).length;
  return DELAYS_MS[Math.max(lately - 1, 0)];
}
