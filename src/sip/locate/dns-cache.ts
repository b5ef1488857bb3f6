/** What name servers have said, for as long as they said it is true, and longer when they say nothing any more. */
import type { Clock } from '../../kernel/index.ts';
import type { DnsAnswer, DnsQuery, DnsRecords, DnsType } from './records.ts';

export interface CacheBounds {
  readonly minTtlSec: number;
  readonly maxTtlSec: number;
  readonly maxNegativeTtlSec: number;
  /** How long after its end an answer still serves while the name servers fail (RFC 8767). */
  readonly staleSec: number;
  /** How soon a name server that failed is asked again. */
  readonly retrySec: number;
  readonly maxNames: number;
}

export const DEFAULT_BOUNDS: CacheBounds = {
  minTtlSec: 1,
  maxTtlSec: 3_600,
  maxNegativeTtlSec: 300,
  staleSec: 86_400,
  retrySec: 10,
  maxNames: 2_000,
};

export interface CachedAnswer<Type extends DnsType> {
  readonly records: readonly DnsRecords[Type][];
  /** On the Clock's `now()`. */
  readonly expiresAt: number;
}

interface Entry {
  readonly records: DnsAnswer['records'];
  readonly expiresAt: number;
  readonly staleUntil: number;
}

export interface DnsCacheOptions {
  readonly query: DnsQuery;
  readonly clock: Clock;
  readonly bounds: CacheBounds;
}

export class DnsCache {
  readonly #options: DnsCacheOptions;
  readonly #entries = new Map<string, Entry>();
  /** Questions under way, and failures not yet old enough to ask again. */
  readonly #asked = new Map<string, { readonly entry: Promise<Entry>; failedUntil: number | undefined }>();

  constructor(options: DnsCacheOptions) {
    this.#options = options;
  }

  /** Rejects with LOCATE_DNS_FAILED when no server answers and nothing is remembered. */
  async lookup<Type extends DnsType>(name: string, type: Type): Promise<CachedAnswer<Type>> {
    const key = `${type} ${name}`;
    const now = this.#options.clock.now();
    const known = this.#entries.get(key);
    const entry = known !== undefined && known.expiresAt > now ? known : await this.#ask(key, name, type);
    // The key says the type, so the records are of it.
    return entry as unknown as CachedAnswer<Type>;
  }

  async #ask(key: string, name: string, type: DnsType): Promise<Entry> {
    const { clock, bounds } = this.#options;
    const asked = this.#asked.get(key);
    if (asked !== undefined && (asked.failedUntil ?? Number.POSITIVE_INFINITY) > clock.now()) return asked.entry;
    const entry = this.#fetch(key, name, type);
    const mine = { entry, failedUntil: undefined as number | undefined };
    this.#asked.delete(key);
    this.#asked.set(key, mine);
    this.#bound(this.#asked);
    try {
      const fetched = await entry;
      if (this.#asked.get(key) === mine) this.#asked.delete(key);
      return fetched;
    } catch (error) {
      mine.failedUntil = clock.now() + bounds.retrySec * 1000;
      throw error;
    }
  }

  async #fetch(key: string, name: string, type: DnsType): Promise<Entry> {
    const { query, clock, bounds } = this.#options;
    try {
      const answer = await query(name, type);
      const ttlMs = this.#ttlSecOf(answer) * 1000;
      const expiresAt = clock.now() + ttlMs;
      const entry: Entry = { records: answer.records, expiresAt, staleUntil: expiresAt + bounds.staleSec * 1000 };
      this.#keep(key, entry);
      return entry;
    } catch (error) {
      const stale = this.#entries.get(key);
      if (stale === undefined || stale.staleUntil <= clock.now()) throw error;
      const prolonged: Entry = { ...stale, expiresAt: clock.now() + bounds.retrySec * 1000 };
      this.#keep(key, prolonged);
      return prolonged;
    }
  }

  #ttlSecOf({ records, ttlSec }: DnsAnswer): number {
    const { minTtlSec, maxTtlSec, maxNegativeTtlSec } = this.#options.bounds;
    return Math.max(minTtlSec, Math.min(ttlSec, records.length === 0 ? maxNegativeTtlSec : maxTtlSec));
  }

  #keep(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.#bound(this.#entries);
  }

  /** Forgets the oldest beyond the bound. */
  #bound(map: Map<string, unknown>): void {
    const [oldest] = map.keys();
    if (map.size > this.#options.bounds.maxNames && oldest !== undefined) map.delete(oldest);
  }
}
