import { describe, expect, it } from 'vitest';
import { Authenticator } from '../../src/telephony/authenticator.ts';
import { Nonces } from '../../src/telephony/nonces.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { DOMAIN, digest, profile, request } from './fixtures.ts';

const policy = profile.auth;

function make() {
  const clock = new VirtualClock();
  const nonces = new Nonces(clock, seededRandom());
  const failures: string[] = [];
  const users = [{ name: 'alice', secret: { password: 'pw' } }];
  const authenticator = new Authenticator({
    users,
    domain: DOMAIN,
    nonces,
    onFailure: (_, why) => failures.push(why),
    onSuccess: () => {},
  });
  const ask = (authorization: string, method = 'REGISTER', uri = `sip:${DOMAIN}`) =>
    authenticator.check(request(method, authorization === '' ? {} : { Authorization: authorization }, { uri }), policy);
  return { clock, nonces, failures, ask };
}

describe('digest', () => {
  it('challenges REGISTER with 401 and the rest with 407, and counts that as no failure', () => {
    const { ask, failures } = make();
    expect(ask('')).toMatchObject({ kind: 'challenge', status: 401 });
    expect(ask('', 'INVITE')).toMatchObject({
      kind: 'challenge',
      status: 407,
      headers: { 'Proxy-Authenticate': expect.stringContaining('algorithm=MD5') },
    });
    expect(failures).toEqual([]);
  });

  it('takes right credentials once for each count', () => {
    const { ask, nonces, failures } = make();
    const nonce = nonces.issue();
    expect(ask(digest({ nonce }))).toMatchObject({ kind: 'authenticated', user: { name: 'alice' } });
    expect(ask(digest({ nonce, nc: '00000002' }))).toMatchObject({ kind: 'authenticated' });
    expect(ask(digest({ nonce }))).toMatchObject({
      headers: { 'WWW-Authenticate': expect.stringContaining('stale=true') },
    });
    expect(failures).toEqual(['replay']);
  });

  it('an expired nonce and one of an earlier run are stale, not wrong', () => {
    const { ask, nonces, clock, failures } = make();
    const nonce = nonces.issue();
    clock.advance(60_000);
    expect(ask(digest({ nonce }))).toMatchObject({
      headers: { 'WWW-Authenticate': expect.stringContaining('stale=true') },
    });
    ask(digest({ nonce: 'a-b-c' }));
    expect(failures).toEqual(['stale', 'stale']);
  });

  it.each([
    ['a wrong password', { password: 'no' }, 'credentials'],
    ['an unknown user', { user: 'mallory' }, 'credentials'],
    ['the credentials of another method', { method: 'INVITE' }, 'credentials'],
    ['credentials for another URI', { uri: 'sip:elsewhere' }, 'malformed'],
    ['a count of zero', { nc: '00000000' }, 'malformed'],
    ['a count that is no number', { nc: 'xyz' }, 'malformed'],
  ])('refuses %s', (_, parts, why) => {
    const { ask, nonces, failures } = make();
    const verdict = ask(digest({ nonce: nonces.issue(), ...parts }));
    expect(verdict.kind).toBe('challenge');
    expect(JSON.stringify(verdict)).not.toContain('stale');
    expect(failures).toEqual([why]);
    expect(nonces.size).toBe(0);
  });

  it('credentials for another realm are not for us', () => {
    const { ask, nonces, failures } = make();
    expect(ask(digest({ nonce: nonces.issue(), realm: 'elsewhere' })).kind).toBe('challenge');
    expect(failures).toEqual([]);
  });

  it('T13: MD5 does not do where SHA-256 is required', () => {
    const clock = new VirtualClock();
    const nonces = new Nonces(clock, seededRandom());
    const authenticator = new Authenticator({
      users: [{ name: 'alice', secret: { password: 'pw' } }],
      domain: DOMAIN,
      nonces,
      onFailure: () => {},
      onSuccess: () => {},
    });
    const asked = request('REGISTER', { Authorization: digest({ nonce: nonces.issue() }) });
    expect(authenticator.check(asked, { ...policy, algorithms: ['SHA-256'] }).kind).toBe('challenge');
  });
});
