/** T3: mutated messages against the whole embedded engine on its sockets, for longer than `npm test` has time. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/kernel/index.ts';
import { type SipServer, startSipServer } from '../../src/sip/server/index.ts';

const MESSAGES = 200_000;
const BATCH = 200;
const folder = join(import.meta.dirname, '../data/rfc4475');
const seeds = readdirSync(folder)
  .filter((name) => name.endsWith('.dat'))
  .map((name) => readFileSync(join(folder, name)));

/** A small generator with a fixed seed: a failure can be had again. */
let state = 0x2545f491;
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
const SPICE = [
  '\r\n',
  '\0',
  ';',
  ',',
  '<',
  '>',
  '"',
  ':',
  '@',
  ' '.repeat(200),
  '4294967296',
  '-1',
  '\r\n\r\n',
  '%00',
  'ü',
];

function mutate(seed: Buffer): Buffer {
  let text = seed.toString('latin1');
  for (let times = 1 + random(4); times > 0; times--) {
    const at = random(text.length + 1);
    const way = random(4);
    if (way === 0) text = text.slice(0, at) + pick(SPICE) + text.slice(at);
    else if (way === 1) text = text.slice(0, at) + text.slice(at + random(20));
    else if (way === 2) text = text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
    else text = text.slice(0, at) + pick(seeds).toString('latin1').slice(random(300)) + text.slice(at);
  }
  return Buffer.from(text.slice(0, 8000), 'latin1');
}

let server: SipServer;
let socket: Socket;
let crash: unknown;
beforeAll(async () => {
  server = await startSipServer(
    {
      listeners: (['udp', 'tcp'] as const).map((transport) => ({ transport, address: '127.0.0.1', port: 0 })),
      logLevel: 'error',
    },
    { ...silentLogger, error: (fields) => (crash ??= fields) },
  );
  server.onExit((error) => (crash ??= error));
  socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
});
afterAll(async () => {
  socket?.close();
  await server?.close();
});

const portOf = (transport: string): number => server.listeners.find((each) => each.transport === transport)?.port ?? 0;

/** Whether a plain OPTIONS is still answered. */
async function isAlive(): Promise<boolean> {
  const { port } = socket.address();
  const branch = `z9hG4bK${random(1e9)}`;
  const answered = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), 5000);
    const listen = (data: Buffer): void => {
      if (!data.includes(branch)) return;
      clearTimeout(timer);
      socket.off('message', listen);
      resolve(true);
    };
    socket.on('message', listen);
  });
  const lines = [
    'OPTIONS sip:a@127.0.0.1 SIP/2.0',
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=${branch}`,
    'Max-Forwards: 70',
    'From: <sip:b@127.0.0.1>;tag=1',
    'To: <sip:a@127.0.0.1>',
    `Call-ID: ${branch}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '',
    '',
  ];
  socket.send(lines.join('\r\n'), portOf('udp'), '127.0.0.1');
  return answered;
}

describe('T3: mutated messages', () => {
  test('over UDP: the engine answers on, and nothing of it fails', async () => {
    const before = process.memoryUsage.rss();
    for (let sent = 0; sent < MESSAGES; sent += BATCH) {
      for (let i = 0; i < BATCH; i++) socket.send(mutate(pick(seeds)), portOf('udp'), '127.0.0.1');
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    expect(await isAlive()).toBe(true);
    expect(crash).toBeUndefined();
    expect(process.memoryUsage.rss() - before).toBeLessThan(1024 * 1024 * 1024);
  });

  test('over TCP: broken streams are closed, the engine answers on', async () => {
    for (let sent = 0; sent < 2000; sent++) {
      const stream = connect(portOf('tcp'), '127.0.0.1');
      stream.on('error', () => {});
      stream.write(Buffer.concat([mutate(pick(seeds)), mutate(pick(seeds))]));
      stream.end();
      if (sent % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await isAlive()).toBe(true);
    expect(crash).toBeUndefined();
  });
});
