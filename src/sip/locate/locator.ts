/** RFC 3263 with real name servers: the client, its memory and the procedure put together. */
import { getServers } from 'node:dns';
import { lookup as lookupHost } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import type { Clock, Random } from '../../kernel/index.ts';
import { type CacheBounds, type CachedAnswer, DEFAULT_BOUNDS, DnsCache } from './dns-cache.ts';
import { DnsClient, parseNameServer } from './dns-client.ts';
import { type LocateContext, type Located, locate } from './locate.ts';
import type { LocateTarget } from './target.ts';

export interface LocatorOptions extends Pick<LocateContext, 'transports' | 'families'> {
  /** IP or IP:port of each name server to ask; none: those of this machine. */
  readonly nameServers: readonly string[];
  /** How long one name server may take. Default 2,000. */
  readonly timeoutMs?: number;
  readonly bounds?: Partial<CacheBounds>;
  readonly clock: Clock;
  readonly random: Random;
}

export interface Locator {
  /** Rejects with a LOCATE_* error. */
  locate(target: LocateTarget): Promise<Located>;
  close(): void;
}

/** The system says for no answer how long it holds. */
const SYSTEM_TTL_MS = 30_000;

export function createLocator(options: LocatorOptions): Locator {
  const { clock, random, nameServers, transports, families } = options;
  const texts = nameServers.length === 0 ? getServers() : nameServers;
  const servers = texts.map(parseNameServer);
  const client = new DnsClient({ servers, timeoutMs: options.timeoutMs ?? 2_000, clock, random });
  const cache = new DnsCache({
    query: async (name, type) => client.query(name, type),
    clock,
    bounds: { ...DEFAULT_BOUNDS, ...options.bounds },
  });
  const context: LocateContext = {
    transports,
    families,
    lookup: async (name, type) => cache.lookup(name, type),
    systemLookup: async (name) => systemLookup(name, families, clock),
  };
  return { locate: async (target) => locate(target, context), close: () => client.close() };
}

async function systemLookup(
  name: string,
  families: LocateContext['families'],
  clock: Clock,
): Promise<CachedAnswer<'A'>> {
  const found = await lookupHost(name, { all: true, order: 'ipv4first' }).catch(() => []);
  const records = found
    .map(({ address }) => address)
    .filter((address) => families.includes(isIPv6(address) ? 'ipv6' : 'ipv4'));
  return { records, expiresAt: clock.now() + SYSTEM_TTL_MS };
}
