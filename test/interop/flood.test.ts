/** T35, the short form: test/full has ten minutes of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runFloodTrial } from '../support/flood-trial.ts';
import { Gateway } from '../support/gateway.ts';
import { openUdpPeer, type SipPeer } from '../support/sip-peer.ts';

const SIP_PORT = 28_602;
const PER_SEC = 20_000;
const SECONDS = 12;

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

describe('T35: a flood', () => {
  it('leaves live calls alone, calls of others are set up in time, and memory stays', async () => {
    const outcome = await runFloodTrial({ gateway, trunk, seconds: SECONDS, perSec: PER_SEC });
    const inTime = outcome.setUpMs.filter((ms) => ms < 1000).length;
    expect(outcome.setUpMs.length).toBeGreaterThan(0);
    expect(inTime / outcome.setUpMs.length).toBeGreaterThanOrEqual(0.9);
    expect(outcome.floodBytes / outcome.idleBytes).toBeLessThan(1.5);
    // Nearly all of it was shed unread, and one line told of each source.
    expect(await gateway.metric('viaduct_sip_shed')).toBeGreaterThan(outcome.sent * 0.5);
    expect(gateway.output.match(/source sends too much: shedding/g)).toHaveLength(4);
  });
});
