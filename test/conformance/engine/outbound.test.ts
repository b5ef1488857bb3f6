/** Behaviours 48 and 49 of drachtio-protocol §12: srf.listen with request handlers, and call reports, with drachtio-srf. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket, Server as TcpServer } from 'node:net';
import Srf from 'drachtio-srf';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  isRequest,
  isResponse,
  offerSdp,
  openUdpPeer,
  type PeerMessage,
  type SipPeer,
  unique,
} from '../../support/sip-peer.ts';
import {
  type App,
  type AppRequest,
  type AppResponse,
  realEngine,
  startTestEngine,
  type TestEngine,
  testOptions,
} from '../../support/test-engine.ts';

const SECRET = 'outbound-secret-of-this-test';

interface ListeningSrf {
  listen(options: { host: string; port: number; secret: string }): TcpServer;
  endSession(request: AppRequest): void;
  on(event: 'connect' | 'error' | 'close', listener: () => void): void;
}

let engine: TestEngine;
let http: Server;
let decision: unknown;
const asked: URL[] = [];
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  http = createServer((request, response) => {
    asked.push(new URL(request.url ?? '', 'http://handler'));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(decision));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  engine = await startTestEngine({
    ...testOptions,
    wireSecret: SECRET,
    requestHandlers: [
      { method: 'INVITE', url: `http://127.0.0.1:${port}/route?site=1` },
      { method: 'INFO', url: 'tcp://127.0.0.1:9' },
    ],
  });
});
afterEach(async () => {
  for (const thing of opened.splice(0).toReversed()) await thing.close();
});
afterAll(async () => {
  await engine.close();
  http.close();
});

/** An application that waits for the engine to connect; the result is its port. */
async function listening(
  onInvite: (srf: ListeningSrf & App, request: AppRequest, response: AppResponse) => void,
): Promise<number> {
  const srf = new Srf() as unknown as ListeningSrf & App;
  srf.invite((request, response) => onInvite(srf, request, response));
  srf.on('error', () => {});
  const server = srf.listen({ host: '127.0.0.1', port: 0, secret: SECRET });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await once(server, 'listening');
  opened.push({
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  });
  return (server.address() as AddressInfo).port;
}

async function call(): Promise<{ peer: SipPeer; final: PeerMessage }> {
  const peer = await openUdpPeer(engine.udp);
  opened.push(peer);
  peer.request('INVITE', { uri: 'sip:desk@127.0.0.1;site=two', callId: unique('call'), tag: 'one', body: offerSdp() });
  await peer.wait(isResponse(100));
  const final = await peer.wait((message) => message.status >= 200);
  peer.request('ACK', { callId: final.header('Call-ID'), tag: 'one', to: final.header('To') });
  return { peer, final };
}

describe.skipIf(realEngine !== undefined)('outbound mode', () => {
  test('behaviour 48: the handler names an application, which gets the call on a connection of its own', async () => {
    const port = await listening((srf, request, response) => {
      void srf.createUAS(request, response, { localSdp: offerSdp(41_000) });
    });
    decision = { action: 'route', data: { uri: `127.0.0.1:${port}` } };
    asked.length = 0;
    const { peer, final } = await call();
    expect(final.status).toBe(200);
    expect(final.body).toContain('41000');
    const query = Object.fromEntries(asked[0]?.searchParams ?? []);
    expect(query).toMatchObject({
      method: 'INVITE',
      domain: '127.0.0.1',
      protocol: 'udp',
      source_address: '127.0.0.1',
    });
    expect(query).toMatchObject({ fromUser: 'alice', uriUser: 'desk', contentType: 'application/sdp' });
    expect(asked[0]?.searchParams.getAll('site')).toEqual(['1', 'two']);
    peer.request('BYE', { callId: final.header('Call-ID'), tag: 'one', to: final.header('To'), cseq: 2 });
    await peer.wait(isResponse(200, 'BYE'));
  });

  test('behaviour 48: the end of its session ends the connection', async () => {
    const port = await listening((srf, request, response) => {
      response.send(486);
      setTimeout(() => srf.endSession(request), 20);
    });
    decision = { action: 'route', data: { uri: `127.0.0.1:${port}` } };
    expect((await call()).final.status).toBe(486);
    await expect.poll(async () => (await engine.server?.counters())?.applications).toBe(0);
  });

  test('behaviour 48: it may reject, redirect, proxy, or name a connected application by its tag', async () => {
    decision = { action: 'reject', data: { status: 404, reason: 'No such desk' } };
    expect((await call()).final.startLine).toBe('SIP/2.0 404 No such desk');
    decision = { action: 'redirect', data: { contact: ['sip:other@example.com'] } };
    const { final } = await call();
    expect([final.status, final.header('Contact')]).toEqual([302, '<sip:other@example.com>']);
    decision = { action: 'route', data: { tag: 'green' } };
    expect((await call()).final.status).toBe(480);
    const app = await engine.connect();
    opened.push(app);
    await app.command(`authenticate|${SECRET}|green,blue`);
    await app.command('route|invite');
    const answered = call();
    const invite = await app.wait(({ message }) => message.startsWith('INVITE'));
    await app.command(`sip|${invite.fields[8]}|\nSIP/2.0 603 Decline\n\n`);
    expect((await answered).final.status).toBe(603);
    const bob = await openUdpPeer(engine.udp);
    opened.push(bob);
    decision = { action: 'proxy', data: { destination: [`sip:bob@${bob.address}`] } };
    const proxied = call();
    bob.reply(await bob.wait(isRequest('INVITE')), 486);
    expect((await proxied).final.status).toBe(486);
  });

  test('behaviour 48: who cannot be reached, or answers nonsense, costs the caller a 480', async () => {
    decision = { action: 'route', data: { uri: '127.0.0.1:9' } };
    expect((await call()).final.status).toBe(480);
    decision = { nonsense: true };
    expect((await call()).final.status).toBe(480);
    const peer = await openUdpPeer(engine.udp);
    opened.push(peer);
    peer.request('INFO');
    await peer.wait(isResponse(480));
  });
});

describe.skipIf(realEngine !== undefined)('call reports', () => {
  test('behaviour 49: drachtio-srf emits them', async () => {
    const seen: string[] = [];
    const app = await engine.app((srf) => {
      const reports = srf as unknown as { on(event: string, heard: (...args: unknown[]) => void): void };
      reports.on('cdr:attempt', (source, time) =>
        seen.push(`attempt ${String(source)} ${/^\d\d:/.test(String(time))}`),
      );
      reports.on('cdr:stop', (source, _time, reason) => seen.push(`stop ${String(source)} ${String(reason)}`));
    });
    opened.push(app);
    const peer = await openUdpPeer(engine.udp);
    opened.push(peer);
    const refused = app.createUAC(`sip:bob@${peer.address}`, { localSdp: offerSdp() });
    peer.reply(await peer.wait(isRequest('INVITE')), 486);
    await expect(refused).rejects.toMatchObject({ status: 486 });
    await expect.poll(() => seen).toEqual(['attempt application true', 'stop network call-rejected']);
  });
});
