/** dnsmasq as the name server of a test: it knows the records it is given and nothing else. */
import { type ChildProcess, spawn } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePeer } from './install.ts';
import { until } from './until.ts';

export interface Dnsmasq {
  /** `127.0.0.1:port`, as the setting has it. */
  readonly server: string;
  /** How many questions of this type and name it was asked. */
  asked(type: string, name: string): number;
  stop(): Promise<void>;
  /** With other records. */
  restart(records: readonly string[]): Promise<void>;
}

/** `records` are lines of its configuration: srv-host=…, host-record=…, naptr-record=…, cname=…, local-ttl=… */
export async function startDnsmasq(port: number, records: readonly string[]): Promise<Dnsmasq> {
  const program = await ensurePeer('dnsmasq');
  const folder = await mkdtemp(join(tmpdir(), 'viaduct-dns-'));
  let log = '';
  let child: ChildProcess | undefined;

  const start = async (lines: readonly string[]): Promise<void> => {
    const file = join(folder, 'dnsmasq.conf');
    const own = [
      `port=${port}`,
      'listen-address=127.0.0.1',
      'bind-interfaces',
      'no-resolv',
      'no-hosts',
      'local=/test/',
    ];
    await writeFile(file, [...own, 'log-queries', 'user=', 'host-record=ready.test,127.0.0.1', ...lines].join('\n'));
    child = spawn(program, ['--keep-in-foreground', '--log-facility=-', '--pid-file', `--conf-file=${file}`]);
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    const resolver = new Resolver({ timeout: 200, tries: 1 });
    resolver.setServers([`127.0.0.1:${port}`]);
    const isUp = async (): Promise<boolean> =>
      resolver.resolve4('ready.test').then(
        () => true,
        () => false,
      );
    await until(isUp, { within: 5_000, what: `dnsmasq to answer: ${log}` });
  };
  const end = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };
  await start(records);
  return {
    server: `127.0.0.1:${port}`,
    asked: (type, name) => log.split('\n').filter((line) => line.includes(`query[${type}] ${name} `)).length,
    stop: async () => {
      await end();
      await rm(folder, { recursive: true, force: true });
    },
    restart: async (lines) => {
      await end();
      await start(lines);
    },
  };
}
