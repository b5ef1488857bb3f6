import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { Scope, systemClock } from '../../src/kernel/index.ts';
import { usualLimits } from '../../src/signaling/limits.ts';
import { isOriginAllowed } from '../../src/signaling/origin.ts';
import { PeerSocket } from '../../src/signaling/peer-socket.ts';
import { closeCodes } from '../../src/signaling/protocol/index.ts';
import { TokenBucket } from '../../src/signaling/token-bucket.ts';

let scope = new Scope();
afterEach(async () => {
  await scope.close();
  scope = new Scope();
});

/** A client that upgrades and then reads nothing. */
async function deafClient(): Promise<{
  readonly peer: PeerSocket;
  readonly client: Socket;
  closed: () => number | undefined;
}> {
  const server = createServer();
  const webSockets = new WebSocketServer({ server });
  scope.add(() => void server.close());
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  scope.add(() => void client.destroy());
  client.on('error', () => {});
  client.write(
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  client.pause();
  const [webSocket] = (await once(webSockets, 'connection')) as [
    ConstructorParameters<typeof PeerSocket>[0]['webSocket'],
  ];
  let closedWith: number | undefined;
  const peer = new PeerSocket({ webSocket, limits: usualLimits, clock: systemClock });
  const closed = once(webSocket, 'close');
  peer.start({ onText: () => {}, onClosed: (code) => (closedWith = code) }, () => {});
  scope.add(() => {
    peer.close(closeCodes.goingAway, 'over');
    client.destroy();
  });
  return {
    peer,
    client,
    closed: () => {
      void closed;
      return closedWith;
    },
  };
}

it('T32 cuts off who does not read, before much of it is kept', async () => {
  const { peer, closed } = await deafClient();
  const text = 'x'.repeat(10_000);
  let sent = 0;
  // The kernel takes some megabytes before anything is left with us.
  while (closed() === undefined && sent < 5000) {
    peer.send(text);
    sent += 1;
    if (sent % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(closed()).toBe(closeCodes.slowReader);
});

it('lets through a burst and then a rate', () => {
  const bucket = new TokenBucket(10, 3, 0);
  expect([bucket.take(0), bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([true, true, true, false]);
  expect([bucket.take(100), bucket.take(100)]).toEqual([true, false]);
});

it('T30 knows our own page by any name, and no other', () => {
  expect(isOriginAllowed('https://gw.example:8443', 'gw.example:8443', [])).toBe(true);
  expect(isOriginAllowed(undefined, 'gw.example', [])).toBe(true);
  expect(isOriginAllowed('https://app.example', 'gw.example', ['https://app.example'])).toBe(true);
  expect(isOriginAllowed('https://app.example.evil', 'gw.example', ['https://app.example'])).toBe(false);
  for (const origin of [
    'null',
    'file://',
    'https://gw.example.evil',
    'https://gw.example:1',
    'chrome-extension://gw.example',
    '',
  ])
    expect(isOriginAllowed(origin, 'gw.example', [])).toBe(false);
});
