/** Who sends a request: a trunk by its address, a user by digest, or nobody we know. */
import { formatUri, type NameAddr, parseNameAddr, parseUri } from '../sip/message/index.ts';
import type { Authenticator } from './authenticator.ts';
import { readNumber } from './number-plan.ts';
import { DEFAULT_TENANT, type ProfilePolicy, type Profiles, type Trunk, type UserAccount } from './options.ts';
import type { InboundRequest, SipHeaders, SipTransportName } from './sip-ports.ts';
import type { TrunkMatch } from './trunk-match.ts';

/** As a callee sees the caller. */
export interface CallerIdentity {
  readonly user: string;
  readonly displayName: string;
  /** With our domain. */
  readonly uri: string;
}

export type Caller = { readonly identity: CallerIdentity; readonly profile: ProfilePolicy } & (
  | { readonly kind: 'user'; readonly user: UserAccount }
  | { readonly kind: 'trunk'; readonly trunk: Trunk }
  | { readonly kind: 'anonymous' }
);

export type Identification =
  | { readonly kind: 'caller'; readonly caller: Caller }
  | { readonly kind: 'refused'; readonly status: number; readonly headers: SipHeaders };

export interface IdentifyContext {
  readonly authenticator: Authenticator;
  readonly trunkOf: TrunkMatch;
  readonly profiles: Profiles;
  readonly domain: string;
}

/** Whose users and trunks it may use. A stranger is a stranger to every tenant but the first. */
export function tenantOf(party: Caller): string {
  if (party.kind === 'user') return party.user.tenant ?? DEFAULT_TENANT;
  return (party.kind === 'trunk' ? party.trunk.tenant : undefined) ?? DEFAULT_TENANT;
}

export function profileFor(transport: SipTransportName, profiles: Profiles): ProfilePolicy {
  return transport === 'ws' || transport === 'wss' ? profiles.browsers : profiles.phones;
}

export function identifyCaller(request: InboundRequest, context: IdentifyContext): Identification {
  const from = parseNameAddr(request.header('From') ?? '');
  const user = userOf(from);
  if (from === undefined || user === undefined) return { kind: 'refused', status: 400, headers: {} };
  const trunk = context.trunkOf(request.source);
  if (trunk !== undefined) {
    const { profile } = trunk;
    const identity = identityOf(readNumber(user, profile.numbers, 'calling'), from.displayName, context.domain);
    return { kind: 'caller', caller: { kind: 'trunk', trunk, profile, identity } };
  }
  const claimed = identityOf(user, from.displayName, context.domain);
  const profile = profileFor(request.source.transport, context.profiles);
  if (!profile.auth.required) return { kind: 'caller', caller: { kind: 'anonymous', profile, identity: claimed } };
  const verdict = context.authenticator.check(request, profile.auth);
  if (verdict.kind === 'challenge') return { kind: 'refused', status: verdict.status, headers: verdict.headers };
  // Nobody calls under another's name (RFC 3261 §22.1 leaves the mapping to us).
  if (user !== verdict.user.name) return { kind: 'refused', status: 403, headers: {} };
  const { name, displayName } = verdict.user;
  const identity = identityOf(name, displayName ?? from.displayName, context.domain);
  return { kind: 'caller', caller: { kind: 'user', user: verdict.user, profile, identity } };
}

/** Where it calls, the number of a trunk's in our words. As it came where it cannot be read. */
export function calledUri(text: string, party: Caller): string {
  const uri = parseUri(text);
  if (uri === undefined || party.kind !== 'trunk') return text;
  const number = readNumber(uri.scheme === 'tel' ? uri.host : uri.user, party.profile.numbers, 'called');
  return formatUri(uri.scheme === 'tel' ? { ...uri, host: number } : { ...uri, user: number });
}

/** The user part, or the number of a tel URI; undefined when the URI is malformed. */
function userOf(from: NameAddr | undefined): string | undefined {
  const uri = from === undefined ? undefined : parseUri(from.uri);
  if (uri === undefined) return undefined;
  return uri.scheme === 'tel' ? uri.host : uri.user;
}

function identityOf(user: string, displayName: string, domain: string): CallerIdentity {
  const shown = user === '' ? 'anonymous' : user;
  return { user: shown, displayName: printable(displayName), uri: `sip:${shown}@${domain}` };
}

/** A display name is shown, logged and sent on: it must not bring control characters along. */
function printable(text: string): string {
  // oxlint-disable-next-line eslint/no-control-regex
  return text.replace(/[\u0000-\u001f\u007f]/g, '').slice(0, 128);
}
