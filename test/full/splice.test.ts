/** T3: what a PBX changes about its stream is heard in Chromium at once, a hundred times over. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Chromium } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { openUdpPeer, type SipPeer } from '../support/sip-peer.ts';
import { distribution, expectContinuous, expectHeard, type Measure, SpliceTrial } from '../support/splice-trial.ts';

const BASE = 31_500;
const ROUNDS = 100;
/** Of a port that mediasoup serves alone; each takes ten seconds. */
const HANDED_OVER_ROUNDS = 3;
/** What changed is found out within 100 ms and the browser hears another SSRC, which it has to find its way into, ms. */
const HANDED_OVER_WITHIN_MS = 130;

interface Case {
  readonly what: string;
  readonly source: 'sdp' | 'latch';
  readonly codec: 'PCMU' | 'opus';
  readonly round: (trial: SpliceTrial, time: number) => Promise<void>;
}

/** In turns: each to be played by a browser that has the one before, and may be told of it. */
const NEXT_CODECS = ['PCMA', 'opus', 'G722', 'PCMU'] as const;

const CASES: readonly Case[] = [
  {
    what: 'carried: hold, SSRC, restart, new port',
    source: 'sdp',
    codec: 'PCMU',
    round: async (trial, time) => {
      await trial.hold(45_000);
      await trial.newSsrc();
      await trial.rtpRestart(time % 2 === 0 ? 12_345 : -500);
      await trial.newPort();
    },
  },
  {
    what: 'carried: payload type and SSRC of Opus',
    source: 'sdp',
    codec: 'opus',
    round: async (trial) => {
      await trial.newPayloadType();
      await trial.newSsrc();
    },
  },
  {
    what: 'carried: codec',
    source: 'sdp',
    codec: 'PCMU',
    round: async (trial, time) => trial.newCodec(NEXT_CODECS[time % NEXT_CODECS.length] ?? 'PCMU'),
  },
  {
    what: 'carried: a source nobody announced',
    source: 'latch',
    codec: 'PCMU',
    round: async (trial) => trial.unannouncedPort(),
  },
];

let chromium: Chromium;
beforeAll(async () => {
  chromium = await Chromium.launch();
});
afterAll(async () => chromium?.close());

describe('T3: of what a PBX changes, a hundred times over, is heard', () => {
  let gateway: Gateway | undefined;
  let pbx: SipPeer | undefined;
  afterEach(async () => {
    await gateway?.stop();
    await pbx?.close();
  });

  test.each(CASES)('$what', async ({ source, codec, round }) => {
    pbx = await openUdpPeer({ port: BASE + 2 });
    const profiles = { trunks: { nat: { source } } };
    gateway = await Gateway.start({ base: BASE, trunks: [{ name: 'pbx', address: pbx.address }], profiles });
    const trial = await SpliceTrial.start({ gateway, chromium, pbx, codec });
    for (let time = 0; time < ROUNDS; time += 1) await round(trial, time);
    await trial.stop();
    console.log(`${distribution(trial.measures)}\nmeasured again on a standing machine: ${trial.repeated}`);
    expectHeard(trial.measures);
    expectContinuous(trial.heard);
    expect(trial.measures.length).toBeGreaterThanOrEqual(ROUNDS);
  });

  // What changes by itself has to prove itself for longer each time: so once in a call.
  test.each([
    ['SSRC', (trial: SpliceTrial) => trial.newSsrc()],
    ['higher numbers', (trial: SpliceTrial) => trial.rtpRestart(12_345)],
    ['lower numbers', (trial: SpliceTrial) => trial.rtpRestart(-500)],
    ['port', (trial: SpliceTrial) => trial.newPort()],
    ['hold', (trial: SpliceTrial) => trial.hold(45_000)],
  ] as const)('handed over: new %s', async (_what, change) => {
    pbx = await openUdpPeer({ port: BASE + 2 });
    gateway = await Gateway.start({ base: BASE, trunks: [{ name: 'pbx', address: pbx.address }] });
    const measures: Measure[] = [];
    for (let time = 0; time < HANDED_OVER_ROUNDS; time += 1) {
      const trial = await SpliceTrial.start({ gateway, chromium, pbx, codec: 'PCMU', isHandedOver: true });
      await change(trial);
      await trial.stop();
      measures.push(...trial.measures);
      expectHeard(trial.measures, HANDED_OVER_WITHIN_MS);
      // Each way to a port of the PBX sends a stream of its own, and a change may be made again.
      expectContinuous(trial.heard, 9);
    }
    console.log(distribution(measures));
  });
});
