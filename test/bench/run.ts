/**
 * The bench command: runs the named goals against the peers on this machine and prints a table with ratios,
 * or with --json one line for each result.
 *
 *   npm run bench -- P1 P2 P3 P4 P5 P6 P7 MEM [--json] [--calls 100] [--seconds 8] [--repeats 3]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mem } from './goals/mem.ts';
import { p1 } from './goals/p1.ts';
import { p2 } from './goals/p2.ts';
import { p3 } from './goals/p3.ts';
import { p4 } from './goals/p4.ts';
import { p5 } from './goals/p5.ts';
import { p6 } from './goals/p6.ts';
import { p7 } from './goals/p7.ts';
import { benchArguments } from './lib/arguments.ts';
import type { Goal } from './lib/goal.ts';
import { machine, table } from './lib/report.ts';

const goals: readonly Goal[] = [p1, p2, p3, p4, p5, p6, p7, mem];

async function main(): Promise<void> {
  const options = benchArguments(
    process.argv.slice(2),
    goals.map((goal) => goal.id),
  );
  const folder = mkdtempSync(path.join(tmpdir(), 'viaduct-bench-'));
  const log = (line: string): void => console.error(line);
  try {
    const { seconds, repeats, json } = options;
    for (const goal of goals.filter((known) => options.goals.includes(known.id))) {
      const calls = options.calls ?? goal.calls ?? 100;
      const results = await goal.measure({ calls, seconds, repeats, folder, log });
      for (const result of results)
        console.log(json ? JSON.stringify({ ...result, machine: machine() }) : table(result, goal.target));
    }
    if (!options.json) console.log(machine());
  } finally {
    if (process.env['BENCH_KEEP'] === undefined) rmSync(folder, { recursive: true, force: true });
    else log(`kept ${folder}`);
  }
}

try {
  await main();
  process.exit();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
