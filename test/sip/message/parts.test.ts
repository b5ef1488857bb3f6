import { describe, expect, it } from 'vitest';
import {
  appendHeader,
  canonicalHeaderName,
  formatVia,
  header,
  headerValues,
  parseCSeq,
  parseNameAddr,
  parseNameAddrs,
  parseParams,
  parseUri,
  parseVia,
  prependHeader,
  reasonPhrase,
  type SipRequest,
  sameUri,
  tagOf,
  topVia,
  unquote,
  withHeader,
  withoutHeader,
  withReceived,
} from '../../../src/sip/message/index.ts';

function request(...headers: readonly (readonly [string, string])[]): SipRequest {
  const lines = headers.map(([name, value]) => ({ name, value }));
  return { kind: 'request', method: 'OPTIONS', uri: 'sip:b@example.com', headers: lines, body: Buffer.alloc(0) };
}

describe('header access', () => {
  const message = request(
    ['Via', 'SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/TCP b;branch=z9hG4bK2'],
    ['Route', '<sip:a,b@c;lr>, "x, y" <sip:d>'],
    ['Via', 'SIP/2.0/WS c.invalid;branch=z9hG4bK3'],
    ['X-Tag', 'a, b'],
    ['From', '"A;tag=no" <sip:a@example.com;tag=neither>;TAG=yes'],
    ['To', 'sip:b@example.com'],
  );

  it('finds names in any case and in compact form', () => {
    expect(header(message, 'via')).toContain('SIP/2.0/UDP a');
    expect(header(message, 'v')).toBe(header(message, 'Via'));
    expect(header(message, 'x-tag')).toBe('a, b');
    expect(header(message, 'Subject')).toBeUndefined();
    expect(canonicalHeaderName('CSEQ')).toBe('CSeq');
    expect(canonicalHeaderName('x-foo')).toBe('x-foo');
  });

  it('splits lists only, and not inside quotes and brackets', () => {
    expect(headerValues(message, 'Via')).toHaveLength(3);
    expect(headerValues(message, 'Route')).toEqual(['<sip:a,b@c;lr>', '"x, y" <sip:d>']);
    expect(headerValues(message, 'X-Tag')).toEqual(['a, b']);
  });

  it('replaces in place, adds at either end, takes away, and leaves the original alone', () => {
    const changed = withHeader(message, 'v', 'SIP/2.0/UDP new');
    expect(changed.headers.map(({ name }) => name)).toEqual(['Via', 'Route', 'X-Tag', 'From', 'To']);
    expect(header(changed, 'Via')).toBe('SIP/2.0/UDP new');
    expect(withHeader(message, 'subject', 'hello').headers.at(-1)).toEqual({ name: 'Subject', value: 'hello' });
    expect(header(prependHeader(message, 'v', 'SIP/2.0/UDP top'), 'Via')).toBe('SIP/2.0/UDP top');
    expect(appendHeader(message, 'm', '<sip:x>').headers.at(-1)).toEqual({ name: 'Contact', value: '<sip:x>' });
    expect(header(withoutHeader(message, 'X-TAG'), 'X-Tag')).toBeUndefined();
    expect(message.headers).toHaveLength(6);
  });

  it('reads the tag of the header, not one in the name or the URI', () => {
    expect(tagOf(message, 'From')).toBe('yes');
    expect(tagOf(message, 'To')).toBeUndefined();
  });
});

describe('Via', () => {
  it.each([
    ['SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport', 'UDP', '192.0.2.1', 5060],
    ['SIP / 2.0 / tcp [2001:db8::9]:5080 ; branch = z', 'TCP', '[2001:db8::9]', 5080],
    ['SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks', 'WSS', 'df7jal23ls0d.invalid', undefined],
    ['SIP/2.0/UDP host : 5070', 'UDP', 'host', 5070],
  ])('%s', (text, transport, host, port) => {
    expect(parseVia(text)).toMatchObject({ transport, host, port });
  });

  it.each([
    '',
    'SIP/2.0/UDP',
    'SIP/2.0 UDP host',
    'SIP/3.0/UDP host',
    'SIP/2.0/UDP host;;x',
    'SIP/2.0/UDP host:x',
    'SIP/2.0/UDP host;a=b;a=c',
  ])('refuses %j', (text) => {
    expect(parseVia(text)).toBeUndefined();
  });

  it('writes what it read', () => {
    const text = 'SIP/2.0/UDP [2001:db8::9]:5060;branch=z9hG4bK1;rport;received=192.0.2.9';
    const via = parseVia(text);
    expect(via && formatVia(via)).toBe(text);
  });
});

describe('withReceived (RFC 3261 §18.2.1, RFC 3581 §4)', () => {
  const sent = (via: string): SipRequest => request(['Via', via], ['Via', 'SIP/2.0/TCP inner;branch=z9hG4bK0']);
  const fixed = (via: string, address = '192.0.2.9', port = 4711): string | undefined =>
    header(withReceived(sent(via), address, port), 'Via');

  it('fills rport and then always adds received', () => {
    expect(fixed('SIP/2.0/UDP 192.0.2.9:5060;rport;branch=z9hG4bK1')).toBe(
      'SIP/2.0/UDP 192.0.2.9:5060;rport=4711;branch=z9hG4bK1;received=192.0.2.9',
    );
  });

  it('adds received where the sender is not who the Via says', () => {
    expect(fixed('SIP/2.0/UDP pc33.example.com;branch=z9hG4bK1')).toBe(
      'SIP/2.0/UDP pc33.example.com;branch=z9hG4bK1;received=192.0.2.9',
    );
    expect(fixed('SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1')).toBe('SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1');
    expect(fixed('SIP/2.0/UDP [2001:DB8::1];branch=z9hG4bK1', '2001:db8::1')).toBe(
      'SIP/2.0/UDP [2001:DB8::1];branch=z9hG4bK1',
    );
  });

  it('never leaves what the sender claims', () => {
    expect(fixed('SIP/2.0/UDP 192.0.2.9;received=198.51.100.1;rport=1;branch=z9hG4bK1')).toBe(
      'SIP/2.0/UDP 192.0.2.9;received=192.0.2.9;rport=4711;branch=z9hG4bK1',
    );
  });

  it('touches the topmost value only, also in a list', () => {
    const message = withReceived(sent('SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2'), '192.0.2.9', 1);
    expect(headerValues(message, 'Via')).toEqual([
      'SIP/2.0/UDP a;branch=z9hG4bK1;received=192.0.2.9',
      'SIP/2.0/UDP b;branch=z9hG4bK2',
      'SIP/2.0/TCP inner;branch=z9hG4bK0',
    ]);
    expect(topVia(message)?.params.get('received')).toBe('192.0.2.9');
  });
});

describe('URI', () => {
  it('reads all the parts', () => {
    expect(parseUri('sips:alice:secret@[2001:db8::1]:5061;transport=tcp;lr?subject=x')).toEqual({
      scheme: 'sips',
      user: 'alice',
      password: 'secret',
      host: '[2001:db8::1]',
      port: 5061,
      params: new Map([
        ['transport', 'tcp'],
        ['lr', ''],
      ]),
      headers: 'subject=x',
    });
    expect(parseUri('tel:+1-201-555-0123;ext=5')).toMatchObject({
      scheme: 'tel',
      host: '+1-201-555-0123',
      params: new Map([['ext', '5']]),
    });
    expect(parseUri('mailto:a@b')).toBeUndefined();
  });

  // The examples of RFC 3261 §19.1.4.
  it.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp', true],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5', true],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;newparam=5', true],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
      true,
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
      true,
    ],
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP', false],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060', false],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp', false],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp', false],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting', false],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4', false],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off', false],
    ['sip:a@b.example', 'sips:a@b.example', false],
    ['tel:+1-201-555-0123', 'tel:+12015550123', true],
    ['tel:+12015550123', 'tel:+12015550123;ext=5', false],
  ])('%s and %s: %s', (one, other, isSame) => {
    const [a, b] = [parseUri(one), parseUri(other)];
    if (a === undefined || b === undefined) throw new Error('malformed');
    expect(sameUri(a, b)).toBe(isSame);
    expect(sameUri(b, a)).toBe(isSame);
  });
});

describe('name-addr, parameters, CSeq', () => {
  it('keeps quotes of parameter values, so that what is written is what was read', () => {
    const contact = parseNameAddr('<sip:a@b.example>;+sip.instance="<urn:uuid:f81d>";q=0.5;ob');
    expect(contact?.params.get('+sip.instance')).toBe('"<urn:uuid:f81d>"');
    expect(unquote(contact?.params.get('+sip.instance') ?? '')).toBe('<urn:uuid:f81d>');
    expect(contact?.params.get('ob')).toBe('');
  });

  it.each([
    '*',
    '',
    '<sip:a@b',
    '"A <sip:a@b>',
    'A, B <sip:a@b>',
    '<sip:a@b> x',
    '< sip:a@b >',
    '<nothing>',
    'sip:a@b?x=y',
  ])('refuses %j', (text) => {
    expect(parseNameAddr(text)).toBeUndefined();
    expect(parseNameAddrs(['<sip:a@b>', text])).toBeUndefined();
  });

  it('reads parameters', () => {
    expect(parseParams(' ; A = b ;c')).toEqual(
      new Map([
        ['a', 'b'],
        ['c', ''],
      ]),
    );
    expect(parseParams(';;')).toBeUndefined();
  });

  it('reads CSeq within its range', () => {
    expect(parseCSeq('4294967295 INVITE')).toEqual({ number: 4_294_967_295, method: 'INVITE' });
    for (const text of ['4294967296 INVITE', '-1 INVITE', '1', 'INVITE 1', '1 IN VITE'])
      expect(parseCSeq(text)).toBeUndefined();
  });

  it('knows reason phrases, and families where it does not', () => {
    expect(reasonPhrase(487)).toBe('Request Terminated');
    expect(reasonPhrase(499)).toBe('Request Failure');
  });
});
