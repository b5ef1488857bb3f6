/** Call records in the Store: written while the call lives, so that a killed gateway leaves them behind. */
import { type CallQuery, type CallRecord, matchesQuery } from '../calls/index.ts';
import type { Clock, Logger, Timer } from '../kernel/index.ts';
import type { Json, Store } from '../store/index.ts';

const PREFIX = 'record/';
/** More calls than this do not run at a time. */
const RECOVERY_LIMIT = 100_000;

function keyOf(record: CallRecord): string {
  return `${PREFIX}${record.callId}`;
}

function toJson(record: CallRecord): Json {
  return {
    ...record,
    codecs: record.codecs === undefined ? undefined : { ...record.codecs },
    legs: record.legs.map((leg) => ({
      ...leg,
      tries: leg.tries.map((each) => ({ ...each })),
      telephoneEvent: leg.telephoneEvent === undefined ? undefined : { ...leg.telephoneEvent },
      // Plain JSON, as the type says in its own words.
      agent: leg.agent as Json | undefined,
      media: leg.media === undefined ? undefined : { ...leg.media, path: leg.media.path && { ...leg.media.path } },
    })),
  };
}

/** One record, finished or running. */
export async function findCallRecord(store: Store, callId: string): Promise<CallRecord | undefined> {
  // The Store gives back what a RecordBook has put there.
  return (await store.get(`${PREFIX}${callId}`)) as unknown as CallRecord | undefined;
}

/** Records read at a time, and at most for one query: one that matches next to nothing must not read for minutes. */
const PAGE = 500;
const MOST_READ = 50_000;

/**
 * The records that match, newest first: the order of their ids is that of their beginnings. `current` gives what is known
 * of a running call beyond what is kept of it.
 */
export async function queryCallRecords(
  store: Store,
  query: CallQuery,
  current: (record: CallRecord) => CallRecord = (record) => record,
): Promise<readonly CallRecord[]> {
  const found: CallRecord[] = [];
  let before = query.before;
  for (let read = 0; read < MOST_READ; read += PAGE) {
    const page = await listPage(store, before);
    for (const record of page) {
      if (query.since !== undefined && record.startedAt < query.since) return found;
      const now = current(record);
      if (matchesQuery(now, query)) found.push(now);
      if (found.length >= query.limit) return found;
    }
    if (page.length < PAGE) return found;
    before = page.at(-1)?.callId;
  }
  return found;
}

async function listPage(store: Store, before: string | undefined): Promise<readonly CallRecord[]> {
  const options = { limit: PAGE, newestFirst: true, ...(before === undefined ? {} : { before: `${PREFIX}${before}` }) };
  // The Store gives back what a RecordBook has put there.
  return (await store.list(PREFIX, options)).map(({ value }) => value as unknown as CallRecord);
}

/**
 * Ends the records that an earlier run left open, as `gateway-restart`. Their `endedAt` is the time of this start:
 * the call ended at some time before. Call it before telephony starts. The result is how many there were.
 */
export async function recoverCallRecords(store: Store, clock: Clock, ttlMs: number): Promise<number> {
  const now = clock.wallTime();
  const open = await queryCallRecords(store, { limit: RECOVERY_LIMIT, isActive: true });
  await Promise.all(
    open.map((record) => {
      const ended: CallRecord = {
        ...record,
        endedAt: now,
        endReason: 'gateway-restart',
        legs: record.legs.map((leg) => ({ ...leg, endedAt: leg.endedAt ?? now })),
      };
      return store.put(keyOf(record), toJson(ended), { ttlMs });
    }),
  );
  return open.length;
}

/** How long a record may wait for the next one, in milliseconds: what a crash may lose. */
const WRITE_WITHIN_MS = 20;

export interface RecordBookOptions {
  readonly store: Store;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * A call changes several times while it is set up: what comes within a moment is written once, and with the records of
 * other calls in one transaction.
 */
export class RecordBook {
  readonly #options: RecordBookOptions;
  readonly #pending = new Map<string, CallRecord>();
  readonly #writes = new Set<Promise<void>>();
  #timer: Timer | undefined;

  constructor(options: RecordBookOptions) {
    this.#options = options;
  }

  /** Keeps the record in the place of an earlier one of the same call, without holding up the call. */
  save(record: CallRecord): void {
    this.#pending.set(record.callId, record);
    this.#timer ??= this.#options.clock.after(WRITE_WITHIN_MS, () => this.#write());
  }

  /** Resolves when everything saved so far is kept. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#write();
    await Promise.all(this.#writes);
  }

  #write(): void {
    const { store, ttlMs, logger } = this.#options;
    this.#timer = undefined;
    for (const record of this.#pending.values()) {
      const write = store.put(keyOf(record), toJson(record), { ttlMs }).catch((error: unknown) => {
        logger.error({ err: error, callId: record.callId }, 'call record not written');
      });
      this.#writes.add(write);
      void write.then(() => this.#writes.delete(write));
    }
    this.#pending.clear();
  }
}
