/** SIP over TLS and WSS on real sockets, with certificates made for the test. RFC 5922, RFC 8996. */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { silentLogger, systemClock } from '../../src/kernel/index.ts';
import type { EngineInput, Received, SendFailure, SendTarget } from '../../src/sip/engine/index.ts';
import { openSipNet, type SipNet, type SipNetOptions, type TlsServerMaterial } from '../../src/sip/net/index.ts';
import { type Authority, createAuthority, type Pair } from '../support/certificates.ts';
import { until } from '../support/until.ts';

class Notes implements EngineInput {
  readonly messages: Received[] = [];
  readonly closed: number[] = [];
  received(received: Received): void {
    this.messages.push(received);
  }
  refused(): void {}
  connectionClosed(connectionId: number): void {
    this.closed.push(connectionId);
  }
  appConnected(): void {}
  appCommand(): void {}
  appClosed(): void {}
}

let authority: Authority;
let stranger: Authority;
let own: Pair;
let carrier: Pair;
const undo: (() => unknown)[] = [];

beforeAll(async () => {
  authority = await createAuthority();
  stranger = await createAuthority('Somebody');
  own = await authority.issue({ dns: ['gw.example'], ip: ['127.0.0.1', '::1'] });
  carrier = await authority.issue({ dns: ['sip.carrier.example'], ip: ['127.0.0.1'] });
});
afterEach(async () => {
  for (const action of undo.splice(0).toReversed()) await action();
});

const within = (what: string): { within: number; what: string } => ({ within: 3000, what });

async function open(
  transport: 'tls' | 'wss',
  material: Partial<TlsServerMaterial> = {},
  more: Partial<SipNetOptions> & { address?: string } = {},
): Promise<{ net: SipNet; notes: Notes; port: number }> {
  const notes = new Notes();
  const listener = { transport, address: more.address ?? '127.0.0.1', port: 0, tls: { ...own, ...material } };
  const net = await openSipNet({
    listeners: [listener],
    input: notes,
    clock: systemClock,
    logger: silentLogger,
    ...more,
  });
  undo.push(() => net.close());
  return { net, notes, port: net.listeners[0]?.port ?? 0 };
}

function options(transport: string, id: string): string {
  return (
    `OPTIONS sip:gw@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/${transport} peer.invalid;branch=z9hG4bK${id};rport\r\n` +
    `From: <sip:a@example.com>;tag=1\r\nTo: <sip:gw@127.0.0.1>\r\nCall-ID: ${id}\r\nCSeq: 1 OPTIONS\r\n` +
    `Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n`
  );
}

interface Peer {
  readonly socket: TLSSocket;
  readonly text: () => string;
  readonly isClosed: () => boolean;
}

async function peerOf(port: number, more: ConnectionOptions = {}): Promise<Peer> {
  const socket = connect({ host: '127.0.0.1', port, ca: authority.ca, ...more });
  let text = '';
  let isClosed = false;
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
  });
  undo.push(() => socket.destroy());
  await new Promise((resolve) => socket.on('secureConnect', resolve).on('close', resolve));
  return { socket, text: () => text, isClosed: () => isClosed };
}

/** A TLS server that notes what arrives and which certificate it was shown. */
async function carrierServer(
  pair: Pair,
  host = '127.0.0.1',
): Promise<{ port: number; texts: string[]; shown: string[]; sockets: TLSSocket[] }> {
  const texts: string[] = [];
  const shown: string[] = [];
  const sockets: TLSSocket[] = [];
  const server = createServer(
    { cert: pair.certificate, key: pair.key, requestCert: true, rejectUnauthorized: false, ca: authority.ca },
    (socket) => {
      sockets.push(socket);
      const given = socket.getPeerCertificate();
      shown.push(socket.authorized && 'subjectaltname' in given ? (given.subjectaltname ?? '') : 'nothing');
      socket.on('error', () => {});
      socket.on('data', (chunk) => texts.push(String(chunk)));
    },
  );
  server.on('tlsClientError', () => {});
  server.listen(0, host);
  await once(server, 'listening');
  undo.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const at = server.address();
  return { port: typeof at === 'object' ? (at?.port ?? 0) : 0, texts, shown, sockets };
}

const to = (port: number, more: Partial<SendTarget> = {}): SendTarget => ({
  transport: 'tls',
  listenerId: 1,
  address: '127.0.0.1',
  port,
  connectionId: undefined,
  ...more,
});
const failure = (net: SipNet, target: SendTarget): Promise<SendFailure> =>
  new Promise((resolve) => net.send(target, Buffer.from('x'), resolve));

describe('a TLS listener', () => {
  it.each(['127.0.0.1', '::1'])('takes messages and answers on the connection (%s)', async (host) => {
    const { net, notes, port } = await open('tls', {}, { address: host });
    const peer = await peerOf(port, { host });
    expect(peer.socket.authorized).toBe(true);
    peer.socket.write(options('TLS', 'one'));
    const { flow } = await until(() => notes.messages[0], within('the message'));
    expect(flow).toMatchObject({ transport: 'tls', remoteAddress: host, remotePort: peer.socket.localPort });
    expect(flow.peerNames).toBeUndefined();
    net.send(to(1, { connectionId: flow.connectionId }), Buffer.from('answer'), () => {});
    await until(() => peer.text() === 'answer', within('the answer'));
    peer.socket.write('\r\n\r\n');
    await until(() => peer.text() === 'answer\r\n', within('the pong'));
    peer.socket.destroy();
    await until(() => notes.closed.includes(flow.connectionId ?? 0), within('the news of its end'));
  });

  it('refuses what is older than TLS 1.2, and goes on', async () => {
    const { port } = await open('tls');
    const old = await peerOf(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' });
    await until(() => old.isClosed(), within('the refusal'));
    expect(old.socket.authorized).toBe(false);
    const plain = connectTcp(port, '127.0.0.1');
    undo.push(() => plain.destroy());
    plain.on('error', () => {});
    plain.write(options('TCP', 'plain'));
    await once(plain, 'close');
    expect((await peerOf(port, { maxVersion: 'TLSv1.2' })).socket.getProtocol()).toBe('TLSv1.2');
  });

  it('gives new connections the new certificate, and leaves old ones alone', async () => {
    const { net, notes, port } = await open('tls');
    const before = await peerOf(port);
    const fresh = await authority.issue({ dns: ['new.example'], ip: ['127.0.0.1'] });
    net.updateTls({ listeners: [fresh], peers: [] });
    const after = await peerOf(port);
    expect(before.socket.getPeerCertificate().subjectaltname).toContain('gw.example');
    expect(after.socket.getPeerCertificate().subjectaltname).toContain('new.example');
    before.socket.write(options('TLS', 'before'));
    await until(() => notes.messages.length === 1, within('the message over the old connection'));
    net.updateTls({ listeners: [{ certificate: 'nonsense', key: 'nonsense' }], peers: [] });
    expect((await peerOf(port)).socket.getPeerCertificate().subjectaltname).toContain('new.example');
  });

  it('knows who shows a certificate of a client authority, and nobody else', async () => {
    const { notes, port } = await open('tls', { clientCa: authority.ca });
    const foreign = await stranger.issue({ dns: ['sip.carrier.example'] });
    const show = (pair: Pair): ConnectionOptions => ({ cert: pair.certificate, key: pair.key });
    for (const [id, more] of [
      ['known', show(carrier)],
      ['foreign', show(foreign)],
      ['none', {}],
    ] as const) {
      (await peerOf(port, more)).socket.write(options('TLS', id));
      await until(() => notes.messages.length > 0, within(id));
      const { flow } = notes.messages.pop()!;
      expect(flow.peerNames).toEqual(id === 'known' ? ['sip.carrier.example', '127.0.0.1'] : undefined);
    }
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('knows a peer that resumes its session (%s)', async (maxVersion) => {
    const { notes, port } = await open('tls', { clientCa: authority.ca });
    const shown = { cert: carrier.certificate, key: carrier.key, maxVersion };
    const first = await peerOf(port, shown);
    let session: Buffer | undefined = first.socket.getSession();
    first.socket.on('session', (given: Buffer) => {
      session = given;
    });
    first.socket.write(options('TLS', 'first'));
    await until(() => notes.messages.length === 1, within('the first message'));
    await sleep(20);
    first.socket.destroy();
    const again = await peerOf(port, { ...shown, ...(session === undefined ? {} : { session }) });
    expect(again.socket.isSessionReused()).toBe(true);
    again.socket.write(options('TLS', 'again'));
    const { flow } = await until(() => notes.messages[1], within('the message'));
    expect(flow.peerNames).toEqual(['sip.carrier.example', '127.0.0.1']);
  });

  it('lets nobody in without one where it is required', async () => {
    const { notes, port } = await open('tls', { clientCa: authority.ca, requiresClient: true });
    const without = await peerOf(port);
    without.socket.write(options('TLS', 'without'));
    await until(() => without.isClosed(), within('the refusal'));
    const known = await peerOf(port, { cert: carrier.certificate, key: carrier.key });
    known.socket.write(options('TLS', 'known'));
    await until(() => notes.messages.length === 1, within('the message'));
    expect(notes.messages[0]?.message.headers.find(({ name }) => name === 'Call-ID')?.value).toBe('known');
  });

  it('T7: counts connections before their handshake', async () => {
    const { net, port } = await open('tls', {}, { limits: { connectionsPerSource: 2 } });
    const raw = [1, 2, 3].map(() => connectTcp(port, '127.0.0.1'));
    let closed = 0;
    for (const socket of raw) {
      socket.on('error', () => {});
      socket.on('close', () => {
        closed += 1;
      });
      undo.push(() => socket.destroy());
    }
    await until(() => closed === 1, within('the third to be closed'));
    await sleep(50);
    expect(closed).toBe(1);
    for (const socket of raw) socket.destroy();
    await until(() => closed === 3, within('all to be closed'));
    expect((await peerOf(port)).socket.authorized).toBe(true);
    await until(() => net.counters.connectionsOpen === 1, within('the connection'));
  });
});

describe('connecting by TLS', () => {
  const peers = (more: object): Partial<SipNetOptions> => ({
    tlsPeers: [{ hosts: ['sip.carrier.example'], verify: true, ca: authority.ca, ...more }],
  });
  const named = { serverName: 'sip.carrier.example' };

  it('sends to the one the certificate names, shows ours, and uses the connection again', async () => {
    const { net, notes } = await open('tls', {}, peers({}));
    const { port, texts, shown, sockets } = await carrierServer(carrier);
    for (const text of ['1', '2']) net.send(to(port, named), Buffer.from(text), () => {});
    await until(() => texts.join('') === '12', within('both messages'));
    expect(sockets).toHaveLength(1);
    expect(sockets[0]?.servername).toBe('sip.carrier.example');
    expect(shown[0]).toContain('gw.example');
    sockets[0]?.write(options('TLS', 'back'));
    const { flow } = await until(() => notes.messages[0], within('the message'));
    expect(flow).toMatchObject({ transport: 'tls', serverName: 'sip.carrier.example', remotePort: port });
  });

  it('sends nothing where another name, a foreign authority or nothing is shown', async () => {
    const { net } = await open('tls', {}, peers({}));
    const other = await carrierServer(await authority.issue({ dns: ['other.example'] }));
    const foreign = await carrierServer(await stranger.issue({ dns: ['sip.carrier.example'] }));
    expect(await failure(net, to(other.port, named))).toBe('unreachable');
    expect(await failure(net, to(foreign.port, named))).toBe('unreachable');
    const rightful = await carrierServer(carrier);
    // Without an override the system's authorities count, and ours is none of them.
    expect(await failure(net, to(rightful.port, { serverName: 'gw.carrier.example' }))).toBe('unreachable');
    expect([...other.texts, ...foreign.texts, ...rightful.texts]).toEqual([]);
  });

  it('does not take a connection to one name for one to another', async () => {
    const { net } = await open(
      'tls',
      {},
      {
        tlsPeers: ['sip.carrier.example', 'b.example'].map((host) => ({
          hosts: [host],
          verify: true,
          ca: authority.ca,
        })),
      },
    );
    const { port, texts } = await carrierServer(carrier);
    net.send(to(port, named), Buffer.from('a'), () => {});
    await until(() => texts.length === 1, within('the message'));
    expect(await failure(net, to(port, { serverName: 'b.example' }))).toBe('unreachable');
  });

  it('obeys the overrides of a peer: name, certificate, no check at all', async () => {
    const wild = await authority.issue({ dns: ['*.carrier.example'] });
    const { port, texts, shown } = await carrierServer(wild);
    const strict = await open('tls', {}, peers({}));
    // RFC 5922 §7.2: a wildcard matches nothing but itself.
    expect(await failure(strict.net, to(port, named))).toBe('unreachable');
    const wilful = await open('tls', {}, peers({ serverName: '*.carrier.example', ...carrier }));
    wilful.net.send(to(port, named), Buffer.from('named'), () => {});
    await until(() => texts.includes('named'), within('the message'));
    expect(shown[0]).toContain('sip.carrier.example');
    const careless = await open('tls', {}, peers({ verify: false, ca: stranger.ca }));
    careless.net.send(to(port, named), Buffer.from('unchecked'), () => {});
    await until(() => texts.includes('unchecked'), within('the message'));
  });

  it('checks the address where there is no name', async () => {
    const { net } = await open('tls', {}, { tlsPeers: [{ hosts: ['127.0.0.1'], verify: true, ca: authority.ca }] });
    const right = await carrierServer(carrier);
    net.send(to(right.port), Buffer.from('here'), () => {});
    await until(() => right.texts[0] === 'here', within('the message'));
    const wrong = await carrierServer(await authority.issue({ ip: ['192.0.2.1'] }));
    expect(await failure(net, to(wrong.port))).toBe('unreachable');
  });

  it('says refused where nobody listens', async () => {
    const { net } = await open('tls');
    const probe = connectTcp(1, '127.0.0.1');
    probe.on('error', () => {});
    expect(await failure(net, to(1))).toBe('refused');
  });
});

describe('a WSS listener', () => {
  it('speaks RFC 7118 over TLS, with a certificate that can be exchanged', async () => {
    const { net, notes, port } = await open('wss', { clientCa: authority.ca });
    const connectWs = async (more: object = {}): Promise<WebSocket> => {
      const socket = new WebSocket(`wss://127.0.0.1:${port}/`, ['sip'], { ca: authority.ca, ...more });
      undo.push(() => socket.terminate());
      socket.on('error', () => {});
      await once(socket, 'open');
      return socket;
    };
    const socket = await connectWs({ cert: carrier.certificate, key: carrier.key });
    socket.send(options('WSS', 'one'));
    const { flow } = await until(() => notes.messages[0], within('the message'));
    expect(flow).toMatchObject({ transport: 'wss', remoteAddress: '127.0.0.1' });
    expect(flow.peerNames).toContain('sip.carrier.example');
    const answer = once(socket, 'message');
    net.send(to(1, { transport: 'wss', connectionId: flow.connectionId }), Buffer.from('answer'), () => {});
    expect(String((await answer)[0])).toBe('answer');
    const fresh = await authority.issue({ dns: ['new.example'], ip: ['127.0.0.1'] });
    net.updateTls({ listeners: [fresh], peers: [] });
    const peer = await peerOf(port);
    expect(peer.socket.getPeerCertificate().subjectaltname).toContain('new.example');
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });
});

it('leaves nothing open when a certificate is missing or not one', async () => {
  await expect(open('tls', { certificate: 'nonsense' })).rejects.toMatchObject({ code: 'SIP_LISTENER_FAILED' });
  const listeners = [{ transport: 'wss', address: '127.0.0.1', port: 0 }] as const;
  await expect(open('wss', {}, { listeners })).rejects.toThrow(/SIP_NO_CERTIFICATE/);
});
