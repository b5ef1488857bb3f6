/** T3 in small: what a PBX changes about its stream is heard in Chromium at once. A hundred of each: test/full/splice.test.ts. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { Chromium } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { openUdpPeer, type SipPeer } from '../support/sip-peer.ts';
import { expectContinuous, expectHeard, SpliceTrial } from '../support/splice-trial.ts';

const BASE = 31_400;

let gateway: Gateway;
let chromium: Chromium;
let pbx: SipPeer;
beforeAll(async () => {
  pbx = await openUdpPeer({ port: BASE + 2 });
  [gateway, chromium] = await Promise.all([
    Gateway.start({
      base: BASE,
      trunks: [{ name: 'pbx', address: pbx.address }],
      profiles: { trunks: { nat: { source: 'latch' } } },
    }),
    Chromium.launch(),
  ]);
});
afterAll(async () => {
  await chromium?.close();
  await gateway?.stop();
  await pbx?.close();
});

describe('T3: a PBX that changes its stream', () => {
  test('is heard again within 100 ms, and within 2 s from a source that nobody announced', async () => {
    const trial = await SpliceTrial.start({ gateway, chromium, pbx, codec: 'PCMU' });
    await trial.hold(45_000);
    await trial.newSsrc();
    await trial.rtpRestart(-500);
    await trial.newPort();
    await trial.unannouncedPort();
    await trial.stop();
    expectHeard(trial.measures);
    expectContinuous(trial.heard);
  });

  test('may give its codec another number', async () => {
    const trial = await SpliceTrial.start({ gateway, chromium, pbx, codec: 'opus' });
    await trial.newPayloadType();
    await trial.newPayloadType();
    await trial.stop();
    expectHeard(trial.measures);
    expectContinuous(trial.heard);
  });
});
