/** T35: ten minutes of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runFloodTrial } from '../support/flood-trial.ts';
import { Gateway } from '../support/gateway.ts';
import { openUdpPeer, type SipPeer } from '../support/sip-peer.ts';

const SIP_PORT = 28_702;

let gateway: Gateway;
let trunk: SipPeer;
beforeAll(async () => {
  trunk = await openUdpPeer({ port: SIP_PORT });
  gateway = await Gateway.start({ base: SIP_PORT - 2, trunks: [{ name: 'carrier', address: trunk.address }] });
});
afterAll(async () => {
  await gateway?.stop();
  await trunk?.close();
});

describe('T35: a flood of ten minutes', () => {
  test('20,000 messages a second: memory, live calls and calls of others', async () => {
    const outcome = await runFloodTrial({ gateway, trunk, seconds: 600, perSec: 20_000 });
    const inTime = outcome.setUpMs.filter((ms) => ms < 1000).length;
    console.log(
      `${Math.round(outcome.sent / outcome.seconds)} messages/s, ${outcome.setUpMs.length} calls, ${inTime} within a second, ` +
        `memory ${(outcome.floodBytes / outcome.idleBytes).toFixed(2)} of idle`,
    );
    expect(inTime / outcome.setUpMs.length).toBeGreaterThanOrEqual(0.9);
    expect(outcome.floodBytes / outcome.idleBytes).toBeLessThan(1.5);
  });
});
