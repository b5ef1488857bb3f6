/** Child processes of the bench: every one is ended by its own id, whatever happens. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a command to its end and resolves with its standard output. */
export async function run(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await execute(command, [...args], { maxBuffer: 1 << 26 });
  return stdout;
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A real-time thread that computes for so long without ever waiting has gone wild: the kernel ends its process. */
const wildMicros = 5_000_000;

/** Real-time priority, so that other work on the machine does not blur latencies: 5 for gateways, 10 for generators. */
export function withPriority(priority: number, command: readonly string[]): string[] {
  if (process.getuid?.() !== 0) return [...command];
  return ['prlimit', `--rttime=${wildMicros}:${wildMicros}`, 'chrt', '-f', String(priority), ...command];
}

/** The same for all threads of a running process, and those that they will start. */
export async function raise(pid: number, priority: number): Promise<void> {
  if (process.getuid?.() === 0) await run('chrt', ['--all-tasks', '--fifo', '--pid', String(priority), String(pid)]);
}

/** How long a process may take to end; a profile that is to be written takes its time. */
const graceMs = process.env['BENCH_PROFILE'] === undefined ? 3000 : 30_000;

export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  stop(): Promise<void>;
}

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});
// A gateway left alone with real-time priority could take a processor from everybody else.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

/** Starts a process; its standard output is piped when `pipe` is set, everything else goes to `log`. */
export function start(
  command: readonly string[],
  log: string,
  options: { pipe?: boolean; env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Started {
  const [program = '', ...args] = command;
  const file = openSync(log, 'a');
  const stdio = options.pipe ? (['pipe', 'pipe', file] as const) : (['ignore', file, file] as const);
  const child = spawn(program, args, {
    stdio: [...stdio],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  living.add(child);
  const ended = once(child, 'exit').then(() => living.delete(child));
  child.on('error', () => living.delete(child));
  return {
    child,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(force);
    },
  };
}
