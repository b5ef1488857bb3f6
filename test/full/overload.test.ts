/** Overload: three times what the gateway can do. Calls that are let in come about, the others are told at once, and it passes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Started } from '../bench/lib/command.ts';
import { type BenchGateway, startGateway } from '../bench/lib/gateway.ts';
import { placeCalls, type RateResult, startCallee } from '../bench/lib/sipp.ts';
import { isRequest, openUdpPeer, type SipPeer, unique } from '../support/sip-peer.ts';

const at = '127.0.0.1';
const ports = { http: 28_900, https: 28_901, sip: 28_902, webRtc: 28_904, caller: 28_910, callee: 28_912 };
const RATES = [50, 100, 200, 300, 400, 600, 800, 1000, 1400];
const SECONDS = 4;
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
  callee = startCallee(folder, ports.callee);
  await sleep(500);
});
afterAll(async () => {
  await callee?.stop();
  await gateway?.stop();
  await prober?.close();
  rmSync(folder, { recursive: true, force: true });
});

const place = (rate: number, seconds: number): Promise<RateResult> =>
  placeCalls(folder, { rate, seconds, target: `${at}:${ports.sip}`, number: '1234', port: ports.caller });

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

/** The highest rate at which every call comes about. */
async function capacity(): Promise<number> {
  await place(50, SECONDS);
  let best = RATES[0] ?? 1;
  for (const rate of RATES) {
    const { failed, retransmissions } = await place(rate, SECONDS);
    if (failed > 0 || retransmissions > rate * SECONDS * 0.01) break;
    best = rate;
  }
  await sleep(2000);
  return best;
}

describe('overload', () => {
  test('three times the capacity', async () => {
    const able = await capacity();
    const established = await Promise.all(Array.from({ length: 10 }, () => probe()));
    expect(established.map(({ status }) => status)).toEqual(established.map(() => 200));

    const state = { isOver: false };
    const storm = place(able * 3, OVERLOAD_SECONDS).finally(() => {
      state.isOver = true;
    });
    await sleep(2000);
    const probes: Probe[] = [];
    while (!state.isOver) {
      const one = await probe();
      probes.push(one);
      if (one.status === 200) expect(await one.bye()).toBe(200);
      await sleep(20);
    }
    const result = await storm;
    // Established calls have lost nothing: nobody hung up on them, and they can be hung up.
    expect(prober.received.filter(isRequest('BYE'))).toEqual([]);
    for (const call of established) expect(await call.bye()).toBe(200);

    const overAt = performance.now();
    let recovered: Probe;
    do recovered = await probe().then(async (one) => (one.status === 200 ? (await one.bye(), one) : one));
    while (recovered.status !== 200 && performance.now() - overAt < 10_000);
    const recoveryMs = performance.now() - overAt;
    // What the capacity was depends on who else uses the machine: a third of it is there in any case.
    await sleep(Math.max(0, 5000 - recoveryMs));
    const after = await place(Math.ceil(able / 3), SECONDS);

    const refusals = probes.filter(({ retryAfter }) => retryAfter !== '').map(({ ms }) => ms);
    const sorted = refusals.toSorted((a, b) => a - b);
    const [p50 = 0, p99 = 0] = [0.5, 0.99].map((part) => sorted[Math.floor(sorted.length * part)]);
    console.log(
      `capacity ${able}/s; at ${able * 3}/s: ${(result.successful / OVERLOAD_SECONDS).toFixed(0)} calls/s came about, ` +
        `${result.failed} were turned away; of ${probes.length} more ${refusals.length} were, the 503 took ${p50.toFixed(0)} ms (p99 ${p99.toFixed(0)}); ` +
        `recovered within ${recoveryMs.toFixed(0)} ms; then at a third of the capacity: ${JSON.stringify(after)}`,
    );
    expect(result.successful / OVERLOAD_SECONDS).toBeGreaterThan(able * 0.25);
    expect(probes.every(({ status }) => status === 200 || status === 503)).toBe(true);
    // The median is the gateway's; the worst are those of a machine that the two SIPps share with it.
    expect(p50).toBeLessThan(500);
    expect(p99).toBeLessThan(5000);
    expect(recoveryMs).toBeLessThan(5000);
    expect(after.failed).toBeLessThanOrEqual(Math.ceil(able / 3) * SECONDS * 0.01);
  });
});
