import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { AgentSocket } from '../../src/agents/agent-socket.ts';
import { until } from '../support/until.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

let server: WebSocketServer;
let clock: VirtualClock;
let agent: WebSocket;
let ends: (string | undefined)[];
let pings: number;

beforeEach(async () => {
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  clock = new VirtualClock();
  ends = [];
  pings = 0;
});
afterEach(async () => {
  for (const client of server.clients) client.terminate();
  server.close();
  await once(server, 'close');
});

async function open(): Promise<AgentSocket> {
  const { port } = server.address() as AddressInfo;
  const connected = once(server, 'connection');
  const opened = new Promise<AgentSocket>((resolve) => {
    const socket: AgentSocket = new AgentSocket({
      url: `ws://127.0.0.1:${port}/?token=of-the-agent`,
      headers: {},
      connectTimeoutMs: 5000,
      clock,
      onOpen: () => queueMicrotask(() => resolve(socket)),
      onMessage: () => {},
      onClose: (error) =>
        ends.push(error === undefined ? undefined : `${(error as { code?: string }).code}: ${error.message}`),
    });
  });
  [agent] = (await connected) as [WebSocket];
  agent.on('ping', () => pings++);
  return opened;
}

/** Ten seconds on its clock, and what the network needs in ours. */
async function tenSeconds(): Promise<void> {
  const before = pings;
  clock.advance(10_000);
  if (!agent.isPaused) await until(() => pings > before, { within: 2_000, what: 'a ping' });
}

test('an agent that answers pings may say nothing for as long as it likes', async () => {
  const socket = await open();
  for (let i = 0; i < 6; i++) {
    await tenSeconds();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(ends).toEqual([]);
  socket.close();
  await until(() => agent.readyState === agent.CLOSED && clock.timerCount === 0, { within: 2_000, what: 'its end' });
});

test('one that does not even do that is lost, and its secrets are not in the error', async () => {
  await open();
  agent.pause();
  for (let i = 0; i < 3; i++) await tenSeconds();
  expect(ends).toHaveLength(1);
  expect(ends[0]).toMatch(/^AGENT_SILENT: The agent at 127\.0\.0\.1:\d+ has not even answered pings for 30000 ms$/);
  expect(clock.timerCount).toBe(0);
});

test('one that does not read loses audio first, and is given up when even the rest piles up', async () => {
  const socket = await open();
  agent.pause();
  const frame = Buffer.alloc(65_536);
  await until(
    () => {
      socket.sendAudio(frame);
      return !socket.takesAudio;
    },
    { within: 5_000, every: 0, what: 'a full pipe' },
  );
  for (let i = 0; i < 50; i++) socket.sendAudio(frame);
  expect(ends).toEqual([]);
  for (let i = 0; i < 200 && ends.length === 0; i++) socket.send(frame);
  expect(ends).toHaveLength(1);
  expect(ends[0]).toMatch(/^AGENT_DEAF/);
  expect(clock.timerCount).toBe(0);
});
