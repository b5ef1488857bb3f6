/** SIPp as a peer: runs a scenario of test/data/sipp to its end and says what became of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePeer } from './install.ts';

const scenarios = new URL('../data/sipp/', import.meta.url).pathname;

export interface SippOptions {
  /** File name in test/data/sipp, without .xml. */
  readonly scenario: string;
  /** `host:port` of the gateway. */
  readonly to: string;
  /** Local SIP port. */
  readonly port: number;
  /** The dialed number or the user. */
  readonly service: string;
  readonly mediaPort?: number;
  readonly transport?: 'udp' | 'tcp';
  readonly calls?: number;
  /** Calls at a time. */
  readonly limit?: number;
  /** Calls each second. */
  readonly rate?: number;
  /** Milliseconds of the scenario's pause. */
  readonly holdMs?: number;
  readonly credentials?: { readonly user: string; readonly password: string };
  /** `[name]` in the scenario → value. */
  readonly keys?: Readonly<Record<string, string>>;
  readonly timeoutSec?: number;
}

export interface SippResult {
  /** 0: every call went as the scenario says. */
  readonly code: number | null;
  readonly successful: number;
  readonly failed: number;
  /** What SIPp wrote about unexpected messages. */
  readonly errors: string;
}

export async function runSipp(options: SippOptions): Promise<SippResult> {
  const program = await ensurePeer('sipp');
  const folder = await mkdtemp(join(tmpdir(), 'viaduct-sipp-'));
  const child = spawn(program, sippArguments(options), { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let screen = '';
  child.stdout.on('data', (chunk: Buffer) => {
    screen = (screen + chunk.toString()).slice(-20_000);
  });
  child.stderr.on('data', () => {});
  await once(child, 'exit');
  const files = await readdir(folder);
  const errorFiles = files.filter((name) => name.endsWith('_errors.log'));
  const told = (await Promise.all(errorFiles.map((name) => readFile(join(folder, name), 'utf8')))).join('\n');
  // SIPp also tells when the machine was too busy for SIPp; that is no error of the calls.
  const entries = told
    .split(/(?=\d{4}-\d\d-\d\d\t)/)
    .filter((entry) => entry.includes('\t') && !entry.includes('Overload warning'));
  const errors = entries.join('');
  await rm(folder, { recursive: true, force: true });
  return {
    code: child.exitCode,
    successful: lastCount(screen, 'Successful call'),
    failed: lastCount(screen, 'Failed call'),
    errors,
  };
}

/** SIPp as a server, until it is stopped. */
export interface SippServer {
  /** How many INVITEs began a call. */
  calls(): Promise<number>;
  stop(): Promise<void>;
}

/** `scenario`: one that logs a line for each INVITE. */
export async function startSippServer(options: {
  readonly scenario: string;
  readonly port: number;
  readonly transport?: 'udp' | 'tcp';
}): Promise<SippServer> {
  const program = await ensurePeer('sipp');
  const folder = await mkdtemp(join(tmpdir(), 'viaduct-sipp-'));
  const log = join(folder, 'invites.log');
  const { scenario, port, transport = 'udp' } = options;
  const list = ['-sf', join(scenarios, `${scenario}.xml`), '-i', '127.0.0.1', '-p', String(port)];
  list.push('-t', transport === 'udp' ? 'u1' : 't1', '-mi', '127.0.0.1', '-nostdin', '-trace_logs', '-log_file', log);
  const child = spawn(program, list, { cwd: folder, stdio: 'ignore' });
  const calls = async (): Promise<number> => {
    const text = await readFile(log, 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line.includes('INVITE')).length;
  };
  return {
    calls,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function sippArguments(options: SippOptions): string[] {
  const { calls = 1, transport = 'udp', timeoutSec = 30 } = options;
  const list = [options.to, '-sf', join(scenarios, `${options.scenario}.xml`), '-nostdin', '-trace_err'];
  const add = (flag: string, value: string | number | undefined): void => {
    if (value !== undefined) list.push(flag, String(value));
  };
  add('-i', '127.0.0.1');
  add('-p', options.port);
  add('-mi', '127.0.0.1');
  add('-mp', options.mediaPort);
  add('-t', transport === 'udp' ? 'u1' : 't1');
  add('-s', options.service);
  add('-m', calls);
  add('-l', options.limit ?? calls);
  add('-r', options.rate ?? 10);
  add('-d', options.holdMs);
  add('-au', options.credentials?.user);
  add('-ap', options.credentials?.password);
  add('-timeout', timeoutSec);
  for (const [name, value] of Object.entries(options.keys ?? {})) list.push('-key', name, value);
  return list;
}

/** The cumulative column of SIPp's last screen. */
function lastCount(screen: string, label: string): number {
  const rows = [...screen.matchAll(new RegExp(`${label}\\s*\\|\\s*\\d+\\s*\\|\\s*(\\d+)`, 'g'))];
  return Number(rows.at(-1)?.[1] ?? 0);
}
