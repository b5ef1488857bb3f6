/** RFC 4475, all 49 messages. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FramerEvent, ParseResult, SipMessage } from '../../../src/sip/message/index.ts';
import {
  header,
  headerValues,
  parseMessage,
  parseNameAddr,
  parseUri,
  StreamFramer,
  topVia,
} from '../../../src/sip/message/index.ts';
import { TORTURE, tortureMessage } from '../../support/torture.ts';

function outcome(result: ParseResult): string | number {
  if (result.kind === 'refused') return result.status;
  return result.kind === 'message' ? 'accepted' : 'dropped';
}

function streamOutcome(first: FramerEvent | undefined): string | number {
  if (first === undefined) return 'waits';
  if (first.kind === 'broken') return first.status;
  return first.kind === 'message' ? outcome(parseMessage(first.data)) : first.kind;
}

function accepted(name: string): SipMessage {
  const result = parseMessage(tortureMessage(name));
  if (result.kind !== 'message') throw new Error(`${name}: ${result.reason}`);
  return result.message;
}

describe('T1: the torture messages of RFC 4475', () => {
  it('are all in the table', () => {
    const files = readdirSync(new URL('../../data/rfc4475', import.meta.url)).filter((file) => file.endsWith('.dat'));
    expect(TORTURE.map(({ name }) => `${name}.dat`).toSorted()).toEqual(
      files.filter((file) => file !== 'test.dat').toSorted(),
    );
    expect(TORTURE).toHaveLength(49);
  });

  it.each(TORTURE)('$name (§$section) as a datagram: $owed', ({ name, owed }) => {
    expect(outcome(parseMessage(tortureMessage(name)))).toBe(owed);
  });

  it.each(TORTURE)('$name (§$section) on a stream', ({ name, owed, onStream = owed }) => {
    const [first] = new StreamFramer().push(tortureMessage(name));
    expect(streamOutcome(first)).toBe(onStream);
  });

  it('drops the file of the archive that is no SIP message', () => {
    expect(parseMessage(tortureMessage('test')).kind).toBe('dropped');
  });
});

describe('what the valid ones mean', () => {
  it('wsinv: folding, compact forms, odd case and spaces', () => {
    const message = accepted('wsinv');
    expect(header(message, 'To')).toBe('sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n');
    expect(parseNameAddr(header(message, 'To') ?? '')?.params.get('tag')).toBe('1918181833n');
    expect(parseNameAddr(header(message, 'From') ?? '')).toMatchObject({
      displayName: 'J Rosenberg \\"',
      uri: 'sip:jdrosen@example.com',
    });
    expect(header(message, 'CSeq')).toBe('0009 INVITE');
    expect(header(message, 'Subject')).toBe('');
    expect(header(message, 'newfangledheader')).toBe('newfangled value continued newfangled value');
    expect(header(message, 'UnknownHeaderWithUnusualValue')).toBe(';;,,;;,;');
    expect(headerValues(message, 'Via')).toHaveLength(3);
    expect(topVia(message)).toMatchObject({ transport: 'UDP', host: '192.0.2.2' });
    expect(message.body).toHaveLength(150);
  });

  it('intmeth: every character a token, a word and a user may have', () => {
    const message = accepted('intmeth');
    const method = "!interesting-Method0123456789_*+`.%indeed'~";
    expect(message).toMatchObject({ kind: 'request', method });
    const uri = parseUri(message.kind === 'request' ? message.uri : '');
    expect(uri).toMatchObject({
      user: "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
      password: "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)",
      host: 'example.com',
    });
    expect(parseNameAddr(header(message, 'To') ?? '')?.displayName).toBe('BEL:\x07 NUL:\x00 DEL:\x7f');
    expect(parseNameAddr(header(message, 'From') ?? '')?.params.get('tag')).toBe("_token~1'+`*%!-.");
    expect(header(message, "extensionHeader-!.%*+_`'~")).toBe('\ufeff大停電');
  });

  it('esc02: % is no escape in methods, names and header names', () => {
    const message = accepted('esc02');
    expect(message).toMatchObject({ method: 'RE%47IST%45R' });
    expect(headerValues(message, 'Contact')).toHaveLength(2);
    expect(header(message, 'C%6Fntact')).toBe('<sip:alias2@host2.example.com>');
  });

  it('dblreq: what follows the body is noise in a datagram', () => {
    expect(accepted('dblreq')).toMatchObject({ method: 'REGISTER', body: Buffer.alloc(0) });
  });

  it('semiuri: a semicolon in the user part starts no parameter', () => {
    const message = accepted('semiuri');
    expect(parseUri(message.kind === 'request' ? message.uri : '')?.user).toBe('user;par=u%40example.net');
  });

  it('cparam01 and cparam02: the brackets decide whose parameter it is', () => {
    const [bare] = headerValues(accepted('cparam01'), 'Contact').map(parseNameAddr);
    const [bracketed] = headerValues(accepted('cparam02'), 'Contact').map(parseNameAddr);
    expect(bare).toMatchObject({ uri: 'sip:+19725552222@gw1.example.net', params: new Map([['unknownparam', '']]) });
    expect(bracketed).toMatchObject({ uri: 'sip:+19725552222@gw1.example.net;unknownparam', params: new Map() });
  });

  it('escnull: two Contacts with escaped NULs stay two', () => {
    expect(headerValues(accepted('escnull'), 'Contact')).toEqual([
      '<sip:%00@host5.example.com>',
      '<sip:%00%00@host5.example.com>',
    ]);
  });

  it('noreason, unreason: a reason phrase may be empty or any text', () => {
    expect(accepted('noreason')).toMatchObject({ status: 100, reason: '' });
    expect(accepted('unreason')).toMatchObject({
      status: 200,
      reason: '= 2**3 * 5**2 но сто девяносто девять - простое',
    });
  });
});

describe('what a refusal can mirror', () => {
  it('keeps the readable headers of a request that is refused', () => {
    const result = parseMessage(tortureMessage('ncl'));
    if (result.kind !== 'refused') throw new Error('accepted');
    expect(header(result.request, 'Call-ID')).toBe('ncl.0ha0isndaksdj2193423r542w35');
    expect(header(result.request, 'Via')).toBe('SIP/2.0/UDP 192.0.2.53;branch=z9hG4bKkdjuw');
    expect(result.request.method).toBe('INVITE');
  });

  it('baddn is refused for its display name too, once its end is there', () => {
    const result = parseMessage(Buffer.concat([tortureMessage('baddn'), Buffer.from('\r\n')]));
    expect(result).toMatchObject({ kind: 'refused', status: 400, reason: 'Malformed From' });
  });
});
