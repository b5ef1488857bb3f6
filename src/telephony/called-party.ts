/** Whoever we call, as one who may ask for something in the call, such as a transfer: with the rights it has as a caller. */
import type { Authenticator } from './authenticator.ts';
import { type Caller, profileFor } from './caller.ts';
import type { Profiles } from './options.ts';
import type { BranchTarget } from './routing.ts';

export interface CalledPartyContext {
  readonly profiles: Profiles;
  readonly domain: string;
  readonly authenticator: Authenticator;
}

/** Undefined for a party that we play ourselves. */
export function calledParty(target: BranchTarget, settings: CalledPartyContext): Caller | undefined {
  if (target.kind === 'built-in' || target.kind === 'agent') return undefined;
  if (target.kind === 'trunk') {
    const { trunk, number } = target;
    const identity = { user: number, displayName: '', uri: `sip:${number}@${settings.domain}` };
    return { kind: 'trunk', trunk, profile: trunk.profile, identity };
  }
  const { aor, transport } = target.binding;
  const name = /^sip:([^@]+)@/.exec(aor)?.[1] ?? '';
  const profile = profileFor(transport, settings.profiles);
  const user = profile.auth.required ? settings.authenticator.userOf(name) : undefined;
  const identity = { user: name, displayName: user?.displayName ?? '', uri: aor };
  return user === undefined ? { kind: 'anonymous', profile, identity } : { kind: 'user', user, profile, identity };
}
