import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatChallenge, parseCredentials, splitChallenges } from '../../src/sip/message/index.ts';
import { Authenticator } from '../../src/telephony/authenticator.ts';
import { credentialsFor, pickChallenge } from '../../src/telephony/digest-client.ts';
import { Nonces } from '../../src/telephony/nonces.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { request } from './fixtures.ts';

const challenge = (realm: string, algorithm: string | undefined, qop: readonly string[] = ['auth']): string =>
  formatChallenge({ realm, nonce: `n-${realm}`, algorithm, qop, opaque: undefined, isStale: false });

const picked = (header: string, realm: string | undefined) => {
  const finding = pickChallenge(header, realm);
  if (finding.kind !== 'picked') throw new Error(finding.why);
  return finding.challenge;
};

describe('a challenge', () => {
  it('is the strongest of the realm, in whatever order and on however many lines', () => {
    const [md5, sha, other] = [challenge('a', 'MD5'), challenge('a', 'SHA-256'), challenge('b', 'SHA-256')];
    for (const header of [`${md5}, ${sha},${other}`, `${other},${sha}, ${md5}`, `Basic realm="a", ${md5},${sha}`]) {
      expect(picked(header, 'a')).toMatchObject({ realm: 'a', knownAlgorithm: 'SHA-256', answeredQop: 'auth' });
    }
    expect(picked(`${md5},${other}`, 'a').knownAlgorithm).toBe('MD5');
  });

  it('of another realm is none, and so is one that only asks for what we do not know', () => {
    expect(pickChallenge(challenge('b', 'MD5'), 'a')).toEqual({ kind: 'none', realm: 'b', why: 'foreign-realm' });
    expect(pickChallenge(challenge('A', 'MD5'), 'a')).toMatchObject({ why: 'foreign-realm' });
    expect(pickChallenge(challenge('a', 'SHA-3'), 'a')).toMatchObject({ why: 'no-known-algorithm' });
    expect(pickChallenge(challenge('a', 'MD5', ['token']), undefined)).toMatchObject({ why: 'no-known-algorithm' });
  });

  it('keeps commas and equals signs in quotes to itself', () => {
    const header =
      'Digest realm="a, Digest realm=b", nonce="x", qop="auth,auth-int", NTLM, Digest realm="c", nonce="y"';
    expect(splitChallenges(header)).toHaveLength(3);
    expect(picked(header, undefined)).toMatchObject({ realm: 'a, Digest realm=b', answeredQop: 'auth' });
  });

  it('may be any text: nothing is thrown, nothing is answered for another realm', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        const finding = pickChallenge(text, 'ours');
        expect(finding.kind === 'none' || finding.challenge.realm === 'ours').toBe(true);
      }),
    );
  });
});

describe('credentials', () => {
  it('prove the account to a server that knows it: any realm, name and password, both algorithms', () => {
    const text = fc.stringMatching(/^[ -~]{1,20}$/);
    fc.assert(
      fc.property(text, text, text, fc.constantFrom('MD5', 'SHA-256'), (realm, name, password, algorithm) => {
        const clock = new VirtualClock();
        const server = new Authenticator({
          users: [{ name, secret: { password } }],
          domain: 'unused',
          nonces: new Nonces(clock, seededRandom()),
          onFailure: () => {},
          onSuccess: () => {},
        });
        const policy = { required: true, algorithms: [algorithm as 'MD5'], realm, nonceLifetimeSec: 60 };
        const uri = 'sip:bob@server.test';
        const first = server.check(request('INVITE', {}, { uri }), policy);
        if (first.kind !== 'challenge') throw new Error('not challenged');
        const found = picked(first.headers['Proxy-Authenticate'] ?? '', realm);
        for (const count of [1, 2]) {
          const sent = { method: 'INVITE', uri, body: 'v=0' };
          const value = credentialsFor(found, { username: name, password }, sent, { cnonce: 'c', count });
          const second = server.check(request('INVITE', { 'Proxy-Authorization': value }, { uri }), policy);
          expect(second.kind).toBe('authenticated');
        }
      }),
    );
  });

  it('have the response of RFC 7616 §3.9.1, and no cnonce where no qop was asked for', () => {
    const account = { username: 'Mufasa', password: 'Circle of Life' };
    const sent = { method: 'GET', uri: '/dir/index.html', body: '' };
    const base = {
      realm: 'http-auth@example.org',
      nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
      opaque: 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS',
      isStale: false,
    };
    const use = { cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ', count: 1 };
    const answer = (algorithm: string, qop: readonly string[]) =>
      parseCredentials(
        credentialsFor(picked(formatChallenge({ ...base, algorithm, qop }), undefined), account, sent, use),
      );
    expect(answer('MD5', ['auth', 'auth-int'])?.response).toBe('8ca523f5e9506fed4657c9700eebdbec');
    expect(answer('SHA-256', ['auth'])).toMatchObject({
      response: '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
      nc: '00000001',
      opaque: base.opaque,
    });
    expect(answer('MD5', [])).toMatchObject({ qop: undefined, cnonce: undefined, nc: undefined });
  });
});
