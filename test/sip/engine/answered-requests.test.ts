/** What is kept of a request that has its final answer: enough to repeat that, and not more. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/kernel/index.ts';
import { SipEngine } from '../../../src/sip/engine/index.ts';
import { parseMessage } from '../../../src/sip/message/index.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { Bench } from './engine-rig.ts';

const LISTENER = { id: 1, transport: 'udp', address: '127.0.0.1', port: 5060 } as const;
const CHALLENGE = `WWW-Authenticate: Digest realm="example.com", nonce="${'0123456789abcdef'.repeat(2)}", qop="auth"`;

/** An engine that keeps nothing of what it sends, with an application that challenges each REGISTER. */
function challengingEngine(): SipEngine {
  const engine: SipEngine = new SipEngine({
    net: {
      listeners: [{ ...LISTENER, advertisedAddress: LISTENER.address, advertisedPort: LISTENER.port }],
      send: () => {},
      resolve: () => Promise.resolve([]),
      vouch: () => {},
      probe: () => {},
    },
    apps: {
      send: (app, message) => {
        if (message.kind !== 'sip') return;
        const { transactionId } = message;
        const answer = { id: 'a', transactionId, dialogId: '', routeUri: '', startLine: 'SIP/2.0 401 Unauthorized' };
        engine.appCommand(app, { kind: 'sip', ...answer, headerLines: [CHALLENGE], body: Buffer.alloc(0) });
      },
    },
    clock: new VirtualClock(),
    random: seededRandom(),
    logger: silentLogger,
  });
  engine.appConnected(1, []);
  engine.appCommand(1, { kind: 'route', id: 'r', verb: 'register' });
  return engine;
}

/** As it would come: in memory of its own, from an address spelled anew. */
function register(engine: SipEngine, serial: number): void {
  const remoteAddress = `192.0.2.${serial % 200}`;
  const lines = [
    'REGISTER sip:example.com SIP/2.0',
    `Via: SIP/2.0/UDP ${remoteAddress}:5060;branch=z9hG4bK${serial}`,
    `From: <sip:phone${serial}@example.com>;tag=${serial}`,
    `To: <sip:phone${serial}@example.com>`,
    `Call-ID: ${serial}@${remoteAddress}`,
    'CSeq: 1 REGISTER',
    `Contact: <sip:phone@${remoteAddress}:5060>`,
    `User-Agent: ${'a phone of some make, '.repeat(8)}`,
  ];
  const data = Buffer.from(new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n`).buffer);
  const parsed = parseMessage(data);
  if (parsed.kind !== 'message') throw new Error(parsed.reason);
  const { id: listenerId, transport, address: localAddress, port: localPort } = LISTENER;
  const flow = { transport, listenerId, localAddress, localPort, remoteAddress, remotePort: 5060 };
  engine.received({ flow: { ...flow, connectionId: undefined }, message: parsed.message, data });
}

/** Bytes of JavaScript in use, after a thorough cleaning. */
function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const clean = runInNewContext('gc') as () => void;
  for (let round = 0; round < 3; round++) clean();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('an answered request', () => {
  it('T35: costs less than two kilobytes until it is forgotten', () => {
    const engine = challengingEngine();
    const many = (from: number, count: number): void => {
      for (let serial = from; serial < from + count; serial++) register(engine, serial);
    };
    many(0, 2000);
    const before = usedBytes();
    many(2000, 10_000);
    const each = (usedBytes() - before) / 10_000;
    expect(engine.load.serverTransactions).toBe(12_000);
    expect(each).toBeLessThan(2048);
  });

  it('is answered again with the same bytes, whatever they are', () => {
    const bench = new Bench();
    const app = bench.app('message');
    const peer = bench.net.peer('udp', 6000);
    const text = peer.request('MESSAGE', { body: 'hello' });
    app.answer(app.nextSip(), 488, ['Subject: süß €', 'Content-Type: text/plain'], 'ünïcode \u{1f4de}');
    const first = peer.next().data;
    peer.sendText(text);
    expect(peer.next().data).toEqual(first);
  });

  it('is not repeated by the transaction where the dialog repeats it, nor after its ACK', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 6000);
    const text = peer.request('INVITE', { branch: 'z9hG4bKbusy' });
    peer.nextResponse(100);
    app.answer(app.nextSip(), 486);
    peer.nextResponse(486);
    peer.sendText(text);
    peer.nextResponse(486);
    peer.request('ACK', { branch: 'z9hG4bKbusy', contact: '' });
    peer.sendText(text);
    expect(peer.waiting).toBe(0);
  });

  it('takes no other answer', () => {
    const bench = new Bench();
    const app = bench.app('options');
    const peer = bench.net.peer('udp', 6000);
    peer.request('OPTIONS');
    const told = app.nextSip();
    app.answer(told, 200);
    peer.nextResponse(200);
    expect(app.answer(told, 486).fields).toContain('NOK');
    expect(peer.waiting).toBe(0);
  });
});
