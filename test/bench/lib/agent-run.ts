/** The whole gateway between a trunk with many callers and an agent behind Twilio Media Streams. */
import path from 'node:path';
import { MediaStreamAgent } from '../../support/media-stream-agent.ts';
import { AgentLoad } from './agent-load.ts';
import { AgentProbe, type ProbeTimes } from './agent-probe.ts';
import { raise, sleep } from './command.ts';
import { cpuSeconds } from './cpu.ts';
import { type BenchGateway, type GatewayFiles, startGateway } from './gateway.ts';
import type { BenchOptions } from './goal.ts';
import { LoadGenerator } from './load.ts';
import { firstPort } from './media-run.ts';
import { plainSdp } from './sdp.ts';
import { CallingPhone } from './sip-uac.ts';

const loopback = '127.0.0.1';
const trunk = { address: '127.0.0.2', port: 61_906 };
const ports = { http: 44_540, https: 44_541, sip: 44_542, webRtc: 44_544, agent: 44_545 };
const account = { user: 'alice', password: 'secret-of-alice', domain: 'viaduct.bench', gatewayPort: ports.sip };
const settleMs = 2000;

/** The numbers of concurrent calls that are measured, when none is asked for. */
export const STAGES: readonly number[] = [1, 50, 200];

/** One window: CPU in % of a core for all calls together, times in µs. */
export interface AgentWindow {
  readonly cpuPercent: number;
  readonly toAgent: { readonly p50: number; readonly p99: number };
  readonly toCaller: { readonly p50: number; readonly p99: number };
  /** Packets and messages of either direction that did not come. */
  readonly lost: number;
}

export class AgentRun {
  readonly #gateway: BenchGateway;
  readonly #load: LoadGenerator;
  readonly #agent: AgentLoad;
  readonly #caller: CallingPhone;
  readonly #probe: AgentProbe;
  #calls = 0;

  private constructor(parts: {
    gateway: BenchGateway;
    load: LoadGenerator;
    agent: AgentLoad;
    caller: CallingPhone;
    probe: AgentProbe;
  }) {
    this.#gateway = parts.gateway;
    this.#load = parts.load;
    this.#agent = parts.agent;
    this.#caller = parts.caller;
    this.#probe = parts.probe;
  }

  static async start({ folder, log }: BenchOptions): Promise<AgentRun> {
    const agent = await AgentLoad.start(ports.agent, folder, log);
    const probed = await MediaStreamAgent.start();
    const gateway = await startGateway(folder, ports.http, filesOf(folder, { crowd: agent.url, one: probed.url }));
    const load = await LoadGenerator.start(folder, log);
    const caller = new CallingPhone(trunk.address, trunk.port);
    await caller.start();
    const probe = await AgentProbe.open(probed, account);
    // Not before it is up: while it starts, real-time threads that wait for each other by turns would stop the machine.
    for (const pid of gateway.pids) await raise(pid, 5);
    return new AgentRun({ gateway, load, agent, caller, probe });
  }

  /** Sets calls up until there are so many. */
  async grow(calls: number): Promise<void> {
    for (; this.#calls < calls; this.#calls += 1) await this.#place(this.#calls);
    this.#load.command('go');
    await sleep(settleMs);
    const { streams } = await this.#agent.stats();
    if (streams !== calls) throw new Error(`${streams} of ${calls} calls have reached the agent`);
  }

  async window(seconds: number): Promise<AgentWindow> {
    this.#load.command('reset');
    this.#agent.reset();
    const started = performance.now();
    const before = cpuSeconds(this.#gateway.pids);
    await sleep(seconds * 1000);
    const used = cpuSeconds(this.#gateway.pids) - before;
    const wall = (performance.now() - started) / 1000;
    const { A: callers } = await this.#load.stats();
    const agent = await this.#agent.stats();
    if (callers === undefined || callers.n === 0 || agent.n === 0) throw new Error('nothing was heard');
    return {
      cpuPercent: (used / wall) * 100,
      toAgent: agent,
      toCaller: callers,
      lost: callers.lost + agent.late,
    };
  }

  /** One call more, looked at closely. */
  probe(): Promise<ProbeTimes> {
    return this.#probe.call('one');
  }

  async stop(): Promise<void> {
    this.#caller.stop();
    await this.#load.stop();
    await this.#probe.close();
    await this.#gateway.stop();
    await this.#agent.stop();
    await this.#probe.agent.stop();
  }

  async #place(call: number): Promise<void> {
    const port = firstPort + 2 * call;
    this.#load.openPlain(call, port);
    const answer = await this.#caller.call({
      from: '100',
      to: 'crowd',
      port: ports.sip,
      sdp: plainSdp(loopback, port),
    });
    this.#load.peerPlain(call, loopback, Number(/m=audio (\d+)/.exec(answer)?.[1]));
    this.#load.stamp(call, 'A', 0);
  }
}

function filesOf(folder: string, urls: Readonly<Record<string, string>>): GatewayFiles {
  return {
    profiles: {
      phones: { listeners: [{ transport: 'udp', address: loopback, port: ports.sip }], media: 'rtp' },
      trunks: { media: 'rtp', codecs: ['PCMU'], nat: { source: 'sdp' }, auth: { required: false } },
    },
    dialplan: {
      rules: [
        {
          name: 'agent',
          why: 'the agent that is measured under load',
          when: { source: 'trunk' },
          route: { agent: 'crowd' },
        },
        {
          name: 'probe',
          why: 'the one whose calls are looked at',
          when: { source: 'user' },
          route: { agent: 'one' },
        },
      ],
    },
    config: {
      data: path.join(folder, 'data'),
      log: { level: 'info', format: 'json' },
      http: { address: loopback, port: ports.http },
      https: { address: loopback, port: ports.https },
      sip: { domain: account.domain, domains: [loopback], profiles: path.join(folder, 'sip-profiles') },
      media: {
        listenAddress: loopback,
        announcedAddress: loopback,
        portRange: { min: 20_000, max: 29_999 },
        quarantineSec: 1,
        webRtcPort: ports.webRtc,
        workers: 1,
        edgeThreads: 1,
      },
      users: [{ name: account.user, password: account.password }],
      trunks: [
        { name: 'callers', addresses: [`${trunk.address}:${trunk.port}`], target: `${trunk.address}:${trunk.port}` },
      ],
      agents: Object.entries(urls).map(([name, url]) => ({ name, url, protocol: 'twilio' })),
      dialplan: path.join(folder, 'dialplan.yaml'),
    },
  };
}
