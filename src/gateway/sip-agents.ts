/** Agents that are reached by SIP: each a trunk of its own, with nothing but the one who is behind it. */
import type { Config, ProfileConfig } from '../config/index.ts';
import type { Trunk } from '../telephony/index.ts';
import { secretIn } from './secret-in.ts';

type SipAgent = Extract<Config['agents'][number], { protocol: 'sip' }>;

export function sipAgentsOf({ agents }: Config): readonly SipAgent[] {
  return agents.filter((agent): agent is SipAgent => agent.protocol === 'sip');
}

/** The part of its URI that says where it is. */
export function targetOf({ uri }: SipAgent): string {
  const [scheme = 'sip'] = uri.split(':', 1);
  return `${scheme}:${uri.slice(uri.indexOf('@') + 1)}`;
}

export function sipAgentTrunks(config: Config): readonly Trunk[] {
  return sipAgentsOf(config).map((agent) => {
    const { name, uri, headers, username, passwordEnv, connectTimeoutSec } = agent;
    const profile = config.profiles.find((each) => each.name === agent.profile);
    if (profile === undefined) throw new Error(`agent ${name} has no profile`);
    return {
      name,
      agent: { user: uri.slice(uri.indexOf(':') + 1, uri.indexOf('@')), headers },
      addresses: [],
      target: targetOf(agent),
      transport: 'auto',
      profile: profileOf(profile),
      hunt: { failoverOn: [500, 502, 503, 504], tryTimeoutMs: connectTimeoutSec * 1000, isBrief: true },
      auth: username === undefined ? undefined : { username, password: secretIn(passwordEnv) ?? '' },
    };
  });
}

/** It may send its caller on (RFC 3515); numbers are nothing to it. */
function profileOf({ numbers: _numbers, ...profile }: ProfileConfig): Trunk['profile'] {
  return { ...profile, transfer: { refer: 'bridge' } };
}
