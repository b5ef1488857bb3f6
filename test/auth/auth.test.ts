/** S50/T31: what is not an access token of ours, and what was one. */
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Auth, createAuth, type MintRequest, publicKeys, secretKey } from '../../src/auth/index.ts';
import { CodedError, silentLogger, systemRandom } from '../../src/kernel/index.ts';
import { openEmbeddedStore, type Store } from '../../src/store/index.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const SECRET = 'a shared secret of more than thirty-two characters';
const policy = { audience: 'viaduct', issuer: undefined, maxTokenSec: 86_400 };
const request: MintRequest = { subject: 'alice', tenant: 'default', room: 'blue', grants: ['join'], ttlSec: 600 };

let clock: VirtualClock;
let store: Store;
beforeEach(async () => {
  clock = new VirtualClock();
  store = await openEmbeddedStore(':memory:', { clock, logger: silentLogger });
  return () => store.close();
});

const open = (keys: Parameters<typeof createAuth>[0]['keys'] = [], changes: Partial<typeof policy> = {}) =>
  createAuth({ keys, policy: { ...policy, ...changes }, store, clock, random: systemRandom });

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const nowSec = (): number => Math.floor(clock.wallTime() / 1000);
const claims = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  sub: 'alice',
  sid: 'session-1',
  jti: 'token-id-1',
  room: 'blue',
  caps: ['join'],
  aud: 'viaduct',
  iat: nowSec(),
  exp: nowSec() + 60,
  ...changes,
});

function hs256(payload: unknown, { secret = SECRET, header = {} }: { secret?: string; header?: object } = {}): string {
  const signed = `${base64({ alg: 'HS256', typ: 'JWT', ...header })}.${base64(payload)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

const sign = (payload: Record<string, unknown>, alg: string, key: KeyObject, kid?: string): Promise<string> =>
  new SignJWT(payload).setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) }).sign(key);

async function refusal(auth: Auth, token: string): Promise<string> {
  try {
    await auth.verify(token);
    return 'accepted';
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error);
  }
}

describe('tokens of our own', () => {
  it('are good until they expire, also after a restart', async () => {
    const auth = await open();
    const minted = await auth.mint!({ ...request, name: 'Alice' });
    const token = await auth.verify(minted.token);
    expect(token).toMatchObject({ subject: 'alice', name: 'Alice', room: 'blue', grants: ['join'] });
    expect(token.sessionId).toBe(minted.sessionId);
    expect((await (await open()).verify(minted.token)).tokenId).toBe(token.tokenId);
    clock.advance(606_000);
    expect(await refusal(auth, minted.token)).toBe('TOKEN_EXPIRED');
    expect(() => auth.demand(token, 'join')).toThrow('expired');
  });

  it('are told apart from those of another gateway', async () => {
    const minted = await (await open()).mint!(request);
    await store.delete('auth/secret');
    expect(await refusal(await open(), minted.token)).toBe('TOKEN_INVALID');
  });

  it('are not made when keys are configured', async () => {
    expect((await open([secretKey(SECRET, 'S')])).mint).toBeUndefined();
  });
});

describe('S50 T31 attacks on tokens', () => {
  it('refuses what has no signature, a wrong one or another algorithm', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const byKey = await open(publicKeys(pem, 'key.pem'));
    const bySecret = await open([secretKey(SECRET, 'S')]);
    expect(await refusal(bySecret, hs256(claims()))).toBe('accepted');
    expect(await refusal(byKey, await sign(claims(), 'RS256', privateKey))).toBe('accepted');
    const attacks: [Auth, string][] = [
      [bySecret, `${base64({ alg: 'none' })}.${base64(claims())}.`],
      [bySecret, `${base64({ alg: 'None', typ: 'JWT' })}.${base64(claims())}.`],
      [bySecret, hs256(claims(), { secret: 'x'.repeat(40) })],
      [bySecret, hs256(claims(), { header: { alg: 'HS512' } })],
      // The public key taken for a secret (algorithm confusion).
      [byKey, hs256(claims(), { secret: pem })],
      [byKey, hs256(claims(), { secret: pem.trim() })],
      [byKey, await sign(claims(), 'PS256', privateKey)],
      [bySecret, hs256(claims(), { header: { crit: ['exp'] } })],
      [bySecret, ''],
      [bySecret, 'a.b.c'],
      [bySecret, `${hs256(claims())}.x`],
      [bySecret, hs256(claims({ sub: 'a'.repeat(5000) }))],
    ];
    for (const [auth, token] of attacks) expect([token, await refusal(auth, token)]).toEqual([token, 'TOKEN_INVALID']);
  });

  it('takes a key id for a name and nothing else, and no key out of a token', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwks = JSON.stringify({ keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'k1' }] });
    const auth = await open(publicKeys(jwks, 'jwks.json'));
    expect(await refusal(auth, await sign(claims(), 'ES256', pair.privateKey, 'k1'))).toBe('accepted');
    for (const kid of ['../../dev/null', "k1' OR '1'='1", '/etc/passwd', ''])
      expect(await refusal(auth, await sign(claims(), 'ES256', pair.privateKey, kid))).toBe('TOKEN_INVALID');
    const jwk = other.publicKey.export({ format: 'jwk' });
    const carried = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'ES256', jwk, jku: 'https://evil.example/jwks' })
      .sign(other.privateKey);
    expect(await refusal(auth, carried)).toBe('TOKEN_INVALID');
  });

  it('refuses tokens that are for others, for too long, not yet, or whose claims are not ours', async () => {
    const auth = await open([secretKey(SECRET, 'S')], { issuer: undefined });
    const bad: Record<string, unknown>[] = [
      { aud: 'another' },
      { aud: undefined },
      { exp: undefined },
      { iat: undefined },
      { exp: nowSec() + 90_000 },
      { iat: nowSec() + 60 },
      { nbf: nowSec() + 60 },
      { sid: undefined },
      { sid: '../x/../y' },
      { jti: 'a/b/c/d/e' },
      { room: 'a/b' },
      { room: undefined },
      { sub: 'a\nb' },
      { caps: ['everything'] },
      { caps: 'join' },
      { tenant: '../other' },
    ];
    for (const change of bad)
      expect([change, await refusal(auth, hs256(claims(change)))]).toEqual([change, 'TOKEN_INVALID']);
    expect(await refusal(auth, hs256(claims({ exp: nowSec() - 10 })))).toBe('TOKEN_EXPIRED');
    const strict = await createAuth({
      keys: [secretKey(SECRET, 'S')],
      policy: { ...policy, issuer: 'https://login.example' },
      store,
      clock,
      random: systemRandom,
    });
    expect(await refusal(strict, hs256(claims()))).toBe('TOKEN_INVALID');
    expect(await refusal(strict, hs256(claims({ iss: 'https://login.example' })))).toBe('accepted');
  });

  it('refuses what was revoked: by token, session or person; also after a restart', async () => {
    const auth = await open([secretKey(SECRET, 'S')]);
    const told: string[] = [];
    auth.onRevoked(({ kind }) => told.push(kind));
    const texts = [
      hs256(claims({ jti: 'token-id-a' })),
      hs256(claims({ sid: 'session-b' })),
      hs256(claims({ sub: 'bob' })),
    ];
    const tokens = await Promise.all(texts.map((text) => auth.verify(text)));
    await auth.revoke({ kind: 'token', tokenId: 'token-id-a' });
    await auth.revoke({ kind: 'session', sessionId: 'session-b' });
    await auth.revoke({ kind: 'subject', tenant: 'default', subject: 'bob' });
    expect(told).toEqual(['token', 'session', 'subject']);
    const later = await open([secretKey(SECRET, 'S')]);
    for (const [index, text] of texts.entries()) {
      expect(await refusal(auth, text)).toBe('TOKEN_REVOKED');
      expect(await refusal(later, text)).toBe('TOKEN_REVOKED');
      expect(() => auth.demand(tokens[index]!, 'join')).toThrow('revoked');
    }
    expect(await refusal(auth, hs256(claims()))).toBe('accepted');
    clock.advance(2000);
    expect(await refusal(auth, hs256(claims({ sub: 'bob' })))).toBe('accepted');
  });

  it('grants what the token says and no more', async () => {
    const auth = await open();
    const token = await auth.verify((await auth.mint!(request)).token);
    expect(() => auth.demand(token, 'join')).not.toThrow();
    for (const grant of ['publish', 'subscribe', 'moderate', 'e2ee'] as const)
      expect(() => auth.demand(token, grant)).toThrow('does not grant');
  });
});

describe('keys', () => {
  it('refuses weak, private and symmetric ones, and says which file', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const ec = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    const ed = generateKeyPairSync('ed25519');
    const pem = (key: KeyObject, type: 'spki' | 'pkcs8'): string => key.export({ type, format: 'pem' }).toString();
    expect(() => publicKeys(pem(rsa.publicKey, 'spki'), 'f.pem')).toThrow('f.pem: takes');
    expect(() => publicKeys(pem(ec.publicKey, 'spki'), 'f.pem')).toThrow('takes');
    expect(() => publicKeys(pem(ed.privateKey, 'pkcs8'), 'f.pem')).toThrow('private key');
    const jwks = (jwk: object): string => JSON.stringify({ keys: [jwk] });
    expect(() => publicKeys(jwks({ kty: 'oct', k: 'AAAA' }), 'f')).toThrow('symmetric');
    expect(() => publicKeys(jwks(ed.privateKey.export({ format: 'jwk' })), 'f')).toThrow('private key');
    expect(() => publicKeys('nothing', 'f')).toThrow('neither');
    expect(publicKeys(pem(ed.publicKey, 'spki'), 'f')[0]?.algorithms).toContain('EdDSA');
    expect(() => secretKey('short', 'MY_SECRET')).toThrow('MY_SECRET');
  });
});
