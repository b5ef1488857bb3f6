/** T3: what a PBX changes about its stream is heard in Chromium at once, a hundred times over. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Chromium } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { openUdpPeer, type SipPeer } from '../support/sip-peer.ts';
import { distribution, expectContinuous, expectHeard, SpliceTrial } from '../support/splice-trial.ts';

const BASE = 31_500;
const ROUNDS = 100;

interface Case {
  readonly what: string;
  readonly source: 'sdp' | 'latch';
  readonly codec: 'PCMU' | 'opus';
  readonly round: (trial: SpliceTrial) => Promise<void>;
}

const CASES: readonly Case[] = [
  {
    what: 'hold, SSRC, restart and re-INVITE to a new port within 100 ms',
    source: 'sdp',
    codec: 'PCMU',
    round: async (trial) => {
      await trial.hold(45_000);
      await trial.newSsrc();
      await trial.rtpRestart();
      await trial.newPort();
    },
  },
  {
    what: 'another payload type and SSRC of Opus within 100 ms',
    source: 'sdp',
    codec: 'opus',
    round: async (trial) => {
      await trial.newPayloadType();
      await trial.newSsrc();
    },
  },
  {
    what: 'a source that nobody announced within 2 s',
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
    for (let time = 0; time < ROUNDS; time += 1) await round(trial);
    await trial.stop();
    console.log(`${distribution(trial.measures)}\nmeasured again on a standing machine: ${trial.repeated}`);
    expectHeard(trial.measures);
    expectContinuous(trial.heard);
    expect(trial.measures.length).toBeGreaterThanOrEqual(ROUNDS);
  });
});
