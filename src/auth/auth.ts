/** Access tokens: verified before anything is made for their bearer, and judged again whenever something is. */
import type { Clock, Random, Unsubscribe } from '../kernel/index.ts';
import type { Store } from '../store/index.ts';
import type { AccessToken, Grant } from './access-token.ts';
import { authErrors } from './errors.ts';
import { secretKey, type VerifyKey } from './keys.ts';
import { type MintedToken, type MintRequest, TokenMinter } from './minter.ts';
import { type Revocation, Revocations } from './revocations.ts';
import { type TokenPolicy, TokenVerifier } from './verifier.ts';

export interface AuthOptions {
  /** Empty: a secret of our own, made at the first start and kept in the store. */
  readonly keys: readonly VerifyKey[];
  readonly policy: TokenPolicy;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

export interface Auth {
  /** Throws TOKEN_INVALID, TOKEN_EXPIRED or TOKEN_REVOKED. */
  verify(text: string): Promise<AccessToken>;
  /** Throws TOKEN_EXPIRED, TOKEN_REVOKED or GRANT_MISSING: what was granted once need not be any more. */
  demand(token: AccessToken, grant: Grant): void;
  /** Undefined where keys are configured: then somebody else makes the tokens. */
  readonly mint: ((request: MintRequest) => Promise<MintedToken>) | undefined;
  revoke(revocation: Revocation): Promise<void>;
  /** Is told at once of each revocation. */
  onRevoked(listener: (revocation: Revocation) => void): Unsubscribe;
}

const SECRET_KEY = 'auth/secret';

export async function createAuth({ keys, policy, store, clock, random }: AuthOptions): Promise<Auth> {
  const revocations = new Revocations(store, clock, policy.maxTokenSec * 1000);
  await revocations.load();
  const own = keys.length === 0 ? await ownKey(store, random) : undefined;
  const verifier = new TokenVerifier(own === undefined ? keys : [own], policy, clock);
  const minter = own && new TokenMinter(own.key, policy, { clock, random });
  const check = (token: AccessToken): AccessToken => {
    if (token.expiresAt <= clock.wallTime()) throw authErrors.TOKEN_EXPIRED();
    if (revocations.isRevoked(token)) throw authErrors.TOKEN_REVOKED();
    return token;
  };
  return {
    verify: async (text) => check(await verifier.verify(text)),
    demand: (token, grant) => {
      if (!check(token).grants.includes(grant)) throw authErrors.GRANT_MISSING([grant]);
    },
    mint: minter && ((request) => minter.mint(request)),
    revoke: (revocation) => revocations.revoke(revocation),
    onRevoked: (listener) => revocations.onRevoked(listener),
  };
}

async function ownKey(store: Store, random: Random): Promise<VerifyKey> {
  const kept = await store.get(SECRET_KEY);
  if (typeof kept === 'string') return secretKey(kept, SECRET_KEY);
  const secret = random.hex(32);
  await store.put(SECRET_KEY, secret);
  return secretKey(secret, SECRET_KEY);
}
