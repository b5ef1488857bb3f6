import { describe, expect, it } from 'vitest';
import {
  type DigestInput,
  digestAlgorithm,
  digestHa1,
  digestResponse,
  formatChallenge,
  parseChallenge,
  parseCredentials,
} from '../../../src/sip/message/index.ts';

/** RFC 7616 §3.9.1. */
const RFC_7616: DigestInput = {
  algorithm: 'MD5',
  username: 'Mufasa',
  realm: 'http-auth@example.org',
  secret: { password: 'Circle of Life' },
  method: 'GET',
  uri: '/dir/index.html',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  qop: 'auth',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  nc: '00000001',
};
/** RFC 2617 §3.5. */
const RFC_2617: DigestInput = {
  ...RFC_7616,
  realm: 'testrealm@host.com',
  secret: { password: 'Circle Of Life' },
  nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
  cnonce: '0a4f113b',
};

describe('digestResponse', () => {
  it('RFC 2617 §3.5: MD5 with qop', () => {
    expect(digestResponse(RFC_2617)).toBe('6629fae49393a05397450978507c4ef1');
  });

  it('RFC 2617 without qop, as RFC 2069 had it', () => {
    expect(digestResponse({ ...RFC_2617, qop: undefined })).toBe('670fd8c2df070c60b045671b8b24ff02');
  });

  it('RFC 7616 §3.9.1: MD5 and SHA-256', () => {
    expect(digestResponse(RFC_7616)).toBe('8ca523f5e9506fed4657c9700eebdbec');
    expect(digestResponse({ ...RFC_7616, algorithm: 'SHA-256' })).toBe(
      '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
    );
  });

  it('takes HA1 in place of the password', () => {
    const ha1 = digestHa1('MD5', 'Mufasa', 'testrealm@host.com', 'Circle Of Life');
    expect(ha1).toBe('939e7578ed9e3c518a452acee763bce9');
    expect(digestResponse({ ...RFC_2617, secret: { ha1 } })).toBe(digestResponse(RFC_2617));
  });

  it('-sess and auth-int bring in the cnonce and the body', () => {
    const plain = digestResponse(RFC_7616);
    const session = digestResponse({ ...RFC_7616, algorithm: 'MD5-sess' });
    const ha1 = digestHa1('MD5', 'Mufasa', RFC_7616.realm, 'Circle of Life');
    expect(session).not.toBe(plain);
    expect(session).toBe(digestResponse({ ...RFC_7616, algorithm: 'MD5-sess', secret: { ha1 } }));
    const withBody = (text: string): string =>
      digestResponse({ ...RFC_7616, qop: 'auth-int', body: Buffer.from(text) });
    expect(withBody('a')).not.toBe(withBody('b'));
    expect(digestResponse({ ...RFC_7616, qop: 'auth-int' })).toBe(withBody(''));
  });
});

describe('the headers', () => {
  it('reads and writes a challenge', () => {
    const challenge = {
      realm: 'a "b"',
      nonce: 'n,1',
      algorithm: 'SHA-256',
      qop: ['auth', 'auth-int'],
      opaque: undefined,
      isStale: true,
    };
    const text = formatChallenge(challenge);
    expect(text).toBe('Digest realm="a \\"b\\"", nonce="n,1", stale=true, algorithm=SHA-256, qop="auth,auth-int"');
    expect(parseChallenge(text)).toEqual(challenge);
  });

  it('reads credentials', () => {
    const text =
      'digest username="bob",realm="biloxi.com", nonce="dcd98b",uri="sip:bob@biloxi.com", qop=auth, nc=00000001, cnonce="0a4f113b", response="6629FAE4", opaque="5ccc", algorithm=MD5';
    expect(parseCredentials(text)).toEqual({
      username: 'bob',
      realm: 'biloxi.com',
      nonce: 'dcd98b',
      uri: 'sip:bob@biloxi.com',
      response: '6629fae4',
      algorithm: 'MD5',
      qop: 'auth',
      cnonce: '0a4f113b',
      nc: '00000001',
      opaque: '5ccc',
    });
  });

  it.each([
    'Basic abc',
    'NoOneKnowsThisScheme opaque="x"',
    'Digest',
    'Digest realm="x"',
    'Digest realm="x", realm="y", nonce="n"',
    'Digest realm="x" nonce="n"',
  ])('does not read %s', (text) => {
    expect(parseChallenge(text)).toBeUndefined();
    expect(parseCredentials(text)).toBeUndefined();
  });

  it('knows algorithms in any case, MD5 when none is named', () => {
    expect(digestAlgorithm('sha-256')).toBe('SHA-256');
    expect(digestAlgorithm(undefined)).toBe('MD5');
    expect(digestAlgorithm('AKAv1-MD5')).toBeUndefined();
  });
});
