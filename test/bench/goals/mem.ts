import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { run, sleep } from '../lib/command.ts';
import { startGateway } from '../lib/gateway.ts';
import type { Figures, Goal, GoalResult } from '../lib/goal.ts';
import { Inspector } from '../lib/inspector.ts';
import { openWebSockets, registerUsers } from '../lib/registrations.ts';

const count = 10_000;
const ports = { http: 44_600, https: 44_601, udp: 44_602, ws: 44_603, webRtc: 44_604, inspector: 44_605 };
/** Transactions over UDP are remembered for 32 s (timer J); what is idle afterwards is what counts. */
const restMs = 36_000;
const loopback = '127.0.0.1';

const rssOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

function configuration(folder: string, users: readonly string[]): Parameters<typeof startGateway>[2] {
  const profile = (transport: string, port: number): Record<string, unknown> => ({
    listeners: [{ transport, address: loopback, port }],
    auth: { required: false },
  });
  return {
    profiles: { phones: profile('udp', ports.udp), browsers: { ...profile('ws', ports.ws), media: 'webrtc' } },
    dialplan: { rules: [{ name: 'echo', why: 'nobody calls', when: {}, route: { agent: 'echo' } }] },
    config: {
      data: path.join(folder, 'data'),
      log: { level: 'warn', format: 'json' },
      http: { address: loopback, port: ports.http },
      https: { address: loopback, port: ports.https },
      sip: {
        domain: 'viaduct.bench',
        domains: [loopback],
        profiles: path.join(folder, 'sip-profiles'),
        limits: { connections: 2 * count, connectionsPerSource: 2 * count, flood: { enabled: false } },
      },
      media: { listenAddress: loopback, announcedAddress: loopback, webRtcPort: ports.webRtc, workers: 1 },
      users: users.map((name) => ({ name, password: 'a-password-of-no-use' })),
      dialplan: path.join(folder, 'dialplan.yaml'),
    },
  };
}

interface Footprint {
  readonly rss: number;
  readonly heap: number;
}

/** What an idle registration over UDP and an idle WebSocket cost in memory, 10,000 of each. */
export const mem: Goal = {
  id: 'MEM',
  about: 'memory of idle registrations and WebSockets',
  target: 'as little as can be',
  async measure(options) {
    const folder = path.join(options.folder, 'mem');
    mkdirSync(folder, { recursive: true });
    await allowFiles(count + 1000);
    const users = Array.from({ length: count }, (_, index) => `user${index}`);
    process.env['BENCH_FLAGS'] = `--inspect=${loopback}:${ports.inspector}`;
    const gateway = await startGateway(folder, ports.http, configuration(folder, users));
    try {
      const [pid = 0] = gateway.pids;
      const inspector = await Inspector.connect(ports.inspector);
      const look = async (what: string): Promise<Footprint> => {
        const heap = await inspector.usedHeap();
        await sleep(1000);
        const seen = { rss: rssOf(pid), heap };
        options.log(`MEM ${what}: RSS ${mega(seen.rss)} MB, heaps ${mega(seen.heap)} MB`);
        return seen;
      };
      const start = await look('at start');
      await registerUsers(users, ports.udp);
      await sleep(restMs);
      const registered = await look('registered');
      const close = await openWebSockets(count, ports.ws);
      await sleep(restMs);
      const connected = await look('connected');
      close();
      inspector.close();
      return [
        result('bytes of RSS for an idle registration over UDP', start, registered),
        result('bytes of RSS for an idle WebSocket', registered, connected),
      ];
    } finally {
      await gateway.stop();
    }
  },
};

/** Both ends hold the connections. Node takes what the hard limit allows, and children inherit that. */
async function allowFiles(wanted: number): Promise<void> {
  const pid = ['--pid', String(process.pid)];
  const hard = Number(await run('prlimit', [...pid, '--nofile', '--output', 'HARD', '--noheadings', '--raw']));
  if (!(hard < wanted)) return;
  await run('prlimit', [...pid, `--nofile=${wanted}:${wanted}`]).catch(() => {
    throw new Error(`MEM needs ${wanted} open files: ulimit -n ${wanted}`);
  });
}

const mega = (bytes: number): string => (bytes / 1e6).toFixed(1);

function result(unit: string, before: Footprint, after: Footprint): GoalResult {
  const viaduct: Figures = {
    value: Math.round((after.rss - before.rss) / count),
    heapBytes: Math.round((after.heap - before.heap) / count),
    rssMb: mega(after.rss),
  };
  return { id: 'MEM', unit, calls: count, viaduct, peers: {} };
}
