/** Digest authentication, the arithmetic of it: RFC 7616 §3.4, RFC 8760 (SHA-256 in SIP), RFC 2617 for MD5 without qop. */
import { createHash } from 'node:crypto';

export type DigestAlgorithm = 'MD5' | 'MD5-sess' | 'SHA-256' | 'SHA-256-sess' | 'SHA-512-256' | 'SHA-512-256-sess';
export type Qop = 'auth' | 'auth-int';

/** Who proves what for which request. Either the password or HA1, the stored hash of it (see `digestHa1`). */
export interface DigestInput {
  readonly algorithm: DigestAlgorithm;
  readonly username: string;
  readonly realm: string;
  readonly secret: { readonly password: string } | { readonly ha1: string };
  readonly method: string;
  /** As it stands in the `uri` field of the credentials. */
  readonly uri: string;
  readonly nonce: string;
  /** Undefined when the challenge had none (RFC 2617 §3.2.2.1); then cnonce and nc do not count. */
  readonly qop: Qop | undefined;
  readonly cnonce: string;
  /** Eight hexadecimal digits, as sent. */
  readonly nc: string;
  /** Counts for auth-int only. */
  readonly body?: Buffer;
}

const HASHES: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' };
const ALGORITHMS: readonly DigestAlgorithm[] = [
  'MD5',
  'MD5-sess',
  'SHA-256',
  'SHA-256-sess',
  'SHA-512-256',
  'SHA-512-256-sess',
];

/** The algorithm of that name in any case; MD5 when there is none (RFC 7616 §3.3); undefined when we do not know it. */
export function digestAlgorithm(name: string | undefined): DigestAlgorithm | undefined {
  if (name === undefined) return 'MD5';
  return ALGORITHMS.find((algorithm) => algorithm.toLowerCase() === name.toLowerCase());
}

/** H(username:realm:password), which may be stored in place of the password; the same for an algorithm and its -sess. */
export function digestHa1(algorithm: DigestAlgorithm, username: string, realm: string, password: string): string {
  return hash(algorithm, `${username}:${realm}:${password}`);
}

/** The `response` field: lower-case hexadecimal. */
export function digestResponse(input: DigestInput): string {
  const { algorithm, nonce, cnonce, nc, qop } = input;
  const stored =
    'ha1' in input.secret ? input.secret.ha1 : digestHa1(algorithm, input.username, input.realm, input.secret.password);
  const ha1 = algorithm.endsWith('-sess') ? hash(algorithm, `${stored}:${nonce}:${cnonce}`) : stored;
  const bodyPart = qop === 'auth-int' ? `:${hash(algorithm, input.body ?? Buffer.alloc(0))}` : '';
  const ha2 = hash(algorithm, `${input.method}:${input.uri}${bodyPart}`);
  const middle = qop === undefined ? nonce : `${nonce}:${nc}:${cnonce}:${qop}`;
  return hash(algorithm, `${ha1}:${middle}:${ha2}`);
}

function hash(algorithm: DigestAlgorithm, data: string | Buffer): string {
  return createHash(HASHES[algorithm.replace('-sess', '')] ?? 'md5')
    .update(data)
    .digest('hex');
}
