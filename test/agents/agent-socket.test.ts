import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { AgentSocket } from '../../src/agents/agent-socket.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { until } from '../support/until.ts';

let server: WebSocketServer;
let accepted: WebSocket[];
let told: (Error | undefined)[];

beforeEach(async () => {
  accepted = [];
  told = [];
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => accepted.push(socket));
  await once(server, 'listening');
});
afterEach(async () => {
  for (const client of server.clients) client.terminate();
  const closed = once(server, 'close');
  server.close();
  await closed;
});

function connect(url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`): Promise<AgentSocket> {
  return new Promise((resolve) => {
    const socket = new AgentSocket({
      url,
      headers: {},
      connectTimeoutMs: 2000,
      clock: systemClock,
      onOpen: () => resolve(socket),
      onMessage: () => {},
      onClose: (error) => told.push(error),
    });
  });
}

describe('the socket to an agent', () => {
  it('keeps little for one that stops reading, and lets go of it all the same', async () => {
    const socket = await connect();
    const [peer] = await until(() => accepted.length > 0 && accepted, { within: 2_000, what: 'the connection' });
    let received = 0;
    peer?.on('message', (data: Buffer) => (received += data.length));
    peer?.pause();
    // A hundred minutes of a caller.
    for (let i = 0; i < 1500; i++) {
      socket.sendAudio(Buffer.alloc(128_000));
      if (i % 50 === 0) await new Promise(setImmediate);
    }
    socket.close();
    peer?.resume();
    await until(() => peer?.readyState === 3, { within: 5_000, what: 'the end' });
    // What the system buffers, and not the 192 MB.
    expect(received).toBeGreaterThan(0);
    expect(received).toBeLessThan(16_000_000);
    // Closed by us: nobody is told.
    expect(told).toEqual([]);
  });

  it('tells once why it is over', async () => {
    await connect();
    const [peer] = await until(() => accepted.length > 0 && accepted, { within: 2_000, what: 'the connection' });
    peer?.close(1011);
    await until(() => told.length > 0, { within: 2_000, what: 'the end' });
    expect(told).toMatchObject([{ code: 'AGENT_LOST' }]);
  });

  it('closes on a message that is too long', async () => {
    await connect();
    const [peer] = await until(() => accepted.length > 0 && accepted, { within: 2_000, what: 'the connection' });
    peer?.on('error', () => {});
    peer?.send(Buffer.alloc(5_000_000));
    await until(() => told.length > 0, { within: 2_000, what: 'the end' });
    expect(told).toMatchObject([{ code: 'AGENT_UNREACHABLE' }]);
  });
});
