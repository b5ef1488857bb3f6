/** Call records in the Store: written while the call lives, so that a killed gateway leaves them behind. */
import type { CallRecord } from '../calls/index.ts';
import type { Clock, Logger } from '../kernel/index.ts';
import type { Json, Store } from '../store/index.ts';

const PREFIX = 'record/';
/** Open records are sought among this many of the newest. */
const RECOVERY_LIMIT = 100_000;

function keyOf(record: CallRecord): string {
  return `${PREFIX}${record.callId}`;
}

function toJson(record: CallRecord): Json {
  return {
    ...record,
    legs: record.legs.map((leg) => ({ ...leg, media: leg.media === undefined ? undefined : { ...leg.media } })),
  };
}

/** One record, finished or running. */
export async function findCallRecord(store: Store, callId: string): Promise<CallRecord | undefined> {
  // The Store gives back what a RecordBook has put there.
  return (await store.get(`${PREFIX}${callId}`)) as unknown as CallRecord | undefined;
}

/** The records of finished and running calls, newest first: the order of their ids is that of their beginnings. */
export async function listCallRecords(store: Store, limit: number): Promise<readonly CallRecord[]> {
  const entries = await store.list(PREFIX, { limit, newestFirst: true });
  return entries.map(({ value }) => value as unknown as CallRecord);
}

/**
 * Ends the records that an earlier run left open, as `gateway-restart`. Their `endedAt` is the time of this start:
 * the call ended at some time before. Call it before telephony starts. The result is how many there were.
 */
export async function recoverCallRecords(store: Store, clock: Clock, ttlMs: number): Promise<number> {
  const now = clock.wallTime();
  const open = (await listCallRecords(store, RECOVERY_LIMIT)).filter((record) => record.endReason === undefined);
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

export class RecordBook {
  readonly #store: Store;
  readonly #ttlMs: number;
  readonly #logger: Logger;
  readonly #writes = new Set<Promise<void>>();

  constructor(store: Store, ttlMs: number, logger: Logger) {
    this.#store = store;
    this.#ttlMs = ttlMs;
    this.#logger = logger;
  }

  /** Writes without holding up the call. */
  save(record: CallRecord): void {
    const write = this.#store.put(keyOf(record), toJson(record), { ttlMs: this.#ttlMs }).catch((error: unknown) => {
      this.#logger.error({ err: error, callId: record.callId }, 'call record not written');
    });
    this.#writes.add(write);
    void write.then(() => this.#writes.delete(write));
  }

  /** Resolves when everything saved so far is kept. */
  async flush(): Promise<void> {
    await Promise.all(this.#writes);
  }
}
