/** All trunks: their servers, their gates, the groups they are in, and who of them a source address is. */
import { isDeepStrictEqual } from 'node:util';
import type { CallObserver } from '../calls/index.ts';
import type { Clock, Logger, Random } from '../kernel/index.ts';
import { createLocator, type LocateTransport, type Locator } from '../sip/locate/index.ts';
import type { TelephonyOptions, Trunk } from './options.ts';
import type { EngineLink, InboundRequest, OutboundCredentials, SipSource } from './sip-ports.ts';
import { TrunkCredentials } from './trunk-credentials.ts';
import { type TrunkGroup, trunksBehind } from './trunk-groups.ts';
import { isPromising } from './trunk-health.ts';
import { type CallDirection, TrunkGate, type TrunkLoad, type TrunkPass } from './trunk-limits.ts';
import { createTrunkMatch, isHostName, isNamed, type TrunkMatch } from './trunk-match.ts';
import type { TrunkRealms } from './trunk-realms.ts';
import type { RegistrationView } from './trunk-registration.ts';
import { TrunkRegistrations } from './trunk-registrations.ts';
import type { TrunkServer } from './trunk-server.ts';
import { type RankedServerView, TrunkServers } from './trunk-servers.ts';

export interface TrunkDirectoryOptions {
  readonly locator: Locator;
  readonly link: EngineLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly observer: CallObserver;
  readonly realms: TrunkRealms;
  /** What the calls of trunks come from, each time that it changes: IP, IP/prefix length, IP:port. */
  readonly onSources?: ((sources: readonly string[]) => void) | undefined;
}

export interface TrunkList {
  readonly trunks: readonly Trunk[];
  readonly groups: readonly TrunkGroup[];
}

export interface TrunkView extends TrunkLoad {
  readonly name: string;
  readonly targets: readonly string[];
  readonly limits: { readonly calls: number | undefined; readonly callsPerSec: number | undefined };
  /** Undefined: we do not register there. */
  readonly registration: RegistrationView | undefined;
  readonly servers: readonly RankedServerView[];
}

/** In the order of preference. */
const TRANSPORTS: readonly LocateTransport[] = ['udp', 'tcp', 'tls'];

interface Entry {
  readonly trunk: Trunk;
  readonly servers: TrunkServers;
  /** Where its calls come from, as far as that is given by names; undefined: by numbers only. */
  readonly sources: TrunkServers | undefined;
  readonly gate: TrunkGate;
}

export class TrunkDirectory {
  readonly #options: TrunkDirectoryOptions;
  readonly #credentials: TrunkCredentials;
  readonly #registrations: TrunkRegistrations;
  #list: TrunkList = { trunks: [], groups: [] };
  #entries: ReadonlyMap<string, Entry> = new Map();
  #match: TrunkMatch = () => undefined;
  #told: readonly string[] = [];

  constructor(options: TrunkDirectoryOptions) {
    this.#options = options;
    this.#credentials = new TrunkCredentials({ ...options, isServer: (trunk, address) => this.#has(trunk, address) });
    this.#registrations = new TrunkRegistrations((trunk) => ({
      ...options,
      servers: () => this.#entries.get(trunk.name)?.servers.forRegistration() ?? [],
      credentials: () => this.#credentials.of(trunk),
    }));
  }

  /**
   * Puts other trunks in force. What has not changed goes on as it was, and so do running calls. Throws
   * LOCATE_BAD_TARGET, TELEPHONY_BAD_ADDRESS or TELEPHONY_BAD_AOR, and all stays as it was then.
   */
  replace(list: TrunkList): void {
    const match = createTrunkMatch(list.trunks.filter(isKnownBySource));
    const before = this.#entries;
    const entries = new Map(list.trunks.map((trunk) => [trunk.name, this.#entryOf(trunk, before.get(trunk.name))]));
    this.#registrations.replace(list.trunks);
    this.#list = list;
    this.#match = match;
    this.#entries = entries;
    for (const [name, entry] of before) if (entries.get(name)?.servers !== entry.servers) stopEntry(entry);
    for (const [name, entry] of entries) if (before.get(name)?.servers !== entry.servers) startEntry(entry);
    this.#tellSources();
  }

  /** Takes the registrations back, for which the servers are needed still. */
  async unregister(ms: number): Promise<void> {
    await this.#registrations.close(this.#options.clock, ms);
  }

  close(): void {
    for (const entry of this.#entries.values()) stopEntry(entry);
    this.#options.locator.close();
  }

  /** What the dialplan may name: the trunks that are allowed, then the groups all of whose trunks are. */
  namesFor(isAllowed: (trunk: Trunk) => boolean): readonly string[] {
    const allowed = new Set(
      this.#list.trunks.filter((trunk) => trunk.agent === undefined && isAllowed(trunk)).map(({ name }) => name),
    );
    const groups = this.#list.groups.filter(({ members }) => members.every(({ trunk }) => allowed.has(trunk)));
    return [...allowed, ...groups.map(({ name }) => name)];
  }

  /**
   * The trunk, or the members of the group, of that name: best first, drawn anew for each call, those whose servers
   * seem to be down last. None when nobody has the name.
   */
  behind(name: string): readonly Trunk[] {
    const drawn = trunksBehind(name, this.#list, this.#options.random);
    const mayWork = (trunk: Trunk): boolean => this.#entries.get(trunk.name)?.servers.isPromising ?? false;
    return [...drawn.filter(mayWork), ...drawn.filter((trunk) => !mayWork(trunk))];
  }

  /** Undefined: no agent of that name is reached by SIP. */
  agent(name: string): Trunk | undefined {
    return this.#list.trunks.find((trunk) => trunk.name === name && trunk.agent !== undefined);
  }

  /**
   * Whose request this is: of the trunk to whose Contact it goes, if it comes from its servers; else by source address,
   * one that is configured or one that a name stands for at present. None that has to prove itself by digest.
   */
  recognize({ source, uri }: Pick<InboundRequest, 'source' | 'uri'>): Trunk | undefined {
    const isFrom = (trunk: Trunk): boolean =>
      isKnownBySource(trunk) && this.#has(trunk, source.address) && isNamed(trunk, source);
    return this.#registrations.recognize({ uri }, isFrom) ?? this.#bySource(source);
  }

  #bySource(source: SipSource): Trunk | undefined {
    const matched = this.#match(source);
    if (matched !== undefined) return matched;
    const address = source.address.replace(/^\[|\]$/g, '');
    for (const { trunk, sources } of this.#entries.values()) {
      const isKnown = isKnownBySource(trunk) && sources?.hasAddress(address) === true;
      if (isKnown && isNamed(trunk, source)) return trunk;
    }
    return undefined;
  }

  /** Whether a trunk that proves itself by digest may do so from there: with no addresses, from anywhere. */
  mayBeFrom(trunk: Trunk, source: SipSource): boolean {
    if (trunk.addresses.length === 0) return isNamed(trunk, source);
    if (createTrunkMatch([trunk])(source) !== undefined) return true;
    const sources = this.#entries.get(trunk.name)?.sources;
    return sources?.hasAddress(source.address.replace(/^\[|\]$/g, '')) === true && isNamed(trunk, source);
  }

  /** What we prove ourselves with there; undefined: nothing. */
  credentialsFor(trunk: Trunk): OutboundCredentials | undefined {
    return this.#credentials.of(trunk);
  }

  /** Where calls to it may go at present, best first, and before all where we are registered; `whenReady` says when that is known. */
  serversFor(trunk: Trunk): readonly TrunkServer[] {
    const servers = this.#entries.get(trunk.name)?.servers.forCall() ?? [];
    const home = this.#registrations.homeOf(trunk);
    const first = servers.find(({ nextHop, standing }) => nextHop === home && isPromising(standing));
    return first === undefined ? servers : [first, ...servers.filter((server) => server !== first)];
  }

  /** An address of it, for what must know the family beforehand; undefined when none is known. */
  addressOf(trunk: Trunk): string | undefined {
    return this.#entries.get(trunk.name)?.servers.forCall()[0]?.address;
  }

  /** Undefined: it is known already where its servers are, or that there are none. */
  whenReady(trunk: Trunk): Promise<void> | undefined {
    return this.#entries.get(trunk.name)?.servers.whenReady();
  }

  /** A place for a call; undefined when a limit of the trunk is reached. */
  enter(trunk: Trunk, direction: CallDirection, isEmergency: boolean): TrunkPass | undefined {
    return this.#entries.get(trunk.name)?.gate.enter(direction, isEmergency);
  }

  #has(trunk: Trunk, address: string): boolean {
    return this.#entries.get(trunk.name)?.servers.hasAddress(address.replace(/^\[|\]$/g, '')) ?? false;
  }

  views(): readonly TrunkView[] {
    return [...this.#entries.values()].map(({ trunk, servers, gate }) => ({
      name: trunk.name,
      targets: [trunk.target].flat(),
      limits: { calls: trunk.limits?.calls, callsPerSec: trunk.limits?.callsPerSec },
      ...gate.load,
      registration: this.#registrations.viewOf(trunk),
      servers: servers.view(),
    }));
  }

  /** The load outlives every change, and what is known of the servers every change that does not concern them. */
  #entryOf(trunk: Trunk, before: Entry | undefined): Entry {
    const gate = before?.gate ?? new TrunkGate(this.#options.clock);
    gate.limits = trunk.limits ?? {};
    if (before !== undefined && isSameWay(before.trunk, trunk)) return { ...before, trunk, gate };
    const options = { ...this.#options, onLocated: () => this.#tellSources() };
    const servers = new TrunkServers({ trunk, ...options });
    const names = trunk.addresses.filter(isHostName);
    const named = names.length === 0 ? undefined : new TrunkServers({ trunk: sourceTrunk(trunk, names), ...options });
    // A certificate is enough by itself, and so is an account.
    const isByTarget = trunk.addresses.length + (trunk.certificateNames ?? []).length === 0 && isKnownBySource(trunk);
    return { trunk, servers, sources: isByTarget ? servers : named, gate };
  }

  #tellSources(): void {
    const sources = [...new Set([...this.#entries.values()].flatMap(sourcesOf))].toSorted();
    if (isDeepStrictEqual(sources, this.#told)) return;
    this.#told = sources;
    this.#options.onSources?.(sources);
  }
}

/** Others prove who they are by digest, or do not call at all. */
function isKnownBySource({ inboundAuth, agent }: Trunk): boolean {
  return inboundAuth === undefined && agent === undefined;
}

function sourcesOf({ trunk, sources }: Entry): readonly string[] {
  return [...trunk.addresses.filter((address) => !isHostName(address)), ...(sources?.addresses ?? [])];
}

function startEntry({ servers, sources }: Entry): void {
  servers.start();
  if (sources !== servers) sources?.start();
}

function stopEntry({ servers, sources }: Entry): void {
  servers.close();
  sources?.close();
}

function isSameWay(a: Trunk, b: Trunk): boolean {
  return isDeepStrictEqual(wayOf(a), wayOf(b));
}

/** What its servers are found and watched by. */
function wayOf({ target, transport, health, addresses, certificateNames, inboundAuth }: Trunk): Partial<Trunk> {
  return {
    target,
    transport,
    health,
    addresses,
    inboundAuth,
    ...(certificateNames === undefined ? {} : { certificateNames }),
  };
}

/** Names that calls come from are looked up like targets, and never sent anything. */
function sourceTrunk({ name, profile }: Trunk, names: readonly string[]): Trunk {
  return { name, profile, addresses: [], target: names, transport: 'auto' };
}

/** No trunks yet. What the engine's listeners speak decides where trunks may be looked for. */
export function openTrunks(
  options: Pick<TelephonyOptions, 'nameServers' | 'clock' | 'random' | 'logger' | 'observer' | 'onTrunkSources'>,
  link: EngineLink,
  realms: TrunkRealms,
): TrunkDirectory {
  const { nameServers = [], clock, random, logger, observer, onTrunkSources: onSources } = options;
  const transports = TRANSPORTS.filter((name) => link.hostPorts.some((place) => place.startsWith(`${name}/`)));
  const hasIpv6 = link.hostPorts.some((place) => place.includes('['));
  const hasIpv4 = link.hostPorts.some((place) => !place.includes('['));
  const families = [hasIpv4 ? ('ipv4' as const) : [], hasIpv6 ? ('ipv6' as const) : []].flat();
  const locator = createLocator({ transports, families, nameServers, clock, random });
  return new TrunkDirectory({ locator, link, clock, random, logger, observer, realms, onSources });
}
