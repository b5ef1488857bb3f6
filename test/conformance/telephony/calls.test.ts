import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RunningMediaPlane } from '../../../src/media/index.ts';
import { isRequest, isResponse, openTcpPeer, openUdpPeer, openWsPeer, type PeerTransport, type SipPeer } from '../../support/sip-peer.ts';
import { startTestEngine, type TestEngine } from '../../support/test-engine.ts';
import { DOMAIN, type Exchange, startExchange, startRealPlane, trunks } from './support/exchange.ts';
import { Party, rtpPortIn, rtpSdp, webSdp } from './support/party.ts';

let plane: RunningMediaPlane;
let engine: TestEngine;
let exchange: Exchange;
let carrier: Party;
let peers: SipPeer[];

async function open(user: string, transport: PeerTransport = 'udp'): Promise<Party> {
  const to = engine[transport];
  const peer = await { udp: openUdpPeer, tcp: openTcpPeer, ws: openWsPeer }[transport](to);
  peers.push(peer);
  return new Party(peer, user);
}

/** A registered party. */
async function join(user: string, transport: PeerTransport = 'udp'): Promise<Party> {
  const party = await open(user, transport);
  expect((await party.register()).status).toBe(200);
  return party;
}

beforeAll(async () => {
  plane = await startRealPlane();
});
afterAll(async () => {
  await plane.stop();
});
beforeEach(async () => {
  peers = [];
  engine = await startTestEngine();
  carrier = await open('carrier');
  const { address } = carrier.peer;
  exchange = await startExchange(engine, plane, {
    trunks: [{ name: 'carrier', addresses: [address], target: address, transport: 'udp', profile: trunks }],
  });
});
afterEach(async () => {
  await exchange.close();
  await exchange.expectPortsClosed();
  expect(exchange.media.listenerCount).toBe(0);
  for (const peer of peers) await peer.close();
  await engine.close();
});

describe('a call', () => {
  it('between two phones: ringing, answer, BYE from the caller', async () => {
    const [alice, bob] = [await join('alice'), await join('bob')];
    const calling = alice.call('bob', rtpSdp(41_000), {});
    const invite = await bob.nextInvite();
    expect(invite.header('From')).toMatch(new RegExp(`<sip:alice@${DOMAIN}>;tag=`));
    expect(invite.header('To')).toBe(`<sip:bob@${DOMAIN}>`);
    expect(invite.header('Max-Forwards')).toBe('69');
    expect(rtpPortIn(invite.body)).toBeGreaterThanOrEqual(44_650);
    bob.peer.reply(invite, 180);
    await alice.peer.wait(isResponse(180, 'INVITE'));
    const b = await bob.accept(invite, rtpSdp(42_000));
    const a = await calling;
    expect(rtpPortIn(a.sdp)).not.toBe(rtpPortIn(invite.body));
    expect(exchange.telephony.activeCalls).toBe(1);
    const hungUpAt = performance.now();
    expect(await a.bye()).toBe(200);
    await b.awaitBye();
    expect(performance.now() - hungUpAt).toBeLessThan(500);
    const record = await exchange.nextRecord();
    expect(record).toMatchObject({ from: `sip:alice@${DOMAIN}`, route: 'user', endReason: 'hangup-caller', legs: [{ codec: 'PCMU' }, { codec: 'PCMU' }] });
    expect(exchange.telephony.activeCalls).toBe(0);
    expect(exchange.events.map(({ kind }) => kind).filter((kind) => kind !== 'registered')).toEqual([
      'call-started',
      'leg-invited',
      'leg-ringing',
      'leg-answered',
      'leg-answered',
      'call-answered',
      'call-ended',
    ]);
    expect(await exchange.telephony.record(record.callId)).toEqual(JSON.parse(JSON.stringify(record)));
  });

  it('ends from the callee too', async () => {
    const [alice, bob] = [await join('alice'), await join('bob')];
    const calling = alice.call('bob', rtpSdp(41_000));
    const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000));
    const a = await calling;
    expect(await b.bye()).toBe(200);
    await a.awaitBye();
    expect(await exchange.nextRecord()).toMatchObject({ endReason: 'hangup-callee' });
  });
});
