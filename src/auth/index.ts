export { type AccessToken, GRANTS, type Grant } from './access-token.ts';
export { type Auth, type AuthOptions, createAuth } from './auth.ts';
export { publicKeys, secretKey, type VerifyKey } from './keys.ts';
export type { MintedToken, MintRequest } from './minter.ts';
export type { Revocation } from './revocations.ts';
