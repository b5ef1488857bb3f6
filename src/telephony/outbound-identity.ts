/**
 * What a called party is told of the caller: From for everybody, P-Asserted-Identity for peers we trust (RFC 3325), a
 * number in the words of a trunk, and who has sent the call on (RFC 5806). Pure.
 */
import { formatNameAddr, parseUri } from '../sip/message/index.ts';
import type { BindingTarget } from './branch-leg.ts';
import type { Caller } from './caller.ts';
import { ANONYMOUS } from './caller-identity.ts';
import { writeNumber } from './number-plan.ts';
import type { ProfilePolicy, UserAccount } from './options.ts';
import { sentHeaders } from './passed-headers.ts';
import type { SipHeaders } from './sip-ports.ts';
import type { TrunkTarget } from './trunk-leg.ts';

/** A user whose phones were to ring first. */
export interface Diverter {
  readonly user: UserAccount;
  readonly reason: 'user-busy' | 'no-answer' | 'unavailable' | 'unknown';
}

export interface IdentityRequest {
  readonly caller: Caller;
  readonly target: BindingTarget | TrunkTarget;
  /** Of the called party. */
  readonly profile: ProfilePolicy;
  readonly domain: string;
  /** The number that the rule wants to be seen. */
  readonly callerId: string | undefined;
  /** Those who come to help must be able to call back: nothing is kept from them. */
  readonly isEmergency: boolean;
  readonly accepted: SipHeaders;
  readonly diverter: Diverter | undefined;
}

export function identityHeaders(request: IdentityRequest): SipHeaders {
  const { caller, profile, isEmergency, accepted } = request;
  const isTrusted = profile.trust === true;
  const hides = caller.identity.isPrivate === true && !isEmergency;
  const shown = shownIdentity(request);
  const passed = sentHeaders(accepted, { send: profile.headers?.send, isTrusted, hides });
  return {
    ...passed,
    ...diversion(request, passed['Diversion']),
    From: hides ? ANONYMOUS : shown,
    ...(isTrusted && isVouchedFor(caller) ? { 'P-Asserted-Identity': shown } : {}),
    ...(isTrusted && hides ? { Privacy: 'id' } : {}),
  };
}

/** Whose identity we know or have from somebody we trust. */
function isVouchedFor(caller: Caller): boolean {
  if (caller.identity.user === 'anonymous') return false;
  return caller.kind === 'user' || (caller.kind === 'trunk' && caller.profile.trust === true);
}

function shownIdentity(request: IdentityRequest): string {
  const { caller, domain } = request;
  const uri = uriFor(callerNumber(request), request);
  // A user part that would not parse in a URI came from a tel number or a foreign From: it is not passed on.
  return formatNameAddr({
    displayName: caller.identity.displayName,
    uri: parseUri(uri) === undefined ? `sip:anonymous@${domain}` : uri,
    params: new Map(),
  });
}

/** Towards a trunk a number that it knows, not the name of a user. */
function callerNumber({ target, caller, callerId }: IdentityRequest): string {
  const { user } = caller.identity;
  if (callerId !== undefined || target.kind !== 'trunk') return callerId ?? user;
  return (caller.kind === 'user' ? caller.user.number : undefined) ?? target.trunk.callerId ?? user;
}

function uriFor(number: string, { target, profile, domain }: IdentityRequest): string {
  if (target.kind !== 'trunk') return `sip:${number}@${domain}`;
  const tail = profile.numbers?.uri === 'phone' ? ';user=phone' : '';
  return `sip:${writeNumber(number, profile.numbers, 'calling')}@${domain}${tail}`;
}

/** The latest comes first (RFC 5806 §4). */
function diversion(request: IdentityRequest, earlier: string | undefined): SipHeaders {
  const { diverter, profile } = request;
  if (diverter === undefined || profile.diversion !== true) return {};
  const { user, reason } = diverter;
  const uri = uriFor(user.number ?? user.name, request);
  const ours = `<${uri}>;reason=${reason};counter=1`;
  return { Diversion: earlier === undefined ? ours : `${ours}, ${earlier}` };
}
