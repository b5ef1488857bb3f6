/** Measured windows of steady load, the same for every gateway. */

import { sleep } from './command.ts';
import { cpuSeconds } from './cpu.ts';
import type { Figures } from './goal.ts';
import { type GroupStats, type LoadGenerator } from './load.ts';
import { median, round } from './median.ts';

export interface WindowPlan {
  readonly calls: number;
  readonly seconds: number;
  readonly repeats: number;
}

/** `repeats` windows over endpoints of the groups A (towards WebRTC) and B (towards SIP), their medians. */
export async function measureWindows(load: LoadGenerator, pids: readonly number[], plan: WindowPlan): Promise<Figures> {
  const cpu: number[] = [];
  const p50: number[] = [];
  const p99: number[] = [];
  let lost = 0;
  let silent = 0;
  for (let index = 0; index < plan.repeats; index += 1) {
    load.command('reset');
    const started = performance.now();
    const before = cpuSeconds(pids);
    await sleep(plan.seconds * 1000);
    const used = cpuSeconds(pids) - before;
    const wall = (performance.now() - started) / 1000;
    const stats = await load.stats();
    const groups = ['A', 'B'].map((name) => stats[name]).filter((group): group is GroupStats => group !== undefined);
    cpu.push(((used / wall) * 100 * 100) / plan.calls);
    p50.push(Math.max(...groups.map((group) => group.p50)));
    p99.push(Math.max(...groups.map((group) => group.p99)));
    for (const group of groups) {
      lost += group.lost;
      silent += group.silent;
    }
  }
  return {
    value: round(median(cpu)),
    p50Us: median(p50),
    p99Us: median(p99),
    lost,
    silent,
    spread: `${round(Math.min(...cpu))}-${round(Math.max(...cpu))}`,
  };
}
