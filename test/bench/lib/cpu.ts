import { readFileSync } from 'node:fs';

/** Kernel ticks in a second (USER_HZ): 100 on every Linux that we know. */
const ticksPerSecond = 100;

/** User and system time of the processes so far, in seconds; all their threads, no children. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / ticksPerSecond;
}
