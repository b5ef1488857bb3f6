/** From the text of a token to what it grants, or the reason why not. */
import { decodeProtectedHeader, errors, jwtVerify, type ProtectedHeaderParameters } from 'jose';
import type { Clock } from '../kernel/index.ts';
import { type AccessToken, accessToken, claimsSchema } from './access-token.ts';
import { authErrors } from './errors.ts';
import type { VerifyKey } from './keys.ts';

export interface TokenPolicy {
  /** Which `aud` a token must have: one for another service is none for us. */
  readonly audience: string;
  /** Which `iss`; undefined: any. */
  readonly issuer: string | undefined;
  /** How long a token may live, seconds: one that never ends cannot be revoked for good. */
  readonly maxTokenSec: number;
}

const MAX_TOKEN_CHARS = 4096;
/** By how much the clock of who issues tokens may differ from ours, seconds. */
const SKEW_SEC = 5;

export class TokenVerifier {
  readonly #keys: readonly VerifyKey[];
  readonly #policy: TokenPolicy;
  readonly #clock: Clock;

  constructor(keys: readonly VerifyKey[], policy: TokenPolicy, clock: Clock) {
    this.#keys = keys;
    this.#policy = policy;
    this.#clock = clock;
  }

  /** Throws TOKEN_INVALID or TOKEN_EXPIRED. Whether it was revoked is another question. */
  async verify(text: string): Promise<AccessToken> {
    if (text.length > MAX_TOKEN_CHARS) throw authErrors.TOKEN_INVALID(['too long']);
    const header = headerOf(text);
    const candidates = this.#keys.filter(
      ({ kid, algorithms }) =>
        algorithms.includes(header.alg ?? '') && (header.kid === undefined || kid === undefined || kid === header.kid),
    );
    for (const candidate of candidates) {
      const claims = await this.#claimsBy(candidate, text);
      if (claims !== undefined) return this.#judged(claims);
    }
    throw authErrors.TOKEN_INVALID(['no key of ours fits its algorithm, key id and signature']);
  }

  /** Undefined when the signature is not of this key. */
  async #claimsBy({ key, algorithms }: VerifyKey, text: string): Promise<object | undefined> {
    const { audience, issuer } = this.#policy;
    try {
      const { payload } = await jwtVerify(text, key, {
        algorithms: [...algorithms],
        audience,
        ...(issuer === undefined ? {} : { issuer }),
        clockTolerance: SKEW_SEC,
        currentDate: new Date(this.#clock.wallTime()),
        requiredClaims: ['exp', 'iat'],
      });
      return payload;
    } catch (cause) {
      if (cause instanceof errors.JWSSignatureVerificationFailed) return undefined;
      if (cause instanceof errors.JWTExpired) throw authErrors.TOKEN_EXPIRED([], { cause });
      const why = cause instanceof errors.JWTClaimValidationFailed ? `claim ${cause.claim}` : 'malformed';
      throw authErrors.TOKEN_INVALID([why], { cause });
    }
  }

  #judged(payload: object): AccessToken {
    const result = claimsSchema.safeParse(payload);
    if (!result.success) {
      const claim = String(result.error.issues[0]?.path[0] ?? '');
      throw authErrors.TOKEN_INVALID([`claim ${claim}`], { cause: result.error });
    }
    const { exp, iat } = result.data;
    const nowSec = this.#clock.wallTime() / 1000;
    if (iat > nowSec + SKEW_SEC) throw authErrors.TOKEN_INVALID(['claim iat']);
    if (exp - nowSec > this.#policy.maxTokenSec + SKEW_SEC)
      throw authErrors.TOKEN_INVALID(['it lives longer than auth.maxTokenSec allows']);
    return accessToken(result.data);
  }
}

function headerOf(text: string): ProtectedHeaderParameters {
  try {
    return decodeProtectedHeader(text);
  } catch (cause) {
    throw authErrors.TOKEN_INVALID(['not a JWT'], { cause });
  }
}
