/** Keep-alives on real sockets: RFC 5626 §4.4. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { type Clock, silentLogger, systemClock } from '../../src/kernel/index.ts';
import type { EngineInput } from '../../src/sip/engine/index.ts';
import { openSipNet, type SipNet } from '../../src/sip/net/index.ts';
import { until } from '../support/until.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const action of undo.splice(0).toReversed()) await action();
});

const within = (what: string): { within: number; what: string } => ({ within: 3000, what });

async function open(
  transport: 'udp' | 'tcp',
  address: string,
  clock: Clock,
): Promise<{ net: SipNet; closed: number[] }> {
  const closed: number[] = [];
  const input: EngineInput = {
    received: () => {},
    refused: () => {},
    connectionClosed: (id) => closed.push(id),
    appConnected: () => {},
    appCommand: () => {},
    appClosed: () => {},
  };
  const net = await openSipNet({
    listeners: [{ transport, address, port: 0 }],
    input,
    clock,
    logger: silentLogger,
  });
  undo.push(() => net.close());
  return { net, closed };
}

it.each(['127.0.0.1', '::1'])('STUN on a SIP port of %s is told where it came from', async (address) => {
  const { net } = await open('udp', address, systemClock);
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  undo.push(() => socket.close());
  socket.bind(0, address);
  await once(socket, 'listening');
  const request = Buffer.from('000100002112a442b7e7a701bc34d686fa87dfae', 'hex');
  socket.send(request, net.listeners[0]?.port ?? 0, address);
  const [answer] = (await once(socket, 'message')) as [Buffer];
  expect(answer.readUInt16BE(0)).toBe(0x0101);
  expect(answer.subarray(8, 20)).toEqual(request.subarray(8, 20));
  expect(answer.readUInt16BE(26) ^ 0x2112).toBe(socket.address().port);
  expect(net.counters).toMatchObject({ messagesIn: 0, dropped: 0 });
});

/** A peer that takes a connection, and answers pings or does not. */
async function peerServer(answers: (count: number) => boolean): Promise<{ port: number; pings: () => number }> {
  let pings = 0;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      if (!/^(?:\r\n\r\n)+$/.test(String(chunk))) return;
      pings += chunk.length / 4;
      if (answers(pings)) socket.write('\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const at = server.address();
  return { port: typeof at === 'object' ? (at?.port ?? 0) : 0, pings: () => pings };
}

async function connectTo(port: number, clock: VirtualClock): Promise<{ net: SipNet; closed: number[] }> {
  const opened = await open('tcp', '127.0.0.1', clock);
  const target = { transport: 'tcp', listenerId: 1, address: '127.0.0.1', port, connectionId: undefined } as const;
  opened.net.send(target, Buffer.from('OPTIONS'), () => {});
  await until(() => opened.net.counters.messagesOut === 1, within('the connection'));
  return opened;
}

/** Lets what was written arrive, and its answer. */
const settle = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

it('B/A2 35: pings connections that we opened, and closes one whose peer answered before and is silent now', async () => {
  const clock = new VirtualClock();
  const { port, pings } = await peerServer((count) => count <= 2);
  const { net, closed } = await connectTo(port, clock);
  for (let round = 1; round <= 2; round++) {
    clock.advance(30_000);
    await until(() => pings() === round, within(`ping ${round}`));
    await settle();
  }
  expect(closed).toEqual([]);
  clock.advance(30_000);
  await until(() => pings() === 3, within('the third ping'));
  clock.advance(10_000);
  await until(() => closed.length === 1, within('the end of a dead connection'));
  expect(net.counters).toMatchObject({ connectionsReaped: 1, connectionsOpen: 0 });
});

it('leaves a peer alone that never knew what a ping is', async () => {
  const clock = new VirtualClock();
  const { port, pings } = await peerServer(() => false);
  const { closed } = await connectTo(port, clock);
  for (let round = 1; round <= 4; round++) {
    clock.advance(65_000);
    await until(() => pings() >= round, within(`ping ${round}`));
  }
  expect(closed).toEqual([]);
});
