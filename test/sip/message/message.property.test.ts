import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalHeaderName,
  type FramerEvent,
  formatMessage,
  formatNameAddr,
  formatUri,
  parseChallenge,
  parseCredentials,
  parseMessage,
  parseNameAddr,
  parseUri,
  parseVia,
  type SipMessage,
  StreamFramer,
} from '../../../src/sip/message/index.ts';
import { TORTURE, tortureMessage } from '../../support/torture.ts';

const token = fc.stringMatching(/^[A-Za-z0-9\-.!%*_+`'~]{1,12}$/);
const value = fc
  .string({ unit: 'grapheme', maxLength: 40 })
  .map((text) => text.replace(/[\p{Cc}]/gu, '').replace(/^[ \t]+|[ \t]+$/g, ''));
const extension = fc.record({ name: token.map((name) => `X-${name}`).map(canonicalHeaderName), value });
const body = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));

function fixed(method: string): SipMessage['headers'] {
  return [
    { name: 'Via', value: 'SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bKx;rport' },
    { name: 'From', value: '"Жук" <sip:a@example.com>;tag=1' },
    { name: 'To', value: '<sip:b@example.com>' },
    { name: 'Call-ID', value: 'c@d' },
    { name: 'CSeq', value: `7 ${method}` },
  ];
}

const message: fc.Arbitrary<SipMessage> = fc
  .record({
    method: token,
    status: fc.integer({ min: 100, max: 699 }),
    isRequest: fc.boolean(),
    more: fc.array(extension, { maxLength: 8 }),
    body,
    reason: value,
  })
  .map((parts): SipMessage => {
    const length = { name: 'Content-Length', value: String(parts.body.length) };
    const headers = [...fixed(parts.method), ...parts.more, length];
    if (parts.isRequest)
      return { kind: 'request', method: parts.method, uri: 'sip:b@example.com', headers, body: parts.body };
    return { kind: 'response', status: parts.status, reason: parts.reason, headers, body: parts.body };
  });

/** A torture message with some bytes changed, lost or doubled. */
const mutant = fc
  .record({
    name: fc.constantFrom(...TORTURE.map(({ name }) => name)),
    edits: fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 0.999, noNaN: true }),
        byte: fc.integer({ min: 0, max: 255 }),
        kind: fc.constantFrom('set', 'cut', 'double'),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  })
  .map(({ name, edits }) => {
    let data = Buffer.from(tortureMessage(name));
    for (const { at, byte, kind } of edits) {
      const place = Math.floor(at * data.length);
      if (kind === 'set') data[place] = byte;
      else if (kind === 'cut') data = Buffer.concat([data.subarray(0, place), data.subarray(place + (byte % 40))]);
      else data = Buffer.concat([data.subarray(0, place), data.subarray(Math.max(0, place - (byte % 40)))]);
    }
    return data;
  });

describe('messages', () => {
  it('parse(format(m)) = m', () => {
    fc.assert(
      fc.property(message, (original) => {
        expect(parseMessage(formatMessage(original))).toEqual({ kind: 'message', message: original });
      }),
      { numRuns: 300 },
    );
  });

  it('no bytes make the parser throw', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
          mutant,
        ),
        (data) => {
          const result = parseMessage(data);
          // What is refused can be answered, and what is accepted can be sent on.
          const isAnswerable = result.kind !== 'refused' || result.request.headers.some(({ name }) => name === 'Via');
          const isSendable =
            result.kind !== 'message' || parseMessage(formatMessage(result.message)).kind === 'message';
          expect({ isAnswerable, isSendable }).toEqual({ isAnswerable: true, isSendable: true });
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('no text makes a part parser throw', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => {
        const parsers = [parseUri, parseVia, parseNameAddr, parseChallenge, parseCredentials];
        expect(() => parsers.map((parse) => parse(text))).not.toThrow();
        expect(() => [
          parseUri(`sip:${text}`),
          parseVia(`SIP/2.0/UDP ${text}`),
          parseNameAddr(`"${text}" <sip:${text}>;${text}`),
          parseCredentials(`Digest ${text}`),
        ]).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });

  it('a URI and a name-addr survive writing and reading', () => {
    const uri = fc.record({
      user: fc.stringMatching(/^[A-Za-z0-9+.%;?&=]{0,10}$/),
      host: fc.constantFrom('h.example', '[2001:db8::1]', '192.0.2.1'),
      port: fc.option(fc.nat(65_535), { nil: undefined }),
    });
    fc.assert(
      fc.property(uri, fc.string({ unit: 'grapheme', maxLength: 20 }), ({ user, host, port }, displayName) => {
        const text = formatUri({
          scheme: 'sip',
          user,
          password: undefined,
          host,
          port,
          params: new Map([['lr', '']]),
          headers: '',
        });
        expect(parseUri(text)).toMatchObject({ user, host, port });
        const nameAddr = { displayName, uri: text, params: new Map([['tag', 'x']]) };
        expect(parseNameAddr(formatNameAddr(nameAddr))).toEqual(nameAddr);
      }),
    );
  });
});

/** A stream as a peer might send it: messages with keep-alives between them. */
const stream = fc.array(fc.oneof(message.map(formatMessage), fc.constant(Buffer.from('\r\n\r\n'))), {
  minLength: 1,
  maxLength: 6,
});

function collect(chunks: readonly Buffer[]): FramerEvent[] {
  const framer = new StreamFramer();
  // Whether a lone line break was a pong or half a keep-alive depends on when the rest comes; nothing hangs on it.
  return chunks.flatMap((chunk) => framer.push(chunk)).filter((event) => event.kind !== 'pong');
}

describe('StreamFramer', () => {
  it('gives the same however the stream is cut', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(400), { maxLength: 20 }), (pieces, cuts) => {
        const whole = Buffer.concat(pieces);
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(Buffer.from(whole.subarray(at, at + cut)));
          at += cut;
        }
        chunks.push(Buffer.from(whole.subarray(at)));
        expect(collect(chunks)).toEqual(collect([whole]));
      }),
    );
  });

  it('gives the same byte by byte', () => {
    fc.assert(
      fc.property(stream, (pieces) => {
        const whole = Buffer.concat(pieces);
        const bytes = Array.from(whole, (byte) => Buffer.from([byte]));
        const events = collect(bytes);
        expect(events).toEqual(collect([whole]));
        expect(events.filter(({ kind }) => kind === 'message')).toHaveLength(
          pieces.filter((piece) => piece.length > 4).length,
        );
      }),
      { numRuns: 30 },
    );
  });

  it('never throws, and says nothing after it broke', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            mutant,
            fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
          ),
          { maxLength: 5 },
        ),
        (chunks) => {
          const events = collect(chunks);
          const broken = events.findIndex(({ kind }) => kind === 'broken');
          expect([-1, events.length - 1]).toContain(broken);
        },
      ),
      { numRuns: 500 },
    );
  });
});
