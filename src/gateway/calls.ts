/** Telephony from the configuration. */
import { hostname } from 'node:os';
import type { CallEvent } from '../calls/index.ts';
import { type Config, localAddresses, type ProfileConfig, type UserConfig } from '../config/index.ts';
import { createRouteHook } from '../hooks/index.ts';
import type { RunningMediaPlane } from '../media/index.ts';
import type { Store } from '../store/index.ts';
import {
  type BanPolicy,
  type ReloadableOptions,
  startTelephony,
  type Telephony,
  type Trunk,
} from '../telephony/index.ts';
import { createAgents, type TwilioSide } from './agents.ts';
import type { Engine } from './engine.ts';
import { clock, type Parts, random } from './parts.ts';
import { sipAgentTrunks } from './sip-agents.ts';

interface TelephonyInput {
  readonly engine: Engine;
  readonly media: RunningMediaPlane;
  readonly store: Store;
  readonly users: readonly UserConfig[];
  readonly twilio: TwilioSide;
  readonly observer: (event: CallEvent) => void;
}

/** What a reload may change. */
export function reloadableOptions(config: Config, users: readonly UserConfig[]): ReloadableOptions {
  const { profiles } = config;
  // Where no listener is of that kind it hardly matters, but it must not be one that asks nobody for a password.
  const byTransport = (...wanted: readonly string[]) =>
    profiles.find(({ listeners }) => listeners.some(({ transport }) => wanted.includes(transport))) ??
    profiles.find(({ listeners }) => listeners.length > 0) ??
    profiles.find(({ auth }) => auth.required);
  const [browsers, phones] = [byTransport('ws', 'wss'), byTransport('udp', 'tcp', 'tls')];
  if (browsers === undefined || phones === undefined)
    throw new Error('no profile with listeners, and none that asks for passwords');
  return {
    profiles: { browsers, phones },
    users: users.map(({ name, password, displayName, number, tenant }) => ({
      name,
      secret: { password },
      displayName,
      number,
      tenant,
    })),
    trunks: [...config.trunks.map((trunk) => trunkOf(trunk, profiles)), ...sipAgentTrunks(config)],
    trunkGroups: config.trunkGroups,
    dialplan: config.dialplan,
    emergencyNumbers: config.emergencyNumbers,
    tollFraud: config.tollFraud.enabled ? config.tollFraud : undefined,
  };
}

export async function startCalls(
  { config, logger, scope, announced }: Parts,
  input: TelephonyInput,
): Promise<Telephony> {
  const { sip } = config;
  const telephony = await startTelephony({
    wire: input.engine.wire,
    isEngineOurs: input.engine.server !== undefined,
    domain: sip.domain,
    domains: [...sip.domains, ...localAddresses(), announced, hostname(), 'localhost'],
    edgeProxies: sip.edgeProxies,
    ...reloadableOptions(config, input.users),
    bans: banPolicy(config),
    nameServers: sip.dnsServers,
    onTrunkSources: (sources) => input.engine.server?.exempt({ trustedNetworks: [...sip.edgeProxies, ...sources] }),
    routeHook: createRouteHook({ clock, random, logger, concurrency: 200 }),
    timers: {
      noAnswerMs: sip.noAnswerSec * 1000,
      reregisterWaitMs: sip.reregisterWaitSec * 1000,
      recordTtlMs: config.telemetry.callRecordDays * 86_400_000,
    },
    store: input.store,
    media: input.media,
    agents: createAgents(config, { audio: input.media.agentAudio, logger, twilioSide: input.twilio }),
    observer: input.observer,
    clock,
    random,
    logger,
  });
  input.engine.server?.follow(() => telephony.engineReading);
  scope.add(() => telephony.close());
  return telephony;
}

function banPolicy({ sip }: Config): BanPolicy | undefined {
  const { enabled, failures, accounts, windowSec, banSec } = sip.bans;
  return enabled ? { failures, accounts, windowMs: windowSec * 1000, banMs: banSec * 1000 } : undefined;
}

type TrunkConfig = Config['trunks'][number];

function trunkOf(trunk: TrunkConfig, profiles: readonly ProfileConfig[]): Trunk {
  const profile = profiles.find(({ name }) => name === trunk.profile);
  if (profile === undefined) throw new Error(`trunk ${trunk.name} has no profile`);
  return trunkOptions(trunk, profile);
}

function trunkOptions(
  { health, hunt, auth, inboundAuth, register, ...trunk }: TrunkConfig,
  profile: ProfileConfig,
): Trunk {
  const { intervalSec, timeoutSec, suspectSec, ...counts } = health;
  return {
    ...trunk,
    auth: auth === undefined ? undefined : { ...auth, password: auth.password ?? '' },
    inboundAuth: inboundAuth === undefined ? undefined : { ...inboundAuth, password: inboundAuth.password ?? '' },
    register: register === undefined ? undefined : registerOptions(register),
    profile: profileOf(trunk, profile),
    health: { ...counts, intervalMs: intervalSec * 1000, timeoutMs: timeoutSec * 1000, suspectMs: suspectSec * 1000 },
    hunt: { failoverOn: hunt.failoverOn, tryTimeoutMs: hunt.tryTimeoutSec * 1000 },
  };
}

/** What the trunk itself says comes before its profile. */
function profileOf(trunk: Pick<TrunkConfig, 'numbers' | 'trust' | 'headers' | 'diversion'>, profile: ProfileConfig) {
  const { numbers, trust = profile.trust, headers, diversion = profile.diversion } = trunk;
  const lists = {
    accept: headers?.accept ?? profile.headers.accept,
    send: headers?.send ?? profile.headers.send,
  };
  return { ...profile, trust, diversion, headers: lists, numbers: { ...profile.numbers, ...numbers } };
}

function registerOptions(register: NonNullable<Config['trunks'][number]['register']>): Trunk['register'] {
  const { retrySec, maxRetrySec, refusedRetrySec, ...rest } = register;
  return {
    ...rest,
    retryMs: retrySec * 1000,
    maxRetryMs: maxRetrySec * 1000,
    refusedRetryMs: refusedRetrySec * 1000,
  };
}
