import { describe, expect, it } from 'vitest';
import { StreamFramer } from '../../../src/sip/message/index.ts';

const HEAD = 'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\n';
const message = (lines: string, body = ''): Buffer => Buffer.from(`${HEAD}${lines}\r\n${body}`);
const kinds = (framer: StreamFramer, text: string | Buffer): string[] =>
  framer.push(Buffer.from(text)).map(({ kind }) => kind);

describe('StreamFramer', () => {
  it('cuts several messages out of one chunk', () => {
    const one = message('Content-Length: 3\r\n', 'abc');
    const two = message('L : 0\r\n');
    const events = new StreamFramer().push(Buffer.concat([one, two]));
    expect(events).toEqual([
      { kind: 'message', data: one },
      { kind: 'message', data: two },
    ]);
  });

  it('reads a folded Content-Length, in any case', () => {
    expect(kinds(new StreamFramer(), message('cONTENT-lENGTH:\r\n 2\r\n', 'ab'))).toEqual(['message']);
  });

  it('tells keep-alive from pong (RFC 5626 §4.4.1)', () => {
    const framer = new StreamFramer();
    expect(kinds(framer, '\r\n\r\n')).toEqual(['keepalive']);
    expect(kinds(framer, '\r\n')).toEqual(['pong']);
    expect(kinds(framer, '\r\n')).toEqual(['keepalive']);
    expect(kinds(framer, '\r')).toEqual([]);
    expect(kinds(framer, '\n')).toEqual(['pong']);
    expect(kinds(framer, message('l:0\r\n'))).toEqual(['message']);
    expect(kinds(framer, '\r\n')).toEqual(['pong']);
  });

  it.each([
    ['', 'Missing Content-Length', 400],
    ['l: 1\r\nContent-Length: 1\r\n', 'Multiple Content-Length Headers', 400],
    ['Content-Length: -1\r\n', 'Malformed Content-Length', 400],
    ['Content-Length: five\r\n', 'Malformed Content-Length', 400],
    ['Content-Length: 65536\r\n', 'Message Too Large', 513],
  ])('breaks at %j for good', (lines, reason, status) => {
    const framer = new StreamFramer();
    const data = message(lines);
    expect(framer.push(data)).toEqual([{ kind: 'broken', reason, status, data }]);
    expect(framer.push(message('l:0\r\n'))).toEqual([]);
  });

  it('T7: breaks when a head has no end within the limit', () => {
    const framer = new StreamFramer({ totalBytes: 1000 });
    expect(kinds(framer, `${HEAD}X: ${'x'.repeat(500)}`)).toEqual([]);
    expect(framer.pendingBytes).toBeGreaterThan(500);
    expect(framer.push(Buffer.alloc(600, 'x'))).toMatchObject([{ kind: 'broken', status: 513 }]);
    expect(framer.pendingBytes).toBe(0);
  });

  it('hands over messages that later bytes do not change', () => {
    const framer = new StreamFramer();
    const one = message('l: 3\r\n', 'abc');
    framer.push(Buffer.from(one.subarray(0, 20)));
    const [event] = framer.push(Buffer.concat([one.subarray(20), one.subarray(0, 10)]));
    framer.push(Buffer.from(one.subarray(10)));
    expect(event).toEqual({ kind: 'message', data: one });
  });
});
