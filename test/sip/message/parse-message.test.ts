import { describe, expect, it } from 'vitest';
import { formatMessage, header, headerValues, parseMessage } from '../../../src/sip/message/index.ts';

const LINES = [
  'INVITE sip:bob@example.com SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKabc;rport',
  'Max-Forwards: 70',
  'From: "Alice" <sip:alice@example.com>;tag=1',
  'To: <sip:bob@example.com>',
  'Call-ID: abc@192.0.2.1',
  'CSeq: 1 INVITE',
  'Contact: <sip:alice@192.0.2.1>',
];

function parse(lines: readonly string[], body = ''): ReturnType<typeof parseMessage> {
  return parseMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`));
}

/** The good request with the line of that name replaced, or more lines added. */
function altered(change: Readonly<Record<string, string>>, more: readonly string[] = []): string[] {
  return [...LINES.map((line) => change[line.split(':')[0] ?? ''] ?? line), ...more];
}

describe('parseMessage', () => {
  it('reads a request', () => {
    const result = parse(LINES, 'v=0\r\n');
    expect(result).toMatchObject({
      kind: 'message',
      message: { kind: 'request', method: 'INVITE', uri: 'sip:bob@example.com' },
    });
    expect(result.kind === 'message' && String(result.message.body)).toBe('v=0\r\n');
  });

  it('skips line breaks before the start line (§7.5)', () => {
    expect(parseMessage(Buffer.from(`\r\n\r\n${LINES.join('\r\n')}\r\n\r\n`)).kind).toBe('message');
    expect(parseMessage(Buffer.from('\r\n\r\n'))).toEqual({ kind: 'dropped', reason: 'empty' });
  });

  it('takes a shorter Content-Length at its word and refuses a longer one (§18.3)', () => {
    const short = parse([...LINES, 'l: 3'], 'v=0\r\n');
    expect(short.kind === 'message' && String(short.message.body)).toBe('v=0');
    expect(parse([...LINES, 'Content-Length: 6'], 'v=0\r\n')).toMatchObject({ kind: 'refused', status: 400 });
  });

  it.each(['Missing From', 'Missing To', 'Missing Call-ID', 'Missing CSeq'])('%s: 400', (reason) => {
    const name = reason.slice(8);
    expect(parse(LINES.filter((line) => !line.startsWith(`${name}:`)))).toMatchObject({
      kind: 'refused',
      status: 400,
      reason,
    });
  });

  it('drops what has no Via, because no answer would find its transaction', () => {
    expect(parse(LINES.filter((line) => !line.startsWith('Via')))).toMatchObject({ kind: 'dropped' });
  });

  it('never refuses an ACK or a response, they are dropped (§17.1.1.3)', () => {
    const ack = altered({ CSeq: 'CSeq: 1 ACK', 'Call-ID': 'X-None: 1' });
    ack[0] = 'ACK sip:bob@example.com SIP/2.0';
    expect(parse(ack)).toEqual({ kind: 'dropped', reason: 'Missing Call-ID' });
    expect(parse(['SIP/2.0 200 OK', ...LINES.slice(2)]).kind).toBe('dropped');
  });

  it.each([
    'To: <sip:eve@example.com>',
    't: <sip:eve@example.com>',
    'f: <sip:e@example.com>',
    'I: other',
    'cseq: 2 INVITE',
    'MAX-FORWARDS: 1',
  ])('T11: a second %s is ambiguous: 400', (line) => {
    expect(parse([...LINES, line])).toMatchObject({ kind: 'refused', status: 400 });
  });

  it.each([
    ['X-Bypass-Me : lol', 'X-Bypass-Me'],
    ['X-Bypass-Me\t: lol', 'X-Bypass-Me'],
    ['X-Bypass-Me:\r\n lol', 'X-Bypass-Me'],
    ['p-asserted-identity : <sip:a@b>', 'P-Asserted-Identity'],
  ])('T11: %j is the header %s and nothing else', (line, name) => {
    const result = parse([...LINES, line]);
    expect(result.kind === 'message' && result.message.headers.at(-1)?.name).toBe(name);
    expect(result.kind === 'message' && header(result.message, name.toLowerCase())).toBeDefined();
  });

  it.each([
    'X-Foo\0: v',
    'X-Foo\v: v',
    'To\x0b: <sip:eve@example.com>',
    'X Foo: v',
    ': v',
    'no colon',
    'X-Foo\u00a0: v',
    'X-Foo: a\0b',
    'X-Foo: a\nVia: b',
    'X-Foo: a\rb',
  ])('T11: %j is refused', (line) => {
    expect(parse([...LINES, line])).toMatchObject({ kind: 'refused', status: 400 });
  });

  it('T11: a lone line break in the first line is refused, or dropped in a response', () => {
    expect(parse(['INVITE sip:b\r@c SIP/2.0', ...LINES.slice(1)])).toMatchObject({ kind: 'refused', status: 400 });
    expect(parse(['SIP/2.0 200 O\nK', ...LINES.slice(1)])).toMatchObject({ kind: 'dropped' });
  });

  it('refuses "|" where it would end up in a leader of the wire', () => {
    expect(parse(altered({ 'Call-ID': 'Call-ID: a|b' }))).toMatchObject({ status: 400 });
    expect(parse(altered({ From: 'From: <sip:a@b.example>;tag=a|b' }))).toMatchObject({ status: 400 });
  });

  it('refuses two tags in one From', () => {
    expect(parse(altered({ From: 'From: <sip:a@b.example>;tag=a;tag=b' }))).toMatchObject({ status: 400 });
  });

  it('limits size, number and length of headers', () => {
    expect(parse(LINES, 'x'.repeat(70_000))).toMatchObject({ kind: 'refused', status: 513 });
    expect(parse([...LINES, ...Array.from({ length: 250 }, () => 'X-A: 1')])).toMatchObject({
      kind: 'refused',
      reason: 'Too Many Headers',
    });
    expect(parse([...LINES, ...Array.from({ length: 249 }, () => 'X-A: 1')]).kind).toBe('message');
    expect(parse([...LINES, `X-A: ${'ж'.repeat(4094)}`])).toMatchObject({
      kind: 'refused',
      reason: 'Header Line Too Long',
    });
    expect(parse([...LINES, `X-A: ${'x'.repeat(8000)}`]).kind).toBe('message');
  });

  it('accepts Contact: * and tel: Request-URIs', () => {
    expect(parse(altered({ Contact: 'Contact: *' })).kind).toBe('message');
    const tel = [...LINES];
    tel[0] = 'INVITE tel:+1-201-555-0123;phone-context=example.com SIP/2.0';
    expect(parse(tel).kind).toBe('message');
  });

  it.each(['sip:a@b@c', 'sip:@host', 'sip:', 'sip:a@[::1', 'sip:a@host:99999', 'sip:a@ho st', 'bob'])(
    'refuses the Request-URI %s',
    (uri) => {
      const lines = [...LINES];
      lines[0] = `INVITE ${uri} SIP/2.0`;
      expect(parse(lines)).toMatchObject({ kind: 'refused', status: 400 });
    },
  );
});

describe('formatMessage', () => {
  it('counts Content-Length in bytes, in the place where it was', () => {
    const result = parse([...LINES, 'Content-Length: 2', 'X-Last: 1'], 'ж');
    if (result.kind !== 'message') throw new Error(result.reason);
    const text = String(formatMessage({ ...result.message, body: Buffer.from('жж') }));
    expect(text).toContain('\r\nContent-Length: 4\r\nX-Last: 1\r\n\r\nжж');
  });

  it('adds Content-Length where there was none', () => {
    const result = parse(LINES);
    if (result.kind !== 'message') throw new Error(result.reason);
    expect(String(formatMessage(result.message))).toMatch(/\r\nContent-Length: 0\r\n\r\n$/);
  });

  it('T15: writes no line that a value smuggles in', () => {
    const result = parse(LINES);
    if (result.kind !== 'message') throw new Error(result.reason);
    const headers = [...result.message.headers, { name: 'Subject', value: 'a\r\nX-Admin: 1' }];
    const again = parseMessage(formatMessage({ ...result.message, headers }));
    expect(again.kind === 'message' && headerValues(again.message, 'X-Admin')).toEqual([]);
  });
});
