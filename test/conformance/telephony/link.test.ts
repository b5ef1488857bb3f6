/** The connection to the engine, below everything that telephony makes of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/kernel/index.ts';
import type { EngineLink } from '../../../src/telephony/sip-ports.ts';
import { connectEngine } from '../../../src/telephony/srf-adapter.ts';
import { isRequest, openUdpPeer, type SipPeer } from '../../support/sip-peer.ts';
import { startTestEngine, type TestEngine } from '../../support/test-engine.ts';

let engine: TestEngine;
let link: EngineLink;
let peer: SipPeer;

beforeAll(async () => {
  engine = await startTestEngine();
  const listener = { onInvite: () => {}, onRequest: () => {}, onLost: () => {} };
  link = await connectEngine({ wire: engine.wire, listener, logger: silentLogger });
  peer = await openUdpPeer(engine.udp);
});
afterAll(async () => {
  link.close();
  await peer.close();
  await engine.close();
});

const ping = (nextHop: string | undefined, uri = 'sip:carrier.test') =>
  link.request({ method: 'OPTIONS', uri, nextHop, headers: { 'X-Why': 'health' }, body: '' });

describe('a request outside dialogs', () => {
  it('goes to the next hop with its own URI, and gives the final response with its headers', async () => {
    const asking = ping(`sip:${peer.address};transport=udp`);
    const request = await peer.wait(isRequest('OPTIONS'));
    expect(request.uri).toBe('sip:carrier.test');
    expect(request.header('X-Why')).toBe('health');
    peer.reply(request, 100);
    peer.reply(request, 503, { headers: ['Retry-After: 7'], body: 'busy' });
    const reply = await asking;
    expect([reply.status, reply.header('retry-after'), reply.body, reply.header('X-None')]).toEqual([
      503,
      '7',
      'busy',
      undefined,
    ]);
  });

  it('is answered 503 when nobody accepts the connection', async () => {
    const reply = await ping('sip:127.0.0.1:9;transport=tcp');
    expect([reply.status, reply.header('Retry-After')]).toEqual([503, undefined]);
  });

  it('is answered 503 when the engine goes away under it, and at once afterwards', async () => {
    const asking = ping(`sip:${peer.address};transport=udp`);
    await peer.wait(isRequest('OPTIONS'));
    link.close();
    expect((await asking).status).toBe(503);
    expect((await ping(undefined)).status).toBe(503);
  });
});
