/** Who sends a request: a trunk by its address, a user by digest, or nobody we know. */
import { formatUri, type NameAddr, parseNameAddr, parseUri } from '../sip/message/index.ts';
import type { Authenticator } from './authenticator.ts';
import { assertedBy, type CallerIdentity, isAnonymous, userOf, wantsPrivacy } from './caller-identity.ts';
import { readNumber } from './number-plan.ts';
import { DEFAULT_TENANT, type ProfilePolicy, type Profiles, type Trunk, type UserAccount } from './options.ts';
import type { InboundRequest, SipHeaders, SipTransportName } from './sip-ports.ts';

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
  /** By where a request comes from, and what it goes to. */
  readonly trunkOf: (request: Pick<InboundRequest, 'source' | 'uri'>) => Trunk | undefined;
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
  const trunk = context.trunkOf(request);
  if (trunk !== undefined) return { kind: 'caller', caller: trunkCaller(trunk, from, request, context) };
  const profile = profileFor(request.source.transport, context.profiles);
  const isPrivate = wantsPrivacy((name) => request.header(name), from, false);
  if (!profile.auth.required) {
    const identity = identityOf({ user, displayName: from.displayName, isPrivate }, context.domain);
    return { kind: 'caller', caller: { kind: 'anonymous', profile, identity } };
  }
  const verdict = context.authenticator.check(request, profile.auth);
  if (verdict.kind === 'challenge') return { kind: 'refused', status: verdict.status, headers: verdict.headers };
  if (verdict.kind === 'trunk') return { kind: 'caller', caller: trunkCaller(verdict.trunk, from, request, context) };
  // Nobody calls under another's name (RFC 3261 §22.1 leaves the mapping to us), but without one: we know who it is.
  if (user !== verdict.user.name && !isAnonymous(from)) return { kind: 'refused', status: 403, headers: {} };
  const { name, displayName } = verdict.user;
  const shown = displayName ?? (isAnonymous(from) ? '' : from.displayName);
  const identity = identityOf({ user: name, displayName: shown, isPrivate }, context.domain);
  return { kind: 'caller', caller: { kind: 'user', user: verdict.user, profile, identity } };
}

/** What it asserts is believed only of one that is trusted. */
function trunkCaller(trunk: Trunk, from: NameAddr, request: InboundRequest, { domain }: IdentifyContext): Caller {
  const { profile } = trunk;
  const header = (name: string): string | undefined => request.header(name);
  const isTrusted = profile.trust === true;
  const who = (isTrusted ? assertedBy(header) : undefined) ?? from;
  const user = readNumber(userOf(who) ?? '', profile.numbers, 'calling');
  const displayName = who.displayName === '' && !isAnonymous(from) ? from.displayName : who.displayName;
  const identity = identityOf({ user, displayName, isPrivate: wantsPrivacy(header, from, isTrusted) }, domain);
  return { kind: 'trunk', trunk, profile, identity };
}

/** Where it calls, the number of a trunk's in our words. As it came where it cannot be read. */
export function calledUri(text: string, party: Caller): string {
  const uri = parseUri(text);
  if (uri === undefined || party.kind !== 'trunk') return text;
  const number = readNumber(uri.scheme === 'tel' ? uri.host : uri.user, party.profile.numbers, 'called');
  return formatUri(uri.scheme === 'tel' ? { ...uri, host: number } : { ...uri, user: number });
}

function identityOf(
  { user, displayName, isPrivate }: Pick<CallerIdentity, 'user' | 'displayName' | 'isPrivate'>,
  domain: string,
): CallerIdentity {
  const shown = user === '' ? 'anonymous' : user;
  const identity = { user: shown, displayName: printable(displayName), uri: `sip:${shown}@${domain}` };
  return isPrivate === true ? { ...identity, isPrivate } : identity;
}

/** A display name is shown, logged and sent on: it must not bring control characters along. */
function printable(text: string): string {
  // oxlint-disable-next-line eslint/no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '').slice(0, 128);
}
