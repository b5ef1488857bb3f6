/** RFC 5922 §7. */
import { describe, expect, test } from 'vitest';
import { certificateNames, isCertificateOf } from '../../../src/sip/net/certificate-names.ts';

const of = (subjectaltname: string | undefined, CN = 'common.example') => ({
  subject: { CN } as never,
  ...(subjectaltname === undefined ? {} : { subjectaltname }),
});

describe('the SIP domains of a certificate', () => {
  test.each([
    ['its sip URIs, and no DNS name beside them', 'URI:sip:Carrier.example, DNS:www.example', ['carrier.example']],
    ['no domain where the URI names a person', 'URI:sip:alice@carrier.example, DNS:www.example', []],
    [
      'DNS names and addresses without a sip URI',
      'DNS:A.example, URI:https://x, IP Address:192.0.2.1',
      ['a.example', '192.0.2.1'],
    ],
    ['an address as everybody writes it', 'IP Address:FD00:99:0:0:0:0:0:2', ['fd00:99::2']],
    ['nothing that hides in quotes', 'DNS:"a.example\\u0000, DNS:evil.example", DNS:b.example', ['b.example']],
    ['the common name without any alternative', undefined, ['common.example']],
    ['no common name beside other alternatives', 'email:x@y.example', []],
  ])('%s', (_what, text, names) => {
    expect(certificateNames(of(text))).toEqual(names);
  });

  test('are compared whole: a wildcard stands for itself', () => {
    expect(isCertificateOf(of('DNS:*.carrier.example'), 'sip.carrier.example')).toBe(false);
    expect(isCertificateOf(of('DNS:*.carrier.example'), '*.carrier.example')).toBe(true);
    expect(isCertificateOf(of('DNS:carrier.example'), 'CARRIER.example')).toBe(true);
    expect(isCertificateOf(of('IP Address:0:0:0:0:0:0:0:1'), '[::1]')).toBe(true);
  });
});
