/** SIPp as caller and callee around a gateway. */

import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
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
  /** Take a 503 for an answer like any other: count it and how long it took. */
  readonly countsRefusals?: boolean;
  /** Processors it may run on, as taskset takes them. */
  readonly processors?: string;
}

export interface RateResult {
  readonly successful: number;
  readonly failed: number;
  readonly retransmissions: number;
  /** Of `successful` those that were turned away, where they are counted. */
  readonly refused: number;
  /** From the INVITE to the 503, in milliseconds. */
  readonly refusalP99Ms: number;
  /** Calls begun a second until the last one was: less than was asked for when SIPp had not the time for it. */
  readonly offeredRate: number;
  /** From the INVITE to its 200, in milliseconds. */
  readonly setupP50Ms: number;
  readonly setupP99Ms: number;
}

export function startCallee(folder: string, port: number, processors?: string): Started {
  const command = [
    ...pinned(processors),
    'sipp',
    ...common,
    '-p',
    String(port),
    '-sf',
    path.join(scenarios, 'uas.xml'),
    '-mp',
    '62000',
  ];
  return start(command, path.join(folder, 'callee.log'));
}

/** Calls at a steady rate, each held for one second; resolves when the last one is over. */
export async function placeCalls(folder: string, plan: CallRate): Promise<RateResult> {
  const statistics = path.join(folder, 'caller.csv');
  rmSync(statistics, { force: true });
  const calls = Math.round(plan.rate * plan.seconds);
  const command = [...pinned(plan.processors), 'sipp', plan.target, ...common];
  const add = (flag: string, value: string | number): unknown => command.push(flag, String(value));
  add('-p', plan.port);
  add('-sf', path.join(scenarios, plan.countsRefusals === true ? 'uac-turned-away.xml' : 'uac.xml'));
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
  const times = responseTimes(folder, caller.pid);
  const [setups, refusals] = [times.get('setup') ?? [], times.get('refused') ?? []];
  const column = (name: string): number => Number(rows.at(-1)?.[rows[0]?.indexOf(name) ?? -1] ?? Number.NaN);
  return {
    successful: column('SuccessfulCall(C)'),
    failed: column('FailedCall(C)'),
    retransmissions: column('Retransmissions(C)'),
    refused: column('GenericCounter1(C)') || 0,
    refusalP99Ms: refusals[Math.floor(refusals.length * 0.99)] ?? 0,
    offeredRate: offeredRate(rows, calls),
    setupP50Ms: setups[Math.floor(setups.length * 0.5)] ?? Number.NaN,
    setupP99Ms: setups[Math.floor(setups.length * 0.99)] ?? Number.NaN,
  };
}

function pinned(processors: string | undefined): readonly string[] {
  return processors === undefined ? [] : ['taskset', '-c', processors];
}

/** From the last line of the statistics, one a second, that was written while calls were still begun. */
function offeredRate(rows: readonly (readonly string[])[], calls: number): number {
  const [names = [], ...lines] = rows;
  const column = (line: readonly string[], name: string): string => line[names.indexOf(name)] ?? '';
  const begun = (line: readonly string[]): number => Number(column(line, 'TotalCallCreated'));
  const last = lines.findLast((line) => begun(line) < calls) ?? lines.at(-1) ?? [];
  // The time of the day in three ways, the last of them in seconds since 1970.
  const at = (name: string): number => Number(column(last, name).split('\t').at(-1));
  return begun(last) / (at('CurrentTime') - at('StartTime'));
}

/** By the name the scenario gives them; in milliseconds, shortest first. */
function responseTimes(folder: string, pid: number): ReadonlyMap<string, readonly number[]> {
  const name = readdirSync(folder).find((file) => file.endsWith(`_${pid}_rtt.csv`));
  const times = new Map<string, number[]>();
  if (name === undefined) return times;
  const rows = readFileSync(path.join(folder, name), 'utf8').trim().split('\n').slice(1);
  for (const row of rows) {
    const [, ms = '', of = ''] = row.split(';');
    const list = times.get(of.trim()) ?? [];
    times.set(of.trim(), list);
    list.push(Number(ms));
  }
  for (const list of times.values()) list.sort((a, b) => a - b);
  return times;
}
