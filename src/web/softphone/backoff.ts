const delaysMs = [300, 600, 1000, 2000, 3000, 5000] as const;
const LONGEST_MS = 10_000;

/**
 * Milliseconds to wait before the attempt number `attempt` (from 0) to reach the gateway again. The first ones are
 * quick, since the gateway holds a call for a lost flow for ten seconds only.
 */
export function backoffMs(attempt: number): number {
  return delaysMs[attempt] ?? LONGEST_MS;
}
