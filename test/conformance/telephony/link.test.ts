/** The connection to the engine, below everything that telephony makes of it. */
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/kernel/index.ts';
import type { EngineLink } from '../../../src/telephony/sip-ports.ts';
import { connectEngine } from '../../../src/telephony/srf-adapter.ts';
import { isRequest, isResponse, openUdpPeer, type SipPeer } from '../../support/sip-peer.ts';
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

describe('the connection', () => {
  /** What goes to the engine takes its time. */
  async function openSlowWay(port: number): Promise<Server> {
    const way = createServer((near) => {
      const far = createConnection(port, '127.0.0.1');
      near.on('data', (chunk) => setTimeout(() => far.write(chunk), 100));
      far.pipe(near);
      near.on('close', () => far.destroy());
      far.on('error', () => near.destroy());
      near.on('error', () => far.destroy());
    });
    way.listen(0, '127.0.0.1');
    await once(way, 'listening');
    return way;
  }

  it('is made when the engine knows what to pass on: nothing is refused from then on', async () => {
    const fresh = await startTestEngine();
    const way = await openSlowWay(fresh.wire.port);
    const caller = await openUdpPeer(fresh.udp);
    caller.request('REGISTER');
    // Who comes too early is told to come again.
    expect((await caller.wait(isResponse(503))).header('Retry-After')).toBe('5');
    const listener: Parameters<typeof connectEngine>[0]['listener'] = {
      onInvite: () => {},
      onRequest: (request) => request.reply(200),
      onLost: () => {},
    };
    const wire = { ...fresh.wire, port: (way.address() as AddressInfo).port };
    const slow = await connectEngine({ wire, listener, logger: silentLogger });
    caller.request('REGISTER');
    expect((await caller.wait((message) => message.status > 100)).status).toBe(200);
    slow.close();
    await caller.close();
    way.close();
    await fresh.close();
  });
});
