/** The whole gateway as shipped, for goals that go through signaling. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { NODE_FLAGS } from '../../../scripts/node-flags.mjs';
import { run, sleep, start } from './command.ts';

const program = path.join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');
const readyMs = 20_000;

export interface GatewayFiles {
  readonly config: Record<string, unknown>;
  readonly profiles: Readonly<Record<string, Record<string, unknown>>>;
  readonly dialplan?: Record<string, unknown>;
}

export interface BenchGateway {
  /** The gateway's processes: Node and the media workers. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** Writes its files into `folder`, starts it and waits until it is ready. */
export async function startGateway(folder: string, httpPort: number, files: GatewayFiles): Promise<BenchGateway> {
  mkdirSync(path.join(folder, 'sip-profiles'), { recursive: true });
  for (const [name, profile] of Object.entries(files.profiles)) {
    writeFileSync(path.join(folder, 'sip-profiles', `${name}.yaml`), stringify({ name, ...profile }));
  }
  if (files.dialplan !== undefined) writeFileSync(path.join(folder, 'dialplan.yaml'), stringify(files.dialplan));
  writeFileSync(path.join(folder, 'viaduct.yaml'), stringify(files.config));
  const command = [
    process.execPath,
    ...NODE_FLAGS,
    ...nodeFlags(),
    program,
    '--config',
    path.join(folder, 'viaduct.yaml'),
  ];
  // At ordinary priority: under real-time policies its many threads hold each other up, and the figures are of that.
  const gateway = start(command, path.join(folder, 'viaduct.log'));
  await ready(httpPort, folder);
  const children = await run('ps', ['-o', 'pid=', '--ppid', String(gateway.pid)]).catch(() => '');
  return { pids: [gateway.pid, ...children.split(/\s+/).filter(Boolean).map(Number)], stop: () => gateway.stop() };
}

/**
 * BENCH_PROFILE names a folder for V8's CPU profiles, one file for each thread, written when the gateway ends;
 * BENCH_FLAGS is for flags of Node to be tried.
 */
function nodeFlags(): readonly string[] {
  const { BENCH_PROFILE: folder, BENCH_FLAGS: flags } = process.env;
  return [
    ...(folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500']),
    ...(flags === undefined ? [] : flags.split(' ')),
  ];
}

async function ready(httpPort: number, folder: string): Promise<void> {
  const deadline = performance.now() + readyMs;
  while (performance.now() < deadline) {
    const isReady = await fetch(`http://127.0.0.1:${httpPort}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isReady) return;
    await sleep(100);
  }
  throw new Error(`the gateway was not ready within ${readyMs} ms; see ${folder}/viaduct.log`);
}
