/** T3: what a PBX changes about its stream is heard in Chromium at once, a hundred times over. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { openUdpPeer, type SipPeer } from '../support/sip-peer.ts';
import { distribution, expectContinuous, expectHeard, SpliceTrial } from '../support/splice-trial.ts';

const BASE = 31_500;
const ROUNDS = 100;

describe.each(['sdp', 'latch'] as const)('T3: a PBX that changes its stream, nat.source %s', (source) => {
  let gateway: Gateway;
  let chromium: Chromium;
  let pbx: SipPeer;
  beforeAll(async () => {
    pbx = await openUdpPeer({ port: BASE + 2 });
    [gateway, chromium] = await Promise.all([
      Gateway.start({
        base: BASE,
        trunks: [{ name: 'pbx', address: pbx.address }],
        profiles: { trunks: { nat: { source } } },
      }),
      Chromium.launch(),
    ]);
  });
  afterAll(async () => {
    await chromium?.close();
    await gateway?.stop();
    await pbx?.close();
  });

  async function rounds(codec: 'PCMU' | 'opus', round: (trial: SpliceTrial) => Promise<void>): Promise<void> {
    const trial = await SpliceTrial.start({ gateway, chromium, pbx, codec });
    for (let time = 0; time < ROUNDS; time += 1) await round(trial);
    await trial.stop();
    console.log(`${distribution(trial.measures)}\nmeasured again on a standing machine: ${trial.repeated}`);
    expectHeard(trial.measures);
    expectContinuous(trial.heard);
    expect(trial.measures.length).toBeGreaterThanOrEqual(ROUNDS);
  }

  if (source === 'sdp') {
    test('hold, SSRC, restart and re-INVITE to a new port: heard within 100 ms', async () => {
      await rounds('PCMU', async (trial) => {
        await trial.hold(45_000);
        await trial.newSsrc();
        await trial.rtpRestart();
        await trial.newPort();
      });
    });

    test('another payload type and SSRC of Opus: heard within 100 ms', async () => {
      await rounds('opus', async (trial) => {
        await trial.newPayloadType();
        await trial.newSsrc();
      });
    });
  } else {
    test('a source that nobody announced: heard within 2 s', async () => {
      await rounds('PCMU', async (trial) => trial.unannouncedPort());
    });
  }
});
