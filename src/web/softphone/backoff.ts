/** Attempts from `from` on wait `ms`. The last that fits counts. */
const ladder = [
  { from: 0, ms: 300 },
  { from: 1, ms: 600 },
  // A gateway restarts within seconds and holds a call for a lost flow for ten: stay close until half a minute has gone.
  { from: 2, ms: 1_000 },
  { from: 30, ms: 3_000 },
  { from: 60, ms: 10_000 },
] as const;

/** Up to this share is added or taken, so that a thousand pages do not come back in the same instant. */
const SPREAD = 0.25;

/** Milliseconds to wait before the attempt number `attempt` (from 0) to reach the gateway again; `chance` is 0 to 1. */
export function backoffMs(attempt: number, chance: number): number {
  const ms = ladder.findLast(({ from }) => attempt >= from)?.ms ?? ladder[0].ms;
  return Math.round(ms * (1 - SPREAD + 2 * SPREAD * chance));
}
