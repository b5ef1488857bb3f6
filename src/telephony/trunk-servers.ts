/**
 * The servers of one trunk: found by RFC 3263 and found again when the answers expire, asked with OPTIONS whether they
 * are there, and put in order for each call.
 */
import { type Clock, CodedError, type Logger, type Random, type Timer } from '../kernel/index.ts';
import {
  type LocatedServer,
  type LocateTarget,
  type Locator,
  orderByWeight,
  parseTarget,
} from '../sip/locate/index.ts';
import type { Trunk } from './options.ts';
import type { EngineLink } from './sip-ports.ts';
import { byStanding, DEFAULT_HEALTH, type HealthPolicy, isPromising } from './trunk-health.ts';
import { TrunkServer, type TrunkServerView } from './trunk-server.ts';

export interface TrunkServersOptions {
  readonly trunk: Trunk;
  readonly locator: Locator;
  readonly link: EngineLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The addresses may have changed. */
  readonly onLocated: () => void;
}

/** With the priority and weight of its SRV record. */
export interface RankedServerView extends TrunkServerView {
  readonly priority: number;
  readonly weight: number;
}

/** One SRV record, or one host, of one of the trunk's targets. */
interface Record {
  readonly priority: number;
  readonly weight: number;
  readonly servers: readonly TrunkServer[];
}

const MIN_REFRESH_MS = 1_000;
const MAX_REFRESH_MS = 3_600_000;
const RETRY_MS = 10_000;
/** A target that is a number never changes; the timer still needs a time. */
const NUMBER_REFRESH_MS = MAX_REFRESH_MS;

function targetsOf({ target, transport }: Trunk): readonly LocateTarget[] {
  return [target].flat().map((text) => parseTarget(text, transport === 'auto' ? undefined : transport));
}

/** Whether every way to it is by TLS. */
export function isSecureTrunk(trunk: Trunk): boolean {
  return targetsOf(trunk).every(({ transport, isSecure }) => isSecure || transport === 'tls');
}

export class TrunkServers {
  readonly #options: TrunkServersOptions;
  readonly #targets: readonly LocateTarget[];
  readonly #policy: HealthPolicy;
  readonly #servers = new Map<string, TrunkServer>();
  /** For each target what was found last. */
  #records: readonly (readonly Record[])[] = [];
  #first: Promise<void> | undefined;
  #isReady = false;
  #isClosed = false;
  #timer: Timer | undefined;

  /** Throws LOCATE_BAD_TARGET. */
  constructor(options: TrunkServersOptions) {
    this.#options = options;
    const { health } = options.trunk;
    this.#policy = health ?? { ...DEFAULT_HEALTH, intervalMs: 0 };
    this.#targets = targetsOf(options.trunk);
  }

  /** Looks the targets up. Calls that come before the first answer wait for it. */
  start(): void {
    this.#first = this.#refresh();
  }

  /** Undefined: the servers are known. */
  whenReady(): Promise<void> | undefined {
    return this.#isReady ? undefined : this.#first;
  }

  /** The servers for one call, best first; none when none is known or none may be tried. */
  forCall(): readonly TrunkServer[] {
    const { random } = this.#options;
    const ordered = this.#records
      .flatMap((records) => orderByWeight(records, random))
      .flatMap(({ servers }) => servers);
    const unique = [...new Set(ordered)];
    return byStanding(
      unique.map((server) => ({ item: server, standing: server.standing })),
      this.#policy.lastResort,
    );
  }

  /** The servers for a registration: by standing, target and priority, then by chance. */
  forRegistration(): readonly { readonly server: TrunkServer; readonly rank: number }[] {
    const ranks = this.#records.flatMap((records, target) =>
      records.flatMap(({ priority, servers }) =>
        servers.map((server) => [server, target * 65_536 + priority] as const),
      ),
    );
    const rankOf = new Map(ranks.toReversed());
    return this.forCall().map((server) => ({ server, rank: rankOf.get(server) ?? 0 }));
  }

  /** Whether some server is worth trying first. */
  get isPromising(): boolean {
    return !this.#isReady || [...this.#servers.values()].some(({ standing }) => isPromising(standing));
  }

  hasAddress(address: string): boolean {
    for (const server of this.#servers.values()) if (server.address === address) return true;
    return false;
  }

  get addresses(): readonly string[] {
    return [...this.#servers.values()].map(({ address }) => address);
  }

  /** By target and priority. */
  view(): readonly RankedServerView[] {
    return this.#records
      .flatMap((records) => records.toSorted((a, b) => a.priority - b.priority))
      .flatMap(({ priority, weight, servers }) => servers.map((server) => ({ ...server.view(), priority, weight })));
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
    this.#records = [];
  }

  async #refresh(): Promise<void> {
    const { clock } = this.#options;
    const found = await Promise.all(this.#targets.map(async (target, index) => this.#find(target, index)));
    if (this.#isClosed) return;
    this.#records = found.map(({ records }) => records);
    this.#isReady = true;
    this.#forgetOthers();
    this.#options.onLocated();
    const due = Math.min(...found.map(({ expiresAt }) => expiresAt)) - clock.now();
    const wait = Number.isFinite(due) ? Math.min(Math.max(due, MIN_REFRESH_MS), MAX_REFRESH_MS) : NUMBER_REFRESH_MS;
    this.#timer = clock.after(wait, () => void this.#refresh());
  }

  /** What was found before stays when nothing is found now. */
  async #find(
    target: LocateTarget,
    index: number,
  ): Promise<{ readonly records: readonly Record[]; readonly expiresAt: number }> {
    const { locator, clock, logger, trunk } = this.#options;
    try {
      const { records, expiresAt } = await locator.locate(target);
      if (this.#isClosed) return { records: [], expiresAt };
      return {
        records: records.map(({ priority, weight, servers }) => ({
          priority,
          weight,
          servers: servers.map((server) => this.#serverOf(server, target)),
        })),
        expiresAt,
      };
    } catch (error) {
      const about = error instanceof CodedError ? { code: error.code } : { err: error };
      logger.warn({ trunk: trunk.name, target: target.host, ...about }, 'trunk not found');
      return { records: this.#records[index] ?? [], expiresAt: clock.now() + RETRY_MS };
    }
  }

  #serverOf(located: LocatedServer, target: LocateTarget): TrunkServer {
    const key = `${located.transport}:${located.address}:${located.port}`;
    const known = this.#servers.get(key);
    if (known !== undefined) return known;
    const { trunk, link, clock, random, logger } = this.#options;
    const server = new TrunkServer({
      located,
      target,
      policy: this.#policy,
      link,
      clock,
      random,
      logger: logger.child({ trunk: trunk.name, server: key }),
    });
    this.#servers.set(key, server);
    server.start();
    return server;
  }

  #forgetOthers(): void {
    const current = new Set(this.#records.flat().flatMap(({ servers }) => servers));
    for (const [key, server] of this.#servers) {
      if (current.has(server)) continue;
      server.close();
      this.#servers.delete(key);
    }
  }
}
