/** Speech as agents in the cloud deliver it: faster than it is heard, in bursts, begun late, and with stalls. */
import type { Random } from '../../src/kernel/index.ts';

export interface Burst {
  /** When it is delivered, ms. */
  readonly atMs: number;
  readonly lengthMs: number;
}

const STALL_MS = 1000;

/**
 * So much speech in bursts of 0.2 to 3 s, each delivered before the one before it is over or, now and then, up to a
 * second after that: as late as a stall makes it.
 */
export function bursts(totalMs: number, random: Random): readonly Burst[] {
  const between = (from: number, to: number): number => from + (random.uint32() % (to - from + 1));
  const all: Burst[] = [];
  let atMs = between(0, STALL_MS);
  let suppliedUntilMs = atMs;
  for (let made = 0; made < totalMs; ) {
    const lengthMs = Math.min(totalMs - made, 20 * between(10, 150));
    all.push({ atMs, lengthMs });
    made += lengthMs;
    suppliedUntilMs = Math.max(suppliedUntilMs, atMs) + lengthMs;
    const isStall = random.uint32() % 4 === 0;
    atMs = isStall ? suppliedUntilMs + between(100, STALL_MS) : between(atMs, suppliedUntilMs);
  }
  return all;
}
