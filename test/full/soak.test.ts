/** T43: two thousand short calls beside fifty long ones with media, some of them of a browser, and nothing is left of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium, type SoftphonePage } from '../support/chromium.ts';
import { type Footprint, footprintOf } from '../support/footprint.ts';
import { Gateway } from '../support/gateway.ts';
import { PbxDialog, pbxSdp } from '../support/pbx-dialog.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { openUdpPeer, type SipPeer } from '../support/sip-peer.ts';
import { audioSdp, rtpPortOf, SipPhone } from '../support/sip-phone.ts';
import { runSipp } from '../support/sipp.ts';
import { tonePayloads } from '../support/splice-trial.ts';
import { until } from '../support/until.ts';

const BASE = 28_400;
const SIPP_PORT = 28_495;
const LONG_CALLS = 50;
/** Of those: to a phone that has another codec, and to a browser, which mediasoup carries alone. */
const TRANSCODED_CALLS = 3;
const HANDED_OVER_CALLS = 1;
/** Rounds of short calls; what they hold is compared from the first to the last. */
const ROUNDS = 4;
const CALLS_A_ROUND = 500;
const BROWSER_CALLS_A_ROUND = 10;
/** Kept messages and records grow up to their limits, and a heap is swept when it likes to be. */
const MEMORY_GROWTH = 1.15;
const LEFT_OVER = [
  'viaduct_calls_active',
  'viaduct_media_ports_open',
  'viaduct_media_ports_quarantined',
  'viaduct_media_routers_open',
  'viaduct_media_web_rtc_transports_open',
  'viaduct_sip_dialogs',
  'viaduct_sip_server_transactions',
  'viaduct_sip_client_transactions',
];

interface LongCall {
  readonly dialog: PbxDialog;
  readonly peer: RtpPeer;
  /** Counted and forgotten: a quarter of a million packets are more than a test should keep. */
  heard: number;
  readonly ssrcs: Set<number>;
}

let gateway: Gateway;
let chromium: Chromium;
let pbx: SipPeer;
let alice: SoftphonePage;
let bob: SoftphonePage;
let carol: SipPhone;
/** Behind the phone, one for each call. */
const phones: RtpPeer[] = [];
beforeAll(async () => {
  pbx = await openUdpPeer({ port: BASE + 2 });
  [gateway, chromium] = await Promise.all([
    Gateway.start({
      base: BASE,
      trunks: [
        { name: 'carrier', address: `127.0.0.1:${SIPP_PORT}` },
        { name: 'pbx', address: pbx.address },
      ],
      settings: {
        media: {
          announcedAddress: '127.0.0.1',
          listenAddress: '127.0.0.1',
          portRange: { min: 27_000, max: 27_399 },
          quarantineSec: 1,
          webRtcPort: BASE + 4,
          workers: 1,
          edgeThreads: 1,
        },
      },
    }),
    Chromium.launch(),
  ]);
  alice = await chromium.softphone(gateway.origin);
  await alice.register(gateway.credentials('alice'));
  bob = await chromium.softphone(gateway.origin);
  await bob.register(gateway.credentials('bob'));
  await bob.answerAll();
  const { user, password, domain } = gateway.credentials('carol');
  carol = await SipPhone.open({ user, password, domain, gatewayPort: gateway.sipPort });
  await carol.register();
});
afterAll(async () => {
  await chromium?.close();
  await gateway?.stop();
  await Promise.all([pbx?.close(), carol?.close(), ...phones.map((peer) => peer.close())]);
});

async function beginLongCall(payloads: readonly Buffer[], to = 'echo'): Promise<LongCall> {
  const peer = await RtpPeer.open();
  const dialog = new PbxDialog(pbx, `sip:${to}@${gateway.domain}`);
  const codecs = [{ payloadType: 0, rtpmap: 'PCMU/8000' }];
  const { port } = await dialog.offer(pbxSdp({ port: peer.port, codecs }));
  peer.play(payloads, { port, payloadType: 0, ssrc: 1, step: 160 });
  return { dialog, peer, heard: 0, ssrcs: new Set() };
}

/** The phone says G.722 into it all the while, and the PBX G.711. */
async function beginTranscodedCall(payloads: readonly Buffer[], wideband: readonly Buffer[]): Promise<LongCall> {
  const peer = await RtpPeer.open();
  const answered = carol.answer(() => audioSdp(peer.port, ['9 G722/8000']));
  const call = await beginLongCall(payloads, 'carol');
  const { remoteSdp } = await answered;
  peer.play(wideband, { port: rtpPortOf(remoteSdp), payloadType: 9, ssrc: 2, step: 160 });
  phones.push(peer);
  return call;
}

function count(call: LongCall): void {
  const { heard } = call.peer;
  call.heard += heard.length;
  for (const { ssrc } of heard) call.ssrcs.add(ssrc);
  heard.length = 0;
}

async function browserCall(): Promise<void> {
  await alice.call('echo');
  await alice.callIs('active');
  await until(async () => ((await alice.quality())?.packetsReceived ?? 0) > 5, { within: 8_000, what: 'media' });
  await alice.hangUp();
  await alice.callIs('ended');
}

/** Short calls of a trunk and of a browser at the same time; what the gateway holds after them, in its longest pause. */
async function shortCalls(): Promise<Footprint> {
  const trunk = runSipp({
    scenario: 'trunk-short',
    to: gateway.sipAddress,
    port: SIPP_PORT,
    mediaPort: 28_496,
    service: 'echo',
    calls: CALLS_A_ROUND,
    limit: 20,
    rate: 20,
    holdMs: 300,
    timeoutSec: 180,
  });
  for (let i = 0; i < BROWSER_CALLS_A_ROUND; i += 1) await browserCall();
  expect(await trunk).toMatchObject({ code: 0, successful: CALLS_A_ROUND, failed: 0 });
  await until(async () => (await gateway.metric('viaduct_calls_active')) === LONG_CALLS, {
    within: 40_000,
    what: 'the short calls to be over',
  });
  expect(await gateway.metric('viaduct_media_ports_handed_over')).toBe(HANDED_OVER_CALLS);
  await sleep(3_000);
  return footprintOf(gateway.pid);
}

describe('T43: soak', () => {
  test('2,000 short calls and 50 long ones leave no port, router, thread, descriptor or transaction behind', async () => {
    const idle = footprintOf(gateway.pid);
    const payloads = await tonePayloads('PCMU', 400);
    const long: LongCall[] = [];
    const wideband = await tonePayloads('G722', 400);
    for (let i = 0; i < TRANSCODED_CALLS; i += 1) long.push(await beginTranscodedCall(payloads, wideband));
    const handedOver = await beginLongCall(payloads, 'bob');
    long.push(handedOver);
    while (long.length < LONG_CALLS) long.push(await beginLongCall(payloads));
    const counting = setInterval(() => long.forEach(count), 5_000);
    const began = performance.now();
    const seen: Footprint[] = [];
    for (let round = 0; round < ROUNDS; round += 1) seen.push(await shortCalls());
    clearInterval(counting);

    // The long calls were heard all the while, each as one stream.
    const lasted = performance.now() - began;
    for (const call of long) {
      count(call);
      expect(call.heard).toBeGreaterThan((lasted / 20) * 0.98);
      // Whoever is left to mediasoup is heard under one more.
      expect(call.ssrcs.size).toBeLessThanOrEqual(call === handedOver ? 2 : 1);
      call.peer.pause();
      expect((await call.dialog.request('BYE', '')).status).toBe(200);
      await call.peer.close();
    }

    for (const peer of phones) peer.pause();
    expect(await gateway.metric('transcoded_seconds_total')).toBeGreaterThan((lasted / 1000) * TRANSCODED_CALLS * 0.9);

    const left = async (): Promise<Record<string, number>> => {
      const metrics = await gateway.metrics();
      return Object.fromEntries(LEFT_OVER.map((name) => [name, metrics.get(name) ?? Number.NaN]));
    };
    const nothing = Object.fromEntries(LEFT_OVER.map((name) => [name, 0]));
    await until(async () => JSON.stringify(await left()) === JSON.stringify(nothing), {
      within: 45_000,
      what: 'an idle gateway',
    });
    const after = footprintOf(gateway.pid);
    console.log(JSON.stringify({ idle, seen, after, lastedSec: Math.round(lasted / 1000) }));
    // A heap goes up and down: what grows is higher at its lowest, too.
    const lowest = (mb: (each: Footprint) => number, of: readonly Footprint[]): number => Math.min(...of.map(mb));
    const early = seen[0] ?? idle;
    const late = seen.slice(-2);
    expect(lowest(({ gatewayMb }) => gatewayMb, late)).toBeLessThan(early.gatewayMb * MEMORY_GROWTH);
    expect(lowest(({ workersMb }) => workersMb, late)).toBeLessThan(early.workersMb * MEMORY_GROWTH);
    for (const { threads, descriptors } of late) {
      expect(threads).toBe(early.threads);
      expect(Math.abs(descriptors - early.descriptors)).toBeLessThanOrEqual(10);
    }
    // Fewer than the long calls alone would have left.
    expect(after.descriptors - idle.descriptors).toBeLessThan(20);
    expect(after.threads - idle.threads).toBeLessThan(5);
  });
});
