/** SIPp as caller and callee around a gateway. */

import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type Started, start } from './command.ts';

const scenarios = path.join(import.meta.dirname, '..', 'sipp');
const common = ['-nostdin', '-i', '127.0.0.2', '-buff_size', '4194304'];

export interface CallRate {
  readonly rate: number;
  readonly seconds: number;
  readonly target: string;
  readonly number: string;
  readonly port: number;
}

export interface RateResult {
  readonly successful: number;
  readonly failed: number;
  readonly retransmissions: number;
  /** From the INVITE to its 200, in milliseconds. */
  readonly setupP50Ms: number;
  readonly setupP99Ms: number;
}

export function startCallee(folder: string, port: number): Started {
  const command = ['sipp', ...common, '-p', String(port), '-sf', path.join(scenarios, 'uas.xml'), '-mp', '62000'];
  return start(command, path.join(folder, 'callee.log'));
}

/** Calls at a steady rate, each held for one second; resolves when the last one is over. */
export async function placeCalls(folder: string, plan: CallRate): Promise<RateResult> {
  const statistics = path.join(folder, 'caller.csv');
  rmSync(statistics, { force: true });
  const calls = Math.round(plan.rate * plan.seconds);
  const command = ['sipp', plan.target, ...common];
  const add = (flag: string, value: string | number): unknown => command.push(flag, String(value));
  add('-p', plan.port);
  add('-sf', path.join(scenarios, 'uac.xml'));
  add('-s', plan.number);
  add('-d', 1000);
  add('-r', plan.rate);
  add('-m', calls);
  add('-l', 20_000);
  add('-timeout', Math.ceil(plan.seconds + 12));
  add('-stf', statistics);
  add('-fd', 1);
  add('-rtt_freq', 100);
  command.push('-trace_stat', '-trace_rtt');
  // It writes its response times into the folder it runs in.
  const caller = start(command, path.join(folder, 'caller.log'), { cwd: folder });
  // With calls that never end it waits for ever, whatever its own limit says.
  const force = setTimeout(() => caller.child.kill('SIGKILL'), (plan.seconds + 40) * 1000);
  await once(caller.child, 'exit');
  clearTimeout(force);
  const rows = readFileSync(statistics, 'utf8')
    .trim()
    .split('\n')
    .map((row) => row.split(';'));
  const setups = responseTimes(path.join(folder, `uac_${caller.pid}_rtt.csv`));
  const column = (name: string): number => Number(rows.at(-1)?.[rows[0]?.indexOf(name) ?? -1] ?? Number.NaN);
  return {
    successful: column('SuccessfulCall(C)'),
    failed: column('FailedCall(C)'),
    retransmissions: column('Retransmissions(C)'),
    setupP50Ms: setups[Math.floor(setups.length * 0.5)] ?? Number.NaN,
    setupP99Ms: setups[Math.floor(setups.length * 0.99)] ?? Number.NaN,
  };
}

/** In milliseconds, shortest first. */
function responseTimes(file: string): readonly number[] {
  if (!existsSync(file)) return [];
  const rows = readFileSync(file, 'utf8').trim().split('\n').slice(1);
  return rows.map((row) => Number(row.split(';')[1])).toSorted((a, b) => a - b);
}
