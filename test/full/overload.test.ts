/** Overload: three times what the gateway can do. Calls that are let in come about, the others are told at once, and it passes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, type Started } from '../bench/lib/command.ts';
import { type BenchGateway, startGateway } from '../bench/lib/gateway.ts';
import { placeCalls, type RateResult, startCallee } from '../bench/lib/sipp.ts';
import { residentBytes } from '../support/siege.ts';
import { isRequest, openUdpPeer, type SipPeer, unique } from '../support/sip-peer.ts';

const at = '127.0.0.1';
const ports = { http: 28_900, https: 28_901, sip: 28_902, webRtc: 28_904, caller: 28_910, callee: 28_912 };
const RATES = [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000];
const SECONDS = 5;
const OVERLOAD_SECONDS = 12;

let folder: string;
let gateway: BenchGateway;
let callee: Started;
let prober: SipPeer;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'viaduct-overload-'));
  prober = await openUdpPeer({ port: ports.sip });
  const trunk = (name: string, address: string) => ({ name, addresses: [address], target: address });
  gateway = await startGateway(folder, ports.http, {
    profiles: {
      phones: { listeners: [{ transport: 'udp', address: at, port: ports.sip }], media: 'rtp' },
      trunks: { media: 'bypass', nat: { source: 'sdp' }, auth: { required: false } },
    },
    dialplan: {
      rules: [
        {
          name: 'through',
          why: 'from one trunk to the other',
          when: { source: 'trunk' },
          // biome-ignore lint/suspicious/noTemplateCurlyInString: the dialplan's own placeholder
          route: { trunk: 'callee', number: '${0}' },
        },
      ],
    },
    config: {
      data: path.join(folder, 'data'),
      log: { level: 'warn', format: 'json' },
      http: { address: at, port: ports.http },
      https: { address: at, port: ports.https },
      sip: { domain: 'viaduct.test', domains: [at], profiles: path.join(folder, 'sip-profiles') },
      media: { listenAddress: at, announcedAddress: at, webRtcPort: ports.webRtc, workers: 1, edgeThreads: 1 },
      users: [{ name: 'nobody', password: 'a-password-of-no-use' }],
      trunks: [
        trunk('caller', `127.0.0.2:${ports.caller}`),
        trunk('callee', `127.0.0.2:${ports.callee}`),
        trunk('prober', prober.address),
      ],
      dialplan: path.join(folder, 'dialplan.yaml'),
    },
  });
  for (const pid of gateway.pids) await run('taskset', ['-a', '-c', '-p', processors.gateway, String(pid)]);
  callee = startCallee(folder, ports.callee, processors.load);
  await sleep(500);
});
afterAll(async () => {
  await callee?.stop();
  await gateway?.stop();
  await prober?.close();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * The gateway has a processor of its own, and what loads it the others: else the load would take from it what it needs
 * to bear the load, and could not itself be trusted.
 */
const processors = { gateway: '0', load: `1-${Math.max(1, availableParallelism() - 1)}` };

const place = (rate: number, seconds: number, countsRefusals = false): Promise<RateResult> =>
  placeCalls(folder, {
    rate,
    seconds,
    target: `${at}:${ports.sip}`,
    number: '1234',
    port: ports.caller,
    countsRefusals,
    processors: processors.load,
  });

const memoryOf = (started: BenchGateway): number => residentBytes(started.pids[0] ?? 0);

interface Probe {
  readonly status: number;
  /** Of a call that was turned away; '' when it failed on its way. */
  readonly retryAfter: string;
  readonly ms: number;
}

/** One more call, as far as its final answer; one that is answered is ended again, or kept when asked for. */
async function probe(): Promise<Probe & { bye(): Promise<number> }> {
  const callId = unique('probe');
  const tag = unique('pt');
  const final = (cseq: string) => (message: { status: number; header(name: string): string }) =>
    message.status >= 200 && message.header('Call-ID') === callId && message.header('CSeq') === cseq;
  const begun = performance.now();
  const text = prober.request('INVITE', { uri: `sip:1234@${at}:${ports.sip}`, callId, tag, body: 'v=0\r\n' });
  const again = setInterval(() => prober.sendRaw(text), 500);
  const answer = await prober.wait(final('1 INVITE'), 30_000).finally(() => clearInterval(again));
  const ms = performance.now() - begun;
  const uri = /<([^>]*)>/.exec(answer.header('Contact'))?.[1] ?? `sip:1234@${at}:${ports.sip}`;
  const dialog = { uri, to: answer.header('To'), callId, tag };
  prober.request('ACK', { ...dialog, cseq: 1 });
  const bye = async (): Promise<number> => {
    const sent = prober.request('BYE', { ...dialog, cseq: 2 });
    const more = setInterval(() => prober.sendRaw(sent), 500);
    return (await prober.wait(final('2 BYE'), 10_000).finally(() => clearInterval(more))).status;
  };
  return { status: answer.status, retryAfter: answer.header('Retry-After'), ms, bye };
}

/** The highest rate at which every call comes about, at most one message in a hundred being sent again. */
async function capacity(): Promise<number> {
  for (let warmUp = 0; warmUp < 2; warmUp++) await place(100, SECONDS);
  let best = RATES[0] ?? 1;
  for (const rate of RATES) {
    const { failed, retransmissions, offeredRate } = await place(rate, SECONDS);
    const isOffered = offeredRate >= rate * 0.95;
    if (!isOffered || failed > 0 || retransmissions > rate * SECONDS * 0.01) break;
    best = rate;
  }
  await sleep(2000);
  return best;
}

/** Calls from a third side, one after another, until told to stop. */
async function probeUntil(state: { readonly isOver: boolean }): Promise<readonly Probe[]> {
  const probes: Probe[] = [];
  while (!state.isOver) {
    const one = await probe();
    probes.push(one);
    if (one.status === 200) expect(await one.bye()).toBe(200);
    await sleep(20);
  }
  return probes;
}

/** How long it takes until a call comes about again. */
async function recovery(): Promise<number> {
  const overAt = performance.now();
  let status = 0;
  while (status !== 200 && performance.now() - overAt < 10_000) {
    const one = await probe();
    status = one.status;
    if (status === 200) await one.bye();
  }
  return performance.now() - overAt;
}

describe('overload', () => {
  test('three times the capacity', async () => {
    const able = await capacity();
    const memoryBefore = memoryOf(gateway);
    const established = await Promise.all(Array.from({ length: 10 }, () => probe()));
    expect(established.map(({ status }) => status)).toEqual(established.map(() => 200));

    const state = { isOver: false };
    const storm = place(able * 3, OVERLOAD_SECONDS, true).finally(() => {
      state.isOver = true;
    });
    await sleep(2000);
    const probes = await probeUntil(state);
    const result = await storm;
    const memory = memoryOf(gateway) / memoryBefore;
    // Established calls have lost nothing: nobody hung up on them, and they can be hung up.
    expect(prober.received.filter(isRequest('BYE'))).toEqual([]);
    for (const call of established) expect(await call.bye()).toBe(200);

    const recoveryMs = await recovery();
    await sleep(Math.max(0, 5000 - recoveryMs));
    const after = await place(Math.ceil(able / 2), SECONDS);

    const accepted = (result.successful - result.refused) / OVERLOAD_SECONDS;
    const sorted = probes.map(({ ms }) => ms).toSorted((a, b) => a - b);
    const [p50 = 0, p99 = 0] = [0.5, 0.99].map((part) => sorted[Math.floor(sorted.length * part)]);
    console.log(
      `capacity ${able}/s; at ${result.offeredRate.toFixed(0)}/s: ${accepted.toFixed(0)} calls/s came about, ${result.refused} were ` +
        `turned away (503 p99 ${result.refusalP99Ms} ms), ${result.failed} failed; ${probes.length} more were answered within ` +
        `${p50.toFixed(0)} ms (p99 ${p99.toFixed(0)}); memory ${memory.toFixed(2)} of before; recovered within ${recoveryMs.toFixed(0)} ms; ` +
        `then at half the capacity: ${JSON.stringify(after)}`,
    );
    expect(result.offeredRate).toBeGreaterThan(able * 2.5);
    expect(accepted).toBeGreaterThan(able * 0.5);
    expect(result.failed).toBeLessThanOrEqual(able * OVERLOAD_SECONDS * 0.01);
    expect(result.refusalP99Ms).toBeLessThan(1000);
    expect(probes.filter(({ status, retryAfter }) => status !== 200 && !(status === 503 && retryAfter !== ''))).toEqual(
      [],
    );
    expect(p99).toBeLessThan(1000);
    expect(memory).toBeLessThan(1.5);
    expect(recoveryMs).toBeLessThan(5000);
    expect(after.failed).toBe(0);
  });
});
