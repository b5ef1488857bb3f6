/** The keys that access tokens are verified with. Each is good for one algorithm, whatever a token's header says. */
import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { authErrors } from './errors.ts';

export interface VerifyKey {
  /** Names the key in a token's header; undefined: any token of the algorithm may be of it. */
  readonly kid: string | undefined;
  /** As in a token's header (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2). */
  readonly algorithms: readonly string[];
  readonly key: KeyObject;
}

const MAX_KEYS = 32;
const jwksSchema = z.object({
  keys: z.array(z.looseObject({ kty: z.string(), kid: z.string().optional() })).max(MAX_KEYS),
});

/** A secret of both sides, for HS256. Throws AUTH_SECRET, naming `variable`, when it is too short to be one. */
export function secretKey(secret: string, variable: string): VerifyKey {
  if (secret.length < 32) throw authErrors.AUTH_SECRET([variable]);
  return { kid: undefined, algorithms: ['HS256'], key: createSecretKey(Buffer.from(secret, 'utf8')) };
}

/** The public keys in `text`: PEM, or a JWK Set (RFC 7517 §5). Throws AUTH_KEY that names `file`. */
export function publicKeys(text: string, file: string): readonly VerifyKey[] {
  const refuse = (why: string, options?: ErrorOptions): Error => authErrors.AUTH_KEY([file, why], options);
  if (/PRIVATE KEY/.test(text)) throw refuse('holds a private key: give us the public one only');
  try {
    if (text.trimStart().startsWith('{'))
      return jwksSchema.parse(JSON.parse(text)).keys.map((jwk) => fromJwk(jwk, refuse));
    return [{ kid: undefined, ...judged(createPublicKey(text), refuse) }];
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'AUTH_KEY') throw cause;
    throw refuse('neither a public key in PEM nor a JWK Set', { cause });
  }
}

type Refuse = (why: string) => Error;

function fromJwk(jwk: Record<string, unknown> & { kid?: string | undefined }, refuse: Refuse): VerifyKey {
  // A secret in a file of public keys would be a key that everybody knows.
  if (jwk['kty'] === 'oct') throw refuse('holds a symmetric key: use auth.secretEnv for a secret');
  if ('d' in jwk) throw refuse('holds a private key: give us the public one only');
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  return { kid: jwk.kid, ...judged(key, refuse) };
}

function judged(key: KeyObject, refuse: Refuse): Omit<VerifyKey, 'kid'> {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519') return { key, algorithms: ['EdDSA', 'Ed25519'] };
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return { key, algorithms: ['ES256'] };
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= 2048) return { key, algorithms: ['RS256'] };
  throw refuse('takes Ed25519, EC P-256 or RSA with at least 2048 bits');
}
