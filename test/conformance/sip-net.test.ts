/** The SIP sockets, on real sockets. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Clock, silentLogger, systemClock } from '../../src/kernel/index.ts';
import type { EngineInput, Received, Refused, SendFailure, SendTarget } from '../../src/sip/engine/index.ts';
import { formatMessage, header, reasonPhrase, type SipMessage } from '../../src/sip/message/index.ts';
import { openSipNet, type SipNet, type SipNetOptions } from '../../src/sip/net/index.ts';
import { TORTURE, tortureMessage } from '../support/torture.ts';
import { until } from '../support/until.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

type Transport = 'udp' | 'tcp' | 'ws';

/** Stands in the engine's place: notes what comes, and answers refusals as the engine does. */
class Notes implements EngineInput {
  readonly messages: Received[] = [];
  readonly refusals: Refused[] = [];
  readonly closed: number[] = [];
  net: SipNet | undefined;
  received(received: Received): void {
    this.messages.push(received);
  }
  refused(refused: Refused): void {
    this.refusals.push(refused);
    const { flow, status, reason, request } = refused;
    const kept = request.headers.filter(({ name }) => ['Via', 'From', 'To', 'Call-ID', 'CSeq'].includes(name));
    const answer: SipMessage = { kind: 'response', status, reason, headers: kept, body: Buffer.alloc(0) };
    const { transport, listenerId, remoteAddress: address, remotePort: port, connectionId } = flow;
    this.net?.send({ transport, listenerId, address, port, connectionId }, formatMessage(answer), () => {});
  }
  connectionClosed(connectionId: number): void {
    this.closed.push(connectionId);
  }
  appConnected(): void {}
  appCommand(): void {}
  appClosed(): void {}
}

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const action of undo.splice(0).toReversed()) await action();
});

interface Opened {
  readonly net: SipNet;
  readonly notes: Notes;
  readonly port: (transport: Transport) => number;
}

async function open(
  transports: readonly Transport[],
  more: Partial<SipNetOptions> & { address?: string; clock?: Clock } = {},
): Promise<Opened> {
  const notes = new Notes();
  const address = more.address ?? '127.0.0.1';
  const listeners = transports.map((transport) => ({ transport, address, port: 0 }));
  const net = await openSipNet({ listeners, input: notes, clock: systemClock, logger: silentLogger, ...more });
  notes.net = net;
  undo.push(() => net.close());
  return { net, notes, port: (transport) => net.listeners.find((one) => one.transport === transport)?.port ?? 0 };
}

function options(transport: string, id: string, more = ''): string {
  return (
    `OPTIONS sip:gw@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/${transport} peer.invalid;branch=z9hG4bK${id};rport\r\n` +
    `From: <sip:a@example.com>;tag=1\r\nTo: <sip:gw@127.0.0.1>\r\nCall-ID: ${id}\r\nCSeq: 1 OPTIONS\r\n` +
    `Max-Forwards: 70\r\n${more}Content-Length: 0\r\n\r\n`
  );
}

async function udpPeer(address = '127.0.0.1'): Promise<{ socket: UdpSocket; got: string[]; port: number }> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  const got: string[] = [];
  socket.on('message', (data) => got.push(String(data)));
  undo.push(() => socket.close());
  return { socket, got, port: socket.address().port };
}

interface TcpPeer {
  readonly socket: Socket;
  readonly text: () => string;
  readonly isClosed: () => boolean;
}

function watch(socket: Socket): TcpPeer {
  let text = '';
  let isClosed = false;
  socket.on('data', (chunk: Buffer) => {
    text += String(chunk);
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
  });
  undo.push(() => socket.destroy());
  return { socket, text: () => text, isClosed: () => isClosed };
}

async function tcpPeer(port: number, host = '127.0.0.1'): Promise<TcpPeer> {
  const socket = connect({ port, host });
  const peer = watch(socket);
  await once(socket, 'connect');
  return peer;
}

async function tcpServer(): Promise<{ server: Server; port: number; peers: TcpPeer[] }> {
  const peers: TcpPeer[] = [];
  const server = createServer((socket) => peers.push(watch(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(() => server.close());
  const bound = server.address();
  return { server, port: typeof bound === 'object' ? (bound?.port ?? 0) : 0, peers };
}

interface WsPeer {
  readonly socket: WebSocket;
  readonly got: { readonly text: string; readonly isBinary: boolean }[];
}

async function wsPeer(
  port: number,
  protocols: string[] = ['sip'],
  more: Record<string, unknown> = {},
): Promise<WsPeer> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, protocols, more);
  const got: { text: string; isBinary: boolean }[] = [];
  socket.on('message', (data: Buffer, isBinary: boolean) => got.push({ text: String(data), isBinary }));
  socket.on('error', () => {});
  undo.push(() => socket.terminate());
  await once(socket, 'open');
  return { socket, got };
}

async function upgradeStatus(port: number, protocols: string[], headers: Record<string, string> = {}): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, protocols, { headers });
  return new Promise((resolve) => {
    socket.on('error', () => {});
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on('open', () => {
      resolve(101);
      socket.terminate();
    });
  });
}

const within = (what: string): { within: number; what: string } => ({ within: 3000, what });
const failure = (net: SipNet, target: SendTarget, data = Buffer.from('x')): Promise<SendFailure> =>
  new Promise((resolve) => net.send(target, data, resolve));
const to = (transport: 'udp' | 'tcp', port: number, address = '127.0.0.1'): SendTarget => ({
  transport,
  listenerId: 1,
  address,
  port,
  connectionId: undefined,
});

describe('UDP', () => {
  it('hands over a message with its flow, rport and received, and sends back', async () => {
    const { net, notes, port } = await open(['udp']);
    const peer = await udpPeer();
    const text = options('UDP', 'one');
    peer.socket.send(text, port('udp'), '127.0.0.1');
    const received = await until(() => notes.messages[0], within('the message'));
    expect(received.flow).toEqual({
      transport: 'udp',
      listenerId: 1,
      localAddress: '127.0.0.1',
      localPort: port('udp'),
      remoteAddress: '127.0.0.1',
      remotePort: peer.port,
      connectionId: undefined,
    });
    expect(received.data.length).toBe(text.length);
    expect(header(received.message, 'Via')).toBe(
      `SIP/2.0/UDP peer.invalid;branch=z9hG4bKone;rport=${peer.port};received=127.0.0.1`,
    );
    net.send(to('udp', peer.port), Buffer.from('answer'), () => {});
    await until(() => peer.got[0] === 'answer', within('the answer'));
    expect(net.counters).toMatchObject({ messagesIn: 1, messagesOut: 1 });
  });

  it('stays silent on keep-alives and noise', async () => {
    const { net, notes, port } = await open(['udp']);
    const peer = await udpPeer();
    for (const noise of ['\r\n\r\n', '', '\0\0\0\0', 'not SIP at all'])
      peer.socket.send(noise, port('udp'), '127.0.0.1');
    peer.socket.send(options('UDP', 'after'), port('udp'), '127.0.0.1');
    await until(() => notes.messages.length === 1, within('the message'));
    expect(peer.got).toEqual([]);
    expect(net.counters).toMatchObject({ dropped: 1, refused: 0 });
  });

  it.each(['::1', '::'])('speaks IPv6 on %s', async (address) => {
    const { net, notes, port } = await open(['udp'], { address });
    const peer = await udpPeer('::1');
    peer.socket.send(options('UDP', 'six'), port('udp'), '::1');
    const received = await until(() => notes.messages[0], within('the message'));
    expect(received.flow.remoteAddress).toBe('::1');
    expect(header(received.message, 'Via')).toContain(';received=::1');
    net.send(to('udp', peer.port, '[::1]'), Buffer.from('answer'), () => {});
    await until(() => peer.got[0], within('the answer'));
  });

  it.each(['udp', 'tcp', 'ws'] as const)('leaves IPv4 to another listener on the same %s port', async (transport) => {
    const { port } = await open([transport], { address: '::' });
    const four = { transport, address: '0.0.0.0', port: port(transport) };
    const both = await open([], { listeners: [four] });
    expect(both.port(transport)).toBe(port(transport));
    expect(both.net.listeners[0]?.advertisedAddress).toMatch(/^[\d.]+$/);
  });

  it('fails, later, for an address that is no number or cannot be reached', async () => {
    const { net } = await open(['udp']);
    let isLater = false;
    const failed = failure(net, to('udp', 5060, 'name.invalid')).finally(() => expect(isLater).toBe(true));
    isLater = true;
    expect(await failed).toBe('unreachable');
    expect(await failure(net, to('udp', 5060), Buffer.alloc(70_000))).toBe('unreachable');
    expect(await failure(net, { ...to('udp', 5060), listenerId: 9 })).toBe('unreachable');
  });
});

describe('TCP', () => {
  it('T7: reads a message split at every byte', async () => {
    // Hundreds of messages at once from one source are a flood elsewhere.
    const { notes, port } = await open(['tcp'], { limits: { flood: undefined } });
    const whole = Buffer.from(options('TCP', 'split'));
    const peers = await Promise.all([1, 80, 200].map(() => tcpPeer(port('tcp'))));
    for (let cut = 1; cut < whole.length; cut++) {
      const { socket } = peers[cut % peers.length]!;
      socket.write(whole.subarray(0, cut));
      await new Promise(setImmediate);
      socket.write(whole.subarray(cut));
    }
    await until(() => notes.messages.length === whole.length - 1, within('all messages'));
    const slow = await tcpPeer(port('tcp'));
    for (const byte of whole) {
      slow.socket.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    await until(() => notes.messages.length === whole.length, within('the message sent byte by byte'));
    expect(notes.refusals).toEqual([]);
  });

  it('reads pipelined messages and answers keep-alives between them', async () => {
    const { notes, port } = await open(['tcp']);
    const peer = await tcpPeer(port('tcp'));
    peer.socket.write(`${options('TCP', 'a')}\r\n\r\n${options('TCP', 'b')}`);
    await until(() => notes.messages.length === 2, within('both messages'));
    await until(() => peer.text() !== '', within('the pong'));
    expect(peer.text()).toBe('\r\n');
  });

  it('sends over the connection a peer opened, by id and by address', async () => {
    const { net, notes, port } = await open(['tcp']);
    const peer = await tcpPeer(port('tcp'));
    peer.socket.write(options('TCP', 'reuse'));
    const { flow } = await until(() => notes.messages[0], within('the message'));
    net.send({ ...to('tcp', 1), connectionId: flow.connectionId }, Buffer.from('by id,'), () => {});
    net.send(to('tcp', flow.remotePort), Buffer.from('by address'), () => {});
    await until(() => peer.text() === 'by id,by address', within('both'));
    expect(net.counters.connectionsOpen).toBe(1);
  });

  it('opens a connection on demand, keeps the order, and reads what comes back on it', async () => {
    const { net, notes } = await open(['tcp']);
    const { port, peers } = await tcpServer();
    for (const text of ['1', '2', '3']) net.send(to('tcp', port), Buffer.from(text), () => {});
    const peer = await until(() => peers[0], within('the connection'));
    await until(() => peer.text() === '123', within('the messages'));
    expect(peers).toHaveLength(1);
    peer.socket.write(options('TCP', 'back'));
    const { flow } = await until(() => notes.messages[0], within('the message'));
    expect(flow).toMatchObject({
      transport: 'tcp',
      remoteAddress: '127.0.0.1',
      remotePort: port,
      localAddress: '127.0.0.1',
    });
  });

  it('says refused where nobody listens, and closed where the connection is gone', async () => {
    const { net, notes, port } = await open(['tcp']);
    const gone = await tcpServer();
    gone.server.close();
    expect(await failure(net, to('tcp', gone.port))).toBe('refused');
    const peer = await tcpPeer(port('tcp'));
    peer.socket.write(options('TCP', 'gone'));
    const { flow } = await until(() => notes.messages[0], within('the message'));
    peer.socket.destroy();
    await until(() => notes.closed.includes(flow.connectionId ?? 0), within('the news of its end'));
    expect(await failure(net, { ...to('tcp', 1), connectionId: flow.connectionId })).toBe('closed');
    expect(net.counters.connectionsOpen).toBe(0);
  });

  it('gives up connecting after its time', async () => {
    const clock = new VirtualClock();
    const { net } = await open(['tcp'], { clock });
    const { port } = await tcpServer();
    // Its whole time passes before the event loop can tell us that the peer has accepted.
    const failed = failure(net, to('tcp', port));
    clock.advance(5000);
    expect(await failed).toBe('unreachable');
  });

  it.each([
    ['no Content-Length', options('TCP', 'x').replace('Content-Length: 0\r\n', ''), 400],
    ['a wrong one', options('TCP', 'x').replace('Length: 0', 'Length: x'), 400],
    ['one too large', options('TCP', 'x').replace('Length: 0', 'Length: 99999999'), 513],
  ])('answers a request with %s, then closes', async (_what, text, status) => {
    const { notes, port } = await open(['tcp']);
    const peer = await tcpPeer(port('tcp'));
    peer.socket.write(text);
    await until(() => peer.isClosed(), within('the end'));
    expect(peer.text()).toMatch(new RegExp(`^SIP/2.0 ${status} `));
    expect(notes.messages).toEqual([]);
    await until(() => notes.closed.length === 1, within('the news of its end'));
  });

  it('closes on endless noise without an answer', async () => {
    const { net, port } = await open(['tcp'], { limits: { messageBytes: 4096 } });
    const peer = await tcpPeer(port('tcp'));
    peer.socket.write(Buffer.alloc(8192, 'x'));
    await until(() => peer.isClosed(), within('the end'));
    expect(peer.text()).toBe('');
    expect(net.counters).toMatchObject({ dropped: 1, connectionsOpen: 0 });
  });

  it('T7: limits connections, in all and per source', async () => {
    const { net, port } = await open(['tcp'], { limits: { connectionsPerSource: 2 } });
    const [one, two, three] = [await tcpPeer(port('tcp')), await tcpPeer(port('tcp')), await tcpPeer(port('tcp'))];
    await until(() => three.isClosed(), within('the third to be closed'));
    expect([one.isClosed(), two.isClosed()]).toEqual([false, false]);
    expect(net.counters).toMatchObject({ connectionsOpen: 2, connectionsRejected: 1 });
    one.socket.destroy();
    await until(() => net.counters.connectionsOpen === 1, within('the place to be free'));
    const four = await tcpPeer(port('tcp'));
    await until(() => net.counters.connectionsOpen === 2, within('the fourth to be accepted'));
    expect(four.isClosed()).toBe(false);
  });

  it('cuts off a peer that does not read', async () => {
    const { net, notes, port } = await open(['tcp'], { limits: { sendBufferBytes: 100_000 } });
    const peer = await tcpPeer(port('tcp'));
    peer.socket.write(options('TCP', 'deaf'));
    const { flow } = await until(() => notes.messages[0], within('the message'));
    peer.socket.pause();
    const failures: SendFailure[] = [];
    for (let round = 0; round < 2000 && failures.length === 0; round++) {
      net.send({ ...to('tcp', 1), connectionId: flow.connectionId }, Buffer.alloc(50_000), (why) => failures.push(why));
      await new Promise(setImmediate);
    }
    expect(failures[0]).toBe('closed');
    expect(notes.closed).toEqual([flow.connectionId]);
  });

  it('reaps the silent after 30 s, the slow after 30 s, the idle after 10 min', async () => {
    const clock = new VirtualClock();
    const { net, notes, port } = await open(['tcp'], { clock });
    const silent = await tcpPeer(port('tcp'));
    const slow = await tcpPeer(port('tcp'));
    const good = await tcpPeer(port('tcp'));
    slow.socket.write(options('TCP', 'slow'));
    slow.socket.write('OPTIONS sip:never');
    good.socket.write(options('TCP', 'good'));
    await until(() => notes.messages.length === 2, within('both messages'));
    await sleep(20);
    clock.advance(25_000);
    expect(net.counters.connectionsOpen).toBe(3);
    clock.advance(10_000);
    await until(() => silent.isClosed() && slow.isClosed(), within('both to be closed'));
    clock.advance(560_000);
    expect(net.counters.connectionsOpen).toBe(1);
    good.socket.write('\r\n\r\n');
    await until(() => good.text() === '\r\n', within('the pong'));
    clock.advance(590_000);
    expect(net.counters.connectionsOpen).toBe(1);
    clock.advance(20_000);
    await until(() => good.isClosed(), within('the idle one to be closed'));
    expect(net.counters.connectionsReaped).toBe(3);
    expect(notes.closed).toHaveLength(3);
  });

  it('T7: a call still gets through among hundreds of idle connections', async () => {
    const { net, notes, port } = await open(['tcp'], { limits: { connectionsPerSource: 500 } });
    await Promise.all(Array.from({ length: 300 }, () => tcpPeer(port('tcp'))));
    await until(() => net.counters.connectionsOpen === 300, within('all connections'));
    const start = performance.now();
    const peer = await tcpPeer(port('tcp'));
    peer.socket.write(options('TCP', 'legit'));
    await until(() => notes.messages[0], within('the message'));
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it.each(['::1', '::'])('speaks IPv6 on %s', async (address) => {
    const { notes, port } = await open(['tcp'], { address });
    const peer = await tcpPeer(port('tcp'), '::1');
    peer.socket.write(options('TCP', 'six'));
    const { flow } = await until(() => notes.messages[0], within('the message'));
    expect(flow).toMatchObject({ remoteAddress: '::1', localAddress: '::1' });
  });
});

describe('WebSocket (RFC 7118)', () => {
  it('takes one message per frame, text or binary, and answers in text', async () => {
    const { net, notes, port } = await open(['ws']);
    const peer = await wsPeer(port('ws'));
    expect(peer.socket.protocol).toBe('sip');
    peer.socket.send(options('WS', 'text'));
    peer.socket.send(Buffer.from(options('WS', 'binary')));
    await until(() => notes.messages.length === 2, within('both messages'));
    const { flow, message } = notes.messages[0]!;
    expect(flow).toMatchObject({ transport: 'ws', remoteAddress: '127.0.0.1', localPort: port('ws') });
    expect(header(message, 'Via')).toContain(';received=127.0.0.1');
    const target: SendTarget = { ...to('tcp', 1), transport: 'ws', connectionId: flow.connectionId };
    net.send(target, Buffer.from('answer ж'), () => {});
    net.send(target, Buffer.from([0x80, 0xff]), () => {});
    await until(() => peer.got.length === 2, within('both answers'));
    expect(peer.got[0]).toEqual({ text: 'answer ж', isBinary: false });
    expect(peer.got[1]?.isBinary).toBe(true);
  });

  it('answers a keep-alive with a line break in a text frame', async () => {
    const { net, port } = await open(['ws']);
    const peer = await wsPeer(port('ws'));
    peer.socket.send('\r\n\r\n');
    await until(() => peer.got.length === 1, within('the pong'));
    expect(peer.got).toEqual([{ text: '\r\n', isBinary: false }]);
    expect(net.counters.dropped).toBe(0);
  });

  it('accepts the subprotocol sip or none, and no other', async () => {
    const { net, port } = await open(['ws']);
    expect(await upgradeStatus(port('ws'), [])).toBe(101);
    expect(await upgradeStatus(port('ws'), ['xmpp', 'sip'])).toBe(101);
    expect(await upgradeStatus(port('ws'), ['xmpp'])).toBe(400);
    expect(net.counters.connectionsRejected).toBe(1);
  });

  it('T30: lets in the allowed origins, and clients that are no web page', async () => {
    const { port } = await open(['ws'], { allowedOrigins: ['https://phone.example'] });
    expect(await upgradeStatus(port('ws'), ['sip'], { Origin: 'https://phone.example' })).toBe(101);
    expect(await upgradeStatus(port('ws'), ['sip'], { Origin: 'https://evil.example' })).toBe(403);
    expect(await upgradeStatus(port('ws'), ['sip'])).toBe(101);
  });

  it('T32: closes on a frame beyond the limit and offers no compression', async () => {
    const { notes, port } = await open(['ws']);
    const peer = await wsPeer(port('ws'));
    expect(peer.socket.extensions).toBe('');
    const closed = once(peer.socket, 'close');
    peer.socket.send('x'.repeat(65_537));
    expect((await closed)[0]).toBe(1009);
    await until(() => notes.closed.length === 1, within('the news of its end'));
  });

  it('answers plain HTTP with 426', async () => {
    const { port } = await open(['ws']);
    const response = await fetch(`http://127.0.0.1:${port('ws')}/`);
    expect(response.status).toBe(426);
  });

  it('says closed, later, when the browser has gone, and cannot call one', async () => {
    const { net, notes, port } = await open(['ws']);
    const peer = await wsPeer(port('ws'));
    peer.socket.send(options('WS', 'gone'));
    const { flow } = await until(() => notes.messages[0], within('the message'));
    peer.socket.terminate();
    await until(() => notes.closed.length === 1, within('the news of its end'));
    const target: SendTarget = { ...to('tcp', 1), transport: 'ws', connectionId: flow.connectionId };
    expect(await failure(net, target)).toBe('closed');
    expect(await failure(net, { ...target, connectionId: undefined })).toBe('unreachable');
  });

  it('pings every 30 s and buries a peer that does not answer', async () => {
    const clock = new VirtualClock();
    const { net, notes, port } = await open(['ws'], { clock });
    const alive = await wsPeer(port('ws'));
    const dead = await wsPeer(port('ws'), ['sip'], { autoPong: false });
    let pings = 0;
    alive.socket.on('ping', () => pings++);
    for (const peer of [alive, dead]) peer.socket.send(options('WS', 'p'));
    await until(() => notes.messages.length === 2, within('both messages'));
    for (let round = 1; round <= 3; round++) {
      clock.advance(30_000);
      await until(() => pings === round, within('the ping'));
      await sleep(20);
    }
    await until(() => dead.socket.readyState === WebSocket.CLOSED, within('the dead one to be closed'));
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
    expect(net.counters.connectionsOpen).toBe(1);
  });

  it('believes a front with the right secret, and nobody else', async () => {
    const { notes, port } = await open(['ws'], { frontSecret: 'right' });
    const claims = { 'x-forwarded-for': '2001:db8::7', 'x-forwarded-port': '40000', 'x-forwarded-proto': 'https' };
    for (const secret of ['right', 'wrong', 'r']) {
      const peer = await wsPeer(port('ws'), ['sip'], { headers: { ...claims, 'x-viaduct-front': secret } });
      peer.socket.send(options('WSS', secret));
    }
    const bare = await wsPeer(port('ws'), ['sip'], { headers: claims });
    bare.socket.send(options('WS', 'bare'));
    await until(() => notes.messages.length === 4, within('all messages'));
    const seen = Object.fromEntries(
      notes.messages.map(({ flow, message }) => [
        header(message, 'Call-ID'),
        `${flow.transport} ${flow.remoteAddress}`,
      ]),
    );
    expect(seen).toEqual({ right: 'wss 2001:db8::7', wrong: 'ws 127.0.0.1', r: 'ws 127.0.0.1', bare: 'ws 127.0.0.1' });
    expect(notes.messages.find(({ flow }) => flow.transport === 'wss')?.flow.remotePort).toBe(40_000);
  });
});

describe('T1: RFC 4475 on every transport', () => {
  const textOf = (owed: string | number): string => (typeof owed === 'number' ? String(owed) : owed);

  it('over UDP', async () => {
    const { notes, port } = await open(['udp']);
    const seen: Record<string, string> = {};
    const peer = await udpPeer();
    for (const { name } of TORTURE) {
      const [messages, refusals] = [notes.messages.length, notes.refusals.length];
      peer.socket.send(tortureMessage(name), port('udp'), '127.0.0.1');
      peer.socket.send(options('UDP', `after-${name}`), port('udp'), '127.0.0.1');
      await until(() => header(notes.messages.at(-1)?.message ?? EMPTY, 'Call-ID') === `after-${name}`, within(name));
      const refused = notes.refusals[refusals]?.status;
      seen[name] = textOf(refused ?? (notes.messages.length - messages === 2 ? 'accepted' : 'dropped'));
    }
    expect(seen).toEqual(Object.fromEntries(TORTURE.map(({ name, owed }) => [name, textOf(owed)])));
    await until(() => peer.got.length === notes.refusals.length, within('all refusals'));
    expect(peer.got.every((text) => text.startsWith('SIP/2.0 '))).toBe(true);
  });

  it('over WebSocket', async () => {
    const { notes, port } = await open(['ws']);
    const seen: Record<string, string> = {};
    const peer = await wsPeer(port('ws'));
    for (const { name } of TORTURE) {
      const [messages, refusals] = [notes.messages.length, notes.refusals.length];
      peer.socket.send(tortureMessage(name));
      peer.socket.send(options('WS', `after-${name}`));
      await until(() => header(notes.messages.at(-1)?.message ?? EMPTY, 'Call-ID') === `after-${name}`, within(name));
      const refused = notes.refusals[refusals]?.status;
      seen[name] = textOf(refused ?? (notes.messages.length - messages === 2 ? 'accepted' : 'dropped'));
    }
    expect(seen).toEqual(Object.fromEntries(TORTURE.map(({ name, owed }) => [name, textOf(owed)])));
  });

  it('over TCP', async () => {
    const clock = new VirtualClock();
    const { net, notes, port } = await open(['tcp'], { clock });
    const seen: Record<string, string> = {};
    for (const { name, onStream } of TORTURE) {
      const [messages, refusals, dropped] = [notes.messages.length, notes.refusals.length, net.counters.dropped];
      const peer = await tcpPeer(port('tcp'));
      peer.socket.write(tortureMessage(name));
      const isSeen = (): string | undefined => {
        if (notes.refusals.length > refusals) return String(notes.refusals[refusals]?.status);
        if (notes.messages.length > messages) return 'accepted';
        return net.counters.dropped > dropped ? 'dropped' : undefined;
      };
      seen[name] = await until(isSeen, { within: onStream === 'waits' ? 150 : 3000, what: name, every: 2 }).catch(
        () => 'waits',
      );
      if (seen[name] === 'waits') {
        clock.advance(40_000);
        await until(() => peer.isClosed(), within(`${name} to be cut off`));
      }
      peer.socket.destroy();
    }
    expect(seen).toEqual(
      Object.fromEntries(TORTURE.map(({ name, owed, onStream }) => [name, textOf(onStream ?? owed)])),
    );
  });
});

/** What keeps the process alive. Timers are the runner's too; ours all belong to the Clock. */
function handles(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => kind !== 'Timeout' && kind !== 'Immediate')
    .toSorted();
}

const EMPTY: SipMessage = {
  kind: 'response',
  status: 100,
  reason: reasonPhrase(100),
  headers: [],
  body: Buffer.alloc(0),
};

describe('SipNet', () => {
  it('resolves names, and returns numbers as they are', async () => {
    const { net } = await open([]);
    expect(await net.resolve('192.0.2.7')).toEqual(['192.0.2.7']);
    expect(await net.resolve('[2001:db8::1]')).toEqual(['2001:db8::1']);
    expect(await net.resolve('localhost')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^(127\.0\.0\.1|::1)$/)]),
    );
    await expect(net.resolve('no..body')).rejects.toMatchObject({ syscall: 'getaddrinfo' });
  });

  it('tells peers the external address where there is one, and never a wildcard', async () => {
    const notes = new Notes();
    const common = { input: notes, clock: systemClock, logger: silentLogger };
    const net = await openSipNet({
      listeners: [
        { transport: 'udp', address: '127.0.0.1', port: 0, advertisedAddress: '198.51.100.1', advertisedPort: 5060 },
        { transport: 'udp', address: '0.0.0.0', port: 0 },
      ],
      ...common,
    });
    undo.push(() => net.close());
    expect(net.listeners[0]).toMatchObject({ id: 1, advertisedAddress: '198.51.100.1', advertisedPort: 5060 });
    expect(net.listeners[1]?.advertisedAddress).not.toBe('0.0.0.0');
    expect(net.listeners[1]?.advertisedPort).toBe(net.listeners[1]?.port);
  });

  it.each(['udp', 'tcp', 'ws'] as const)(
    'names the %s port that is taken, and leaves nothing open',
    async (transport) => {
      const { port } = await open([transport]);
      const before = process.getActiveResourcesInfo().length;
      const taken = { transport, address: '127.0.0.1', port: port(transport) };
      const first = { transport: 'udp', address: '127.0.0.1', port: 0 } as const;
      const opening = openSipNet({
        listeners: [first, taken],
        input: new Notes(),
        clock: systemClock,
        logger: silentLogger,
      });
      await expect(opening).rejects.toMatchObject({
        code: 'SIP_LISTENER_FAILED',
        message: expect.stringContaining('EADDRINUSE'),
      });
      await until(() => process.getActiveResourcesInfo().length <= before, within('the sockets to be closed'));
    },
  );

  it('survives an engine that throws', async () => {
    const { net, notes, port } = await open(['udp']);
    const peer = await udpPeer();
    notes.received = () => {
      throw new Error('a fault');
    };
    peer.socket.send(options('UDP', 'boom'), port('udp'), '127.0.0.1');
    peer.socket.send(options('UDP', 'again'), port('udp'), '127.0.0.1');
    await until(() => net.counters.messagesIn === 2, within('both messages'));
    expect(net.counters.refused).toBe(0);
  });

  it('closes everything: no socket, timer or news is left', async () => {
    await sleep(50);
    const before = handles();
    const clock = new VirtualClock();
    const { net, notes, port } = await open(['udp', 'tcp', 'ws'], { clock });
    const peer = await tcpPeer(port('tcp'));
    const browser = await wsPeer(port('ws'));
    peer.socket.write(options('TCP', 'x'));
    browser.socket.send(options('WS', 'x'));
    await until(() => notes.messages.length === 2, within('both messages'));
    const { port: silentPort } = await tcpServer();
    net.send({ ...to('tcp', silentPort), listenerId: 2 }, Buffer.from('x'), () => {});
    await net.close();
    await until(() => peer.isClosed() && browser.socket.readyState === WebSocket.CLOSED, within('the peers to notice'));
    expect(notes.closed).toEqual([]);
    expect(clock.timerCount).toBe(0);
    expect(await failure(net, to('tcp', silentPort))).toBe('closed');
    for (const action of undo.splice(0).toReversed()) await action();
    await sleep(100);
    expect(handles()).toEqual(before);
  });
});
