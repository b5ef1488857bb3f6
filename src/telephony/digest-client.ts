/**
 * Which challenge of a peer is answered, and with what: RFC 3261 §22.2, RFC 7616, RFC 8760. Pure; who may be answered
 * at all is decided in trunk-credentials.ts.
 */
import {
  type Challenge,
  digestAlgorithm,
  digestResponse,
  formatCredentials,
  parseChallenge,
  splitChallenges,
} from '../sip/message/index.ts';
import type { DigestAccount } from './options.ts';
import type { Challenged } from './sip-ports.ts';

type Algorithm = NonNullable<ReturnType<typeof digestAlgorithm>>;

/** A challenge that can be answered. */
export interface PickedChallenge extends Challenge {
  readonly knownAlgorithm: Algorithm;
  /** Undefined: none was asked for (RFC 2617 §3.2.2.1). */
  readonly answeredQop: 'auth' | 'auth-int' | undefined;
}

export type ChallengeFinding =
  | { readonly kind: 'picked'; readonly challenge: PickedChallenge }
  /** `realm`: of the first challenge; '' where none is well made. */
  | { readonly kind: 'none'; readonly realm: string; readonly why: 'foreign-realm' | 'no-known-algorithm' };

/** Challenges read of one header: more would be an attack on our time. */
const MAX_CHALLENGES = 16;
// oxlint-disable-next-line eslint/no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/;

/** The strongest challenge of `realm`; `realm` undefined: of the realm that stands first. */
export function pickChallenge(header: string, realm: string | undefined): ChallengeFinding {
  const all = splitChallenges(header)
    .slice(0, MAX_CHALLENGES)
    .flatMap((text) => parseChallenge(text) ?? [])
    .filter((challenge) => !CONTROL.test(`${challenge.realm}${challenge.nonce}${challenge.opaque ?? ''}`));
  const shown = all[0]?.realm ?? '';
  const wanted = realm ?? shown;
  const ours = all.filter((challenge) => challenge.realm === wanted);
  if (ours.length === 0) return { kind: 'none', realm: shown, why: 'foreign-realm' };
  const [best] = ours.flatMap(answerable).toSorted((a, b) => strength(b) - strength(a));
  return best === undefined
    ? { kind: 'none', realm: shown, why: 'no-known-algorithm' }
    : { kind: 'picked', challenge: best };
}

function answerable(challenge: Challenge): readonly PickedChallenge[] {
  const knownAlgorithm = digestAlgorithm(challenge.algorithm);
  const offered = challenge.qop.map((each) => each.toLowerCase());
  const answeredQop = (['auth', 'auth-int'] as const).find((qop) => offered.includes(qop));
  if (knownAlgorithm === undefined || (offered.length > 0 && answeredQop === undefined)) return [];
  return [{ ...challenge, knownAlgorithm, answeredQop }];
}

/** A broken hash last, whatever the order of the server: who could change the order would choose MD5 (RFC 8760 §2.4). */
function strength({ knownAlgorithm }: PickedChallenge): number {
  return knownAlgorithm.startsWith('MD5') ? 0 : 1;
}

/** The value of the header that answers it. `count`: how often the nonce has been used, this time included. */
export function credentialsFor(
  challenge: PickedChallenge,
  { username, password }: DigestAccount,
  { method, uri, body }: Pick<Challenged, 'method' | 'uri' | 'body'>,
  use: { readonly cnonce: string; readonly count: number },
): string {
  const { realm, nonce, opaque, knownAlgorithm, answeredQop: qop } = challenge;
  const nc = use.count.toString(16).padStart(8, '0');
  const { cnonce } = use;
  const response = digestResponse({
    algorithm: knownAlgorithm,
    username,
    realm,
    secret: { password },
    method,
    uri,
    nonce,
    qop,
    cnonce,
    nc,
    body: Buffer.from(body),
  });
  // A server that names no algorithm may not know the field (RFC 2069).
  const algorithm = challenge.algorithm === undefined ? undefined : knownAlgorithm;
  const needsCnonce = qop !== undefined;
  return formatCredentials({
    username,
    realm,
    nonce,
    uri,
    response,
    algorithm,
    opaque,
    qop,
    cnonce: needsCnonce ? cnonce : undefined,
    nc: needsCnonce ? nc : undefined,
  });
}
