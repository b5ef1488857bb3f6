/**
 * Digest authentication of users: RFC 3261 §22, RFC 7616, RFC 8760. An unknown user gets the same work and the same
 * answer as a known one with a wrong password, so that nobody can list our accounts.
 */
import { timingSafeEqual } from 'node:crypto';
import type { CallEvent } from '../calls/index.ts';
import {
  type Credentials,
  digestAlgorithm,
  digestResponse,
  formatChallenge,
  parseCredentials,
  parseUri,
} from '../sip/message/index.ts';
import type { Nonces } from './nonces.ts';
import type { AuthPolicy, Trunk, UserAccount, UserSecret } from './options.ts';
import type { InboundRequest, SipHeaders, SipSource } from './sip-ports.ts';

export type AuthVerdict =
  | { readonly kind: 'authenticated'; readonly user: UserAccount }
  /** A trunk that has an account of ours. */
  | { readonly kind: 'trunk'; readonly trunk: Trunk }
  | { readonly kind: 'challenge'; readonly status: 401 | 407; readonly headers: SipHeaders };

type Failure = Extract<CallEvent, { kind: 'auth-failed' }>['why'];
type Party = Exclude<AuthVerdict, { kind: 'challenge' }>;
/** `absent`: no credentials for us came with it, which is no failure. */
type Finding = Party | { readonly kind: 'failed'; readonly why: Failure | 'absent' };

/** Stands in for the password of users who do not exist. */
const NOBODY: UserSecret = { password: '' };

export interface AuthenticatorOptions {
  readonly users: readonly UserAccount[];
  /** Those with `inboundAuth` have accounts; its names differ from those of users. Default: none. */
  readonly trunks?: readonly Trunk[];
  /** Whether the trunk may come from there. Default: always. */
  readonly mayBeFrom?: (trunk: Trunk, source: SipSource) => boolean;
  readonly domain: string;
  readonly nonces: Nonces;
  readonly onFailure: (request: InboundRequest, why: Failure) => void;
  readonly onSuccess: (request: InboundRequest) => void;
}

export class Authenticator {
  readonly #users: ReadonlyMap<string, UserAccount>;
  readonly #trunks: ReadonlyMap<string, { readonly trunk: Trunk; readonly secret: UserSecret }>;
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#users = new Map(options.users.map((user) => [user.name, user]));
    const { trunks = [] } = options;
    this.#trunks = new Map(
      trunks.flatMap((trunk) => {
        const { username, password } = trunk.inboundAuth ?? {};
        return username === undefined || password === undefined ? [] : [[username, { trunk, secret: { password } }]];
      }),
    );
  }

  isUser(name: string): boolean {
    return this.#users.has(name);
  }

  userOf(name: string): UserAccount | undefined {
    return this.#users.get(name);
  }

  /** REGISTER is challenged with 401 as by a registrar, the rest with 407 as by a proxy (RFC 3261 §22.1). */
  check(request: InboundRequest, policy: AuthPolicy): AuthVerdict {
    const finding = this.#examine(request, policy);
    if (finding.kind !== 'failed') {
      this.#options.onSuccess(request);
      return finding;
    }
    if (finding.why !== 'absent') this.#options.onFailure(request, finding.why);
    const isStale = finding.why === 'stale' || finding.why === 'replay';
    const isRegister = request.method === 'REGISTER';
    const name = isRegister ? 'WWW-Authenticate' : 'Proxy-Authenticate';
    return {
      kind: 'challenge',
      status: isRegister ? 401 : 407,
      headers: { [name]: this.#challenges(policy, name, isStale) },
    };
  }

  #examine(request: InboundRequest, policy: AuthPolicy): Finding {
    const value =
      request.header(request.method === 'REGISTER' ? 'Authorization' : 'Proxy-Authorization') ??
      request.header('Authorization');
    if (value === undefined) return { kind: 'failed', why: 'absent' };
    const credentials = parseCredentials(value);
    if (credentials === undefined || !isWellMade(credentials, request.uri)) return { kind: 'failed', why: 'malformed' };
    if (credentials.realm !== this.#realmOf(policy)) return { kind: 'failed', why: 'absent' };
    return this.#prove(credentials, request, policy);
  }

  #prove(credentials: Credentials, { method, source }: InboundRequest, policy: AuthPolicy): Finding {
    const account = this.#accountOf(credentials.username);
    const isRight = isProof(credentials, { secret: account?.secret ?? NOBODY, method, policy });
    if (account === undefined || !isRight || !this.#isPlaced(account.party, source))
      return { kind: 'failed', why: 'credentials' };
    const verdict = this.#options.nonces.use(
      credentials.nonce,
      Number.parseInt(credentials.nc ?? '', 16),
      policy.nonceLifetimeSec * 1000,
    );
    // Right credentials for a nonce of an earlier run of the gateway: the client only needs a new one.
    if (verdict === 'ok') return account.party;
    return { kind: 'failed', why: verdict === 'replay' ? 'replay' : 'stale' };
  }

  #accountOf(username: string): { readonly party: Party; readonly secret: UserSecret } | undefined {
    const user = this.#users.get(username);
    if (user !== undefined) return { party: { kind: 'authenticated', user }, secret: user.secret };
    const account = this.#trunks.get(username);
    return account && { party: { kind: 'trunk', trunk: account.trunk }, secret: account.secret };
  }

  /** From a wrong address a right password gets the answer of a wrong one. */
  #isPlaced(party: Party, source: SipSource): boolean {
    const { mayBeFrom } = this.#options;
    return party.kind !== 'trunk' || mayBeFrom === undefined || mayBeFrom(party.trunk, source);
  }

  /** One header line for each algorithm, as RFC 3261 §7.3.1 wants it; MD5 last for clients that read only one. */
  #challenges(policy: AuthPolicy, headerName: string, isStale: boolean): string {
    const realm = this.#realmOf(policy);
    const nonce = this.#options.nonces.issue();
    return policy.algorithms
      .toSorted((a, b) => Number(a === 'MD5') - Number(b === 'MD5'))
      .map((algorithm) => formatChallenge({ realm, nonce, algorithm, qop: ['auth'], opaque: undefined, isStale }))
      .join(`\r\n${headerName}: `);
  }

  #realmOf(policy: AuthPolicy): string {
    return policy.realm ?? this.#options.domain;
  }
}

/** Our challenges always ask for qop=auth: credentials without it were stripped of it (RFC 7616 §5.8). */
function isWellMade(credentials: Credentials, requestUri: string): boolean {
  if (credentials.qop?.toLowerCase() !== 'auth' || credentials.cnonce === undefined) return false;
  if (!/^[0-9a-f]{8}$/i.test(credentials.nc ?? '') || Number.parseInt(credentials.nc ?? '', 16) === 0) return false;
  return isSameResource(credentials.uri, requestUri);
}

/** The `uri` must mean the Request-URI (RFC 7616 §3.4.6). Parameters differ in practice; user and host must not. */
function isSameResource(credentialsUri: string, requestUri: string): boolean {
  if (credentialsUri === requestUri) return true;
  const [a, b] = [parseUri(credentialsUri), parseUri(requestUri)];
  return a !== undefined && b !== undefined && a.user === b.user && a.host.toLowerCase() === b.host.toLowerCase();
}

interface ProofContext {
  readonly secret: UserSecret;
  readonly method: string;
  readonly policy: AuthPolicy;
}

function isProof(credentials: Credentials, { secret, method, policy }: ProofContext): boolean {
  const algorithm = digestAlgorithm(credentials.algorithm);
  if (algorithm !== 'MD5' && algorithm !== 'SHA-256') return false;
  const isAllowed = policy.algorithms.includes(algorithm) && (algorithm === 'MD5' || 'password' in secret);
  const { username, realm, uri, nonce, cnonce = '', nc = '' } = credentials;
  const expected = Buffer.from(
    digestResponse({ algorithm, username, realm, secret, method, uri, nonce, qop: 'auth', cnonce, nc }),
  );
  const given = Buffer.from(credentials.response);
  return isAllowed && given.length === expected.length && timingSafeEqual(given, expected);
}
