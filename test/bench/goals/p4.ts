import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { sleep } from '../lib/command.ts';
import { cpuSeconds } from '../lib/cpu.ts';
import { startGateway } from '../lib/gateway.ts';
import type { BenchOptions, Figures, Goal, GoalResult } from '../lib/goal.ts';
import { median, round } from '../lib/median.ts';
import { hasProgram } from '../lib/packages.ts';
import { type CallRate, placeCalls, startCallee } from '../lib/sipp.ts';

const loopback = '127.0.0.1';
export const ports = { http: 44_580, https: 44_581, sip: 44_582, webRtc: 44_584, caller: 61_900, callee: 61_902 };
/** Calls a second, tried from below until one is not clean. */
const rates = [100, 200, 300, 400, 500, 600, 700, 800, 1000];
/** After a run, so that its last BYEs and timers do not weigh on the next one. */
const restMs = 1500;

interface Attempt {
  readonly isClean: boolean;
  readonly cpuMsPerCall: number;
}

/** SIPp → gateway as B2BUA → SIPp, from trunk to trunk. */
async function measure(options: BenchOptions, media: 'bypass' | 'rtp'): Promise<GoalResult> {
  const folder = path.join(options.folder, `p4-${media}`);
  mkdirSync(folder, { recursive: true });
  const gateway = await startGateway(folder, ports.http, configuration(folder, media));
  const callee = startCallee(folder, ports.callee);
  const attempt = async (rate: number): Promise<Attempt> => {
    const plan: CallRate = {
      rate,
      seconds: options.seconds,
      target: `${loopback}:${ports.sip}`,
      number: '1234',
      port: ports.caller,
    };
    const before = cpuSeconds(gateway.pids);
    const result = await placeCalls(folder, plan);
    const used = cpuSeconds(gateway.pids) - before;
    options.log(`P4 ${media}: ${rate}/s: ${JSON.stringify(result)}`);
    await sleep(restMs);
    const calls = Math.round(rate * options.seconds);
    return {
      isClean: result.successful === calls && result.failed === 0 && result.retransmissions === 0,
      cpuMsPerCall: (used * 1000) / calls,
    };
  };
  try {
    await sleep(500);
    return {
      id: 'P4',
      unit: media === 'bypass' ? 'calls/s' : 'calls/s with media anchored',
      ...(await highestClean(attempt, options)),
    };
  } finally {
    await callee.stop();
    await gateway.stop();
  }
}

async function highestClean(
  attempt: (rate: number) => Promise<Attempt>,
  { repeats, seconds }: BenchOptions,
): Promise<Pick<GoalResult, 'calls' | 'viaduct' | 'peers'>> {
  // The first calls run on code that is not compiled yet, on every gateway; they are not what a day of calls costs.
  await attempt(100);
  let best = 0;
  let cost: number[] = [];
  for (const rate of rates) {
    const costs: number[] = [];
    for (let index = 0; index < repeats; index += 1) {
      const result = await attempt(rate);
      if (result.isClean) costs.push(result.cpuMsPerCall);
    }
    // A majority of clean runs counts: the two SIPps share the processors with the gateway.
    if (costs.length * 2 <= repeats) break;
    [best, cost] = [rate, costs];
  }
  const viaduct: Figures = { value: best, cpuMsPerCall: round(median(cost), 2) };
  // Neither has a package in Debian 12, so neither can be installed from here.
  return { calls: Math.round(best * seconds), viaduct, peers: { drachtio: 'missing', asterisk: 'missing' } };
}

export function configuration(folder: string, media: 'bypass' | 'rtp'): Parameters<typeof startGateway>[2] {
  const trunk = (name: string, port: number): Record<string, unknown> => ({
    name,
    addresses: [`127.0.0.2:${port}`],
    target: `127.0.0.2:${port}`,
  });
  return {
    profiles: {
      phones: { listeners: [{ transport: 'udp', address: loopback, port: ports.sip }], media: 'rtp' },
      trunks: { media, nat: { source: 'sdp' }, auth: { required: false } },
    },
    dialplan: {
      rules: [
        {
          name: 'through',
          why: 'from one trunk to the other',
          when: { source: 'trunk', trunk: 'caller' },
          // biome-ignore lint/suspicious/noTemplateCurlyInString: the dialplan's own placeholder
          route: { trunk: 'callee', number: '${0}' },
        },
      ],
    },
    config: {
      data: path.join(folder, 'data'),
      log: { level: 'info', format: 'json' },
      http: { address: loopback, port: ports.http },
      https: { address: loopback, port: ports.https },
      sip: { domain: 'viaduct.bench', domains: [loopback], profiles: path.join(folder, 'sip-profiles') },
      media: {
        listenAddress: loopback,
        announcedAddress: loopback,
        portRange: { min: 20_000, max: 29_999 },
        quarantineSec: 1,
        webRtcPort: ports.webRtc,
        workers: 1,
        edgeThreads: 1,
      },
      users: [{ name: 'nobody', password: 'a-password-of-no-use' }],
      trunks: [trunk('caller', ports.caller), trunk('callee', ports.callee)],
      dialplan: path.join(folder, 'dialplan.yaml'),
    },
  };
}

/** Call set-up and clearing as a B2BUA, product as shipped. */
export const p4: Goal = {
  id: 'P4',
  about: 'signaling as B2BUA between two trunks',
  target: 'at least 400 calls/s without a retransmission',
  async measure(options) {
    if (!(await hasProgram('sipp', options.log))) throw new Error('P4 needs SIPp: apt-get install sip-tester');
    return [await measure(options, 'bypass'), await measure(options, 'rtp')];
  },
};
