/** The headers of digest authentication: RFC 3261 §20.7, §20.27, §20.44, §25.1; RFC 7616 §3.3, §3.4. */
import { quote, unquote } from './params.ts';
import { splitOutside } from './split-values.ts';

/** What WWW-Authenticate and Proxy-Authenticate say. */
export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  /** As written; MD5 is meant when undefined. */
  readonly algorithm: string | undefined;
  /** In the order of the challenge; empty when the field is missing. */
  readonly qop: readonly string[];
  readonly opaque: string | undefined;
  readonly isStale: boolean;
}

/** What Authorization and Proxy-Authorization say. All values unquoted. */
export interface Credentials {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly algorithm: string | undefined;
  readonly qop: string | undefined;
  readonly cnonce: string | undefined;
  readonly nc: string | undefined;
  readonly opaque: string | undefined;
}

const FIELD = /[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*=[ \t]*("(?:[^"\\]|\\[^])*"|[^\s,"]+)[ \t]*(?:,|$)/y;

const CONTINUES = /^[ \t]*[A-Za-z0-9\-.!%*_+`'~]+[ \t]*=/;

/** Reads one challenge; undefined when it is not Digest or lacks a field it must have. */
export function parseChallenge(value: string): Challenge | undefined {
  const fields = parseFields(value);
  const realm = fields?.get('realm');
  const nonce = fields?.get('nonce');
  if (fields === undefined || realm === undefined || nonce === undefined) return undefined;
  const qop = fields.get('qop') ?? '';
  return {
    realm,
    nonce,
    algorithm: fields.get('algorithm'),
    qop: qop
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
    opaque: fields.get('opaque'),
    isStale: fields.get('stale')?.toLowerCase() === 'true',
  };
}

/** The challenges in a header whose lines are joined by ',' or that has several on one line (RFC 3261 §7.3.1). */
export function splitChallenges(value: string): readonly string[] {
  const challenges: string[] = [];
  for (const part of splitOutside(value, ',')) {
    const last = challenges.length - 1;
    // What begins with a field goes on with the challenge before; a scheme stands in front of its first one.
    if (last >= 0 && CONTINUES.test(part)) challenges[last] += `,${part}`;
    else challenges.push(part.trim());
  }
  return challenges;
}

/** Writes one challenge. The algorithm is named even when it is MD5, as RFC 8760 §2.3 wants it. */
export function formatChallenge(challenge: Challenge): string {
  const parts = [`realm=${quote(challenge.realm)}`, `nonce=${quote(challenge.nonce)}`];
  if (challenge.opaque !== undefined) parts.push(`opaque=${quote(challenge.opaque)}`);
  if (challenge.isStale) parts.push('stale=true');
  if (challenge.algorithm !== undefined) parts.push(`algorithm=${challenge.algorithm}`);
  if (challenge.qop.length > 0) parts.push(`qop=${quote(challenge.qop.join(','))}`);
  return `Digest ${parts.join(', ')}`;
}

/** Writes credentials, each field quoted or not as RFC 7616 §3.4 has it. */
export function formatCredentials(credentials: Credentials): string {
  const { username, realm, nonce, uri, response, algorithm, qop, cnonce, nc, opaque } = credentials;
  const parts = [`username=${quote(username)}`, `realm=${quote(realm)}`, `nonce=${quote(nonce)}`, `uri=${quote(uri)}`];
  parts.push(`response=${quote(response)}`);
  if (algorithm !== undefined) parts.push(`algorithm=${algorithm}`);
  if (opaque !== undefined) parts.push(`opaque=${quote(opaque)}`);
  if (qop !== undefined) parts.push(`qop=${qop}`, `nc=${nc ?? ''}`, `cnonce=${quote(cnonce ?? '')}`);
  return `Digest ${parts.join(', ')}`;
}

/** Reads credentials; undefined when they are not Digest or lack a field they must have. */
export function parseCredentials(value: string): Credentials | undefined {
  const fields = parseFields(value);
  if (fields === undefined) return undefined;
  const [username, realm, nonce, uri, response] = ['username', 'realm', 'nonce', 'uri', 'response'].map((name) =>
    fields.get(name),
  );
  if (username === undefined || realm === undefined || nonce === undefined) return undefined;
  if (uri === undefined || response === undefined) return undefined;
  return {
    username,
    realm,
    nonce,
    uri,
    response: response.toLowerCase(),
    algorithm: fields.get('algorithm'),
    qop: fields.get('qop'),
    cnonce: fields.get('cnonce'),
    nc: fields.get('nc'),
    opaque: fields.get('opaque'),
  };
}

/** `Digest name=value, name="value"`; undefined for another scheme, a malformed field or one that comes twice. */
function parseFields(value: string): ReadonlyMap<string, string> | undefined {
  const scheme = /^[ \t]*Digest[ \t]+/i.exec(value);
  if (scheme === null) return undefined;
  const fields = new Map<string, string>();
  FIELD.lastIndex = scheme[0].length;
  while (FIELD.lastIndex < value.length) {
    const [, rawName, text = ''] = FIELD.exec(value) ?? [];
    const name = rawName?.toLowerCase();
    if (name === undefined || fields.has(name)) return undefined;
    fields.set(name, unquote(text));
  }
  return fields;
}
