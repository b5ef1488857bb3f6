/** The messages of RFC 5118, with the Content-Length that their bodies really have. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseRemoteDescription } from '../../../src/sdp/index.ts';
import {
  headerValues,
  parseMessage,
  parseNameAddr,
  parseUri,
  parseVia,
  type SipRequest,
  topVia,
} from '../../../src/sip/message/index.ts';

function read(name: string): ReturnType<typeof parseMessage> {
  return parseMessage(readFileSync(new URL(`../../data/rfc5118/${name}.dat`, import.meta.url)));
}

function requestOf(name: string): SipRequest {
  const result = read(name);
  if (result.kind !== 'message' || result.message.kind !== 'request') throw new Error(JSON.stringify(result));
  return result.message;
}

const remoteOf = (name: string) => parseRemoteDescription(requestOf(name).body.toString()).audio.rtp.address;

describe('RFC 5118', () => {
  test('§4.1: an IPv6 reference in Request-URI, Via and Contact', () => {
    const request = requestOf('ipv6-good');
    expect(parseUri(request.uri)).toMatchObject({ host: '[2001:db8::10]', port: undefined });
    expect(topVia(request)).toMatchObject({ host: '[2001:db8::9:1]', port: undefined });
    const contact = parseNameAddr(headerValues(request, 'Contact')[0] ?? '');
    expect(parseUri(contact?.uri ?? '')).toMatchObject({ user: 'caller', host: '[2001:db8::1]' });
  });

  test('§4.2: without brackets it is a bad request', () => {
    expect(read('ipv6-bad')).toMatchObject({ kind: 'refused', status: 400 });
  });

  test('§4.3 and §4.4: a port inside the brackets is none, outside it is', () => {
    expect(parseUri(requestOf('port-ambiguous').uri)).toMatchObject({ host: '[2001:db8::10:5070]', port: undefined });
    expect(parseUri(requestOf('port-unambiguous').uri)).toMatchObject({ host: '[2001:db8::10]', port: 5070 });
  });

  test('§4.5: received is read with brackets and without', () => {
    const via = (name: string) => topVia(requestOf(name))?.params.get('received');
    expect(via('via-received-param-with-delim')).toBe('[2001:db8::9:255]');
    expect(via('via-received-param-no-delim')).toBe('2001:db8::9:255');
  });

  test('§4.6 and §4.8: IPv6 in SDP, and another address for each medium', () => {
    expect(requestOf('ipv6-in-sdp').body.toString()).toContain('c=IN IP6 2001:db8::20');
    expect(remoteOf('mult-ip-in-sdp')).toBe('192.0.2.1');
  });

  test('§4.7: both families among the Vias', () => {
    const vias = headerValues(requestOf('mult-ip-in-header'), 'Via').map((value) => parseVia(value));
    expect(vias.map((via) => [via?.host, via?.port])).toEqual([
      ['[2001:db8::9:1]', 6050],
      ['192.0.2.1', undefined],
      ['[2001:db8::9:255]', undefined],
    ]);
  });

  test('§4.9: IPv4 mapped into IPv6', () => {
    expect(topVia(requestOf('ipv4-mapped-ipv6'))).toMatchObject({ host: '[::ffff:192.0.2.10]', port: 19_823 });
  });

  test.each(['ipv6-bug-abnf-3-colons', 'ipv6-correct-abnf-2-colons'])('§4.10: %s is read', (name) => {
    expect(parseUri(requestOf(name).uri)?.host).toMatch(/^\[2001:db8:::?192\.0\.2\.1\]$/);
  });
});
