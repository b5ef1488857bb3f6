import { beforeEach, describe, expect, it } from 'vitest';
import type { EngineInput, EngineNet, Flow, Received, SendTarget } from '../../../src/sip/engine/index.ts';
import { parseMessage } from '../../../src/sip/message/index.ts';
import { MessageLog } from '../../../src/sip/server/message-log.ts';
import { redact } from '../../../src/sip/server/redact.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const flow: Flow = {
  transport: 'udp',
  listenerId: 1,
  localAddress: '192.0.2.1',
  localPort: 5060,
  remoteAddress: '198.51.100.7',
  remotePort: 5062,
  connectionId: undefined,
};
const target: SendTarget = {
  transport: 'udp',
  listenerId: 1,
  address: '203.0.113.5',
  port: 5060,
  connectionId: undefined,
};

function textOf(method: string, sipCallId: string, pad = 0): Buffer {
  const lines = [
    `${method} sip:bob@192.0.2.1 SIP/2.0`,
    'Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bK1',
    'From: <sip:alice@192.0.2.1>;tag=a',
    'To: <sip:bob@192.0.2.1>',
    `Call-ID: ${sipCallId}`,
    `CSeq: 1 ${method}`,
    `X-Pad: ${'x'.repeat(pad)}`,
    'Content-Length: 0',
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

function receivedOf(data: Buffer): Received {
  const result = parseMessage(data);
  if (result.kind !== 'message') throw new Error('no message');
  return { flow, message: result.message, data };
}

let clock: VirtualClock;
let log: MessageLog;
let net: EngineNet;
let input: EngineInput;
let passed: string[];

function restart(bytes: number): void {
  clock = new VirtualClock();
  passed = [];
  log = new MessageLog(clock, { keepMs: 60_000, bytes });
  const listeners = [
    {
      id: 1,
      transport: 'udp' as const,
      address: '192.0.2.1',
      port: 5060,
      advertisedAddress: '192.0.2.1',
      advertisedPort: 5060,
    },
  ];
  net = log.watchNet({
    listeners,
    send: () => passed.push('sent'),
    resolve: (host) => Promise.resolve([host]),
    vouch: () => {},
    probe: () => {},
  });
  const ignore = (): void => {};
  input = log.watchInput({
    received: () => passed.push('received'),
    refused: ignore,
    connectionClosed: ignore,
    appConnected: ignore,
    appCommand: ignore,
    appClosed: ignore,
  });
}

beforeEach(() => restart(100_000));

const isKept = (sipCallId: string): boolean => log.messagesOf([sipCallId]).length > 0;

describe('the message log', () => {
  it('keeps what a call received and sent, in order, and hands everything on', () => {
    input.received(receivedOf(textOf('INVITE', 'a')));
    net.send(target, textOf('INVITE', 'b'), () => {});
    input.received(receivedOf(textOf('BYE', 'a')));
    const found = log.messagesOf(['a', 'b']);
    expect(found.map(({ direction, sipCallId }) => `${direction} ${sipCallId}`)).toEqual(['in a', 'in a', 'out b']);
    expect(found[2]).toMatchObject({ local: '192.0.2.1:5060', remote: '203.0.113.5:5060', transport: 'udp' });
    expect(passed).toEqual(['received', 'sent', 'received']);
  });

  it('keeps nothing of registrations and of dialogs it has not seen begin', () => {
    input.received(receivedOf(textOf('REGISTER', 'r')));
    net.send(target, textOf('BYE', 'late'), () => {});
    expect(log.size).toBe(0);
  });

  it('forgets a call when its time is over, but not while it goes on', () => {
    input.received(receivedOf(textOf('INVITE', 'short')));
    input.received(receivedOf(textOf('INVITE', 'long')));
    clock.advance(50_000);
    input.received(receivedOf(textOf('UPDATE', 'long')));
    clock.advance(20_000);
    input.received(receivedOf(textOf('INVITE', 'new')));
    expect([isKept('short'), isKept('long'), isKept('new')]).toEqual([false, true, true]);
  });

  it('stays within its memory: the call silent for longest goes first', () => {
    restart(10_000);
    for (const sipCallId of ['a', 'b', 'c']) net.send(target, textOf('INVITE', sipCallId, 3_200), () => {});
    expect([isKept('a'), isKept('b'), isKept('c')]).toEqual([false, true, true]);
    expect(log.size).toBeLessThanOrEqual(10_000);
  });

  it('T35 INVITEs that are not let in do not push out calls; one that is let in is kept whole', () => {
    restart(1_000_000);
    const answer = (sipCallId: string, status: string): void =>
      net.send(target, Buffer.from(`SIP/2.0 ${status}\r\nCall-ID: ${sipCallId}\r\nCSeq: 1 INVITE\r\n\r\n`), () => {});
    input.received(receivedOf(textOf('INVITE', 'good')));
    answer('good', '407 Proxy Authentication Required');
    input.received(receivedOf(textOf('INVITE', 'good')));
    answer('good', '180 Ringing');
    for (let i = 0; i < 5_000; i++) {
      input.received(receivedOf(textOf('INVITE', `flood${i}`)));
      answer(`flood${i}`, '401 Unauthorized');
    }
    expect(log.messagesOf(['good'])).toHaveLength(4);
    expect(log.size).toBeLessThan(100_000);
  });

  it('one call that loops does not push out the others', () => {
    restart(1_000_000);
    input.received(receivedOf(textOf('INVITE', 'good')));
    net.send(target, textOf('INVITE', 'loop'), () => {});
    for (let i = 0; i < 2_000; i++) input.received(receivedOf(textOf('INFO', 'loop')));
    expect(isKept('good')).toBe(true);
    expect(log.messagesOf(['loop']).length).toBe(500);
  });
});

describe('T36 what is shown of a message', () => {
  it('has no answer to a challenge, no media key, no pressed key', () => {
    const shown = redact(
      [
        'INVITE sip:x SIP/2.0',
        'Proxy-Authorization: Digest username="alice", realm="r", nonce="n0nce", response="s3cret", cnonce="c0nce"',
        'Content-Type: application/sdp',
        '',
        'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20',
        // Two spaces, two keys.
        'a=crypto:2  AES_CM_128_HMAC_SHA1_80  inline:WnDvRmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJS|1:1;inline:T3NmcmVCspeE|2:1',
        'a=ice-pwd:verysecretpassword',
      ].join('\r\n'),
    );
    for (const secret of ['s3cret', 'c0nce', 'n0nce', 'd0RmdmcmVC', 'WnDv', 'T3Nm', 'verysecret'])
      expect(shown).not.toContain(secret);
    expect(shown).toContain('username="alice"');
    const info = 'INFO sip:x SIP/2.0\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=7\r\nDuration=160\r\n';
    expect(redact(info)).not.toContain('Signal=7');
    expect(redact('INFO sip:x SIP/2.0\r\nContent-Type: application/dtmf\r\n\r\n7')).not.toMatch(/7$/);
  });
});
