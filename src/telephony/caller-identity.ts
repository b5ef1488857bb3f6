/**
 * Who a caller is: what a trusted peer asserts (RFC 3325), else what From says; and whether the caller wants that to stay
 * between us (RFC 3323). Pure.
 */
import { type NameAddr, parseNameAddr, parseUri, splitOutside } from '../sip/message/index.ts';

/** As a callee sees the caller. */
export interface CallerIdentity {
  readonly user: string;
  readonly displayName: string;
  /** With our domain. */
  readonly uri: string;
  /** The caller asks that others do not learn it. Default false. */
  readonly isPrivate?: boolean;
}

/** What a From without an identity says (RFC 3323 §4.1.1.3). */
export const ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>';
const ANONYMOUS_HOST = 'anonymous.invalid';

type Headers = (name: string) => string | undefined;

/** What a peer asserts about the caller, if it asserts anything readable: to be asked only of a peer that is trusted. */
export function assertedBy(header: Headers): NameAddr | undefined {
  // Of two values one is a sip URI and the other a tel URI, of the same identity (RFC 3325 §9.1).
  return firstWithUser(header('P-Asserted-Identity')) ?? firstWithUser(header('Remote-Party-ID'));
}

/** Whether the caller asks for privacy. `isTrusted`: Remote-Party-ID, which nobody has standardized, counts too. */
export function wantsPrivacy(header: Headers, from: NameAddr, isTrusted: boolean): boolean {
  const wanted = new Set((header('Privacy') ?? '').toLowerCase().split(/[\s;,]+/));
  // RFC 3323 §4.2: an explicit word against it stands above all others.
  if (wanted.has('none')) return false;
  if (['id', 'user', 'header'].some((word) => wanted.has(word)) || isAnonymous(from)) return true;
  return isTrusted && /;\s*privacy\s*=\s*"?(?:full|uri)/i.test(header('Remote-Party-ID') ?? '');
}

export function isAnonymous(from: NameAddr): boolean {
  return parseUri(from.uri)?.host.toLowerCase() === ANONYMOUS_HOST;
}

/** The user part, or the number of a tel URI; undefined when the URI is malformed. */
export function userOf(from: NameAddr | undefined): string | undefined {
  const uri = from === undefined ? undefined : parseUri(from.uri);
  if (uri === undefined) return undefined;
  return uri.scheme === 'tel' ? uri.host : uri.user;
}

function firstWithUser(value: string | undefined): NameAddr | undefined {
  if (value === undefined) return undefined;
  return splitOutside(value, ',')
    .map((each) => parseNameAddr(each))
    .find((each) => each !== undefined && (userOf(each) ?? '') !== '' && !isAnonymous(each));
}
