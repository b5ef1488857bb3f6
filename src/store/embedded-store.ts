/** The Store in one SQLite file beside the process (decision D8). */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock, Logger, Timer } from '../kernel/index.ts';
import { codedError, openDatabase } from './database.ts';
import { storeErrors } from './errors.ts';
import type { Json, Store } from './store.ts';

const DEFAULT_LIMIT = 1_000;
const SWEEP_INTERVAL_MS = 60_000;
/** So many expired entries are deleted at once; with more waiting the next portion comes soon. */
const SWEEP_PORTION = 200;
const NEXT_PORTION_MS = 50;
const SLOW_COMMIT_MS = 100;
/** The highest code point: every key that begins with a prefix sorts before the prefix followed by it. */
const LAST = '\u{10FFFF}';

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

interface Statements {
  readonly database: DatabaseSync;
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly rollBack: StatementSync;
  readonly get: StatementSync;
  readonly put: StatementSync;
  readonly remove: StatementSync;
  readonly list: StatementSync;
  readonly listDescending: StatementSync;
  readonly sweep: StatementSync;
}

const IS_LIVE = '(expires_at IS NULL OR expires_at > ?)';
const LIST = `SELECT key, value FROM entries WHERE key >= ? AND key < ? AND ${IS_LIVE} ORDER BY key`;

function prepareStatements(database: DatabaseSync): Statements {
  return {
    database,
    begin: database.prepare('BEGIN IMMEDIATE'),
    commit: database.prepare('COMMIT'),
    rollBack: database.prepare('ROLLBACK'),
    get: database.prepare(`SELECT value FROM entries WHERE key = ? AND ${IS_LIVE}`),
    put: database.prepare('INSERT OR REPLACE INTO entries (key, value, expires_at) VALUES (?, ?, ?)'),
    remove: database.prepare('DELETE FROM entries WHERE key = ?'),
    list: database.prepare(`${LIST} LIMIT ?`),
    listDescending: database.prepare(`${LIST} DESC LIMIT ?`),
    sweep: database.prepare(
      'DELETE FROM entries WHERE key IN (SELECT key FROM entries WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
    ),
  };
}

function parseValue(row: Record<string, unknown>): Json {
  return JSON.parse(String(row['value'])) as Json;
}

/** Opens the store in the file `path`, which is made if it is not there; ':memory:' keeps it in memory. */
export async function openEmbeddedStore(
  path: string,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<Store> {
  const store = new EmbeddedStore(path, clock, logger);
  store.open();
  return store;
}

/**
 * SQLite runs in our thread: an entry costs some 10 µs, less than a message to another thread. Writes take effect at
 * once and are committed together at the end of the turn of the event loop; only then do their promises resolve.
 */
class EmbeddedStore implements Store {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #statements: Statements | undefined;
  #waiting: Waiting[] = [];
  #sweepTimer: Timer | undefined;

  constructor(path: string, clock: Clock, logger: Logger) {
    this.#path = path;
    this.#clock = clock;
    this.#logger = logger;
  }

  open(): void {
    this.#statements = prepareStatements(openDatabase(this.#path));
    this.#sweepLater(SWEEP_INTERVAL_MS);
  }

  async get(key: string): Promise<Json | undefined> {
    const row = this.#run((statements) => statements.get.get(key, this.#clock.wallTime()));
    return row === undefined ? undefined : parseValue(row);
  }

  async put(key: string, value: Json, options: { readonly ttlMs?: number } = {}): Promise<void> {
    const text = JSON.stringify(value);
    const expiresAt = options.ttlMs === undefined ? null : Math.ceil(this.#clock.wallTime() + options.ttlMs);
    await this.#write((statements) => statements.put.run(key, text, expiresAt));
  }

  async delete(key: string): Promise<void> {
    await this.#write((statements) => statements.remove.run(key));
  }

  async list(
    prefix: string,
    {
      limit = DEFAULT_LIMIT,
      newestFirst = false,
      before,
    }: { readonly limit?: number; readonly newestFirst?: boolean; readonly before?: string } = {},
  ): Promise<readonly { readonly key: string; readonly value: Json }[]> {
    const rows = this.#run((statements) => {
      const statement = newestFirst ? statements.listDescending : statements.list;
      return statement.all(prefix, before ?? prefix + LAST, this.#clock.wallTime(), limit);
    });
    return rows.map((row) => ({ key: String(row['key']), value: parseValue(row) }));
  }

  async close(): Promise<void> {
    const statements = this.#statements;
    if (statements === undefined) return;
    this.#commit();
    this.#sweepTimer?.cancel();
    this.#statements = undefined;
    statements.database.close();
  }

  #run<T>(work: (statements: Statements) => T): T {
    if (this.#statements === undefined) throw storeErrors.STORE_CLOSED();
    try {
      return work(this.#statements);
    } catch (error) {
      throw codedError(error, this.#path, 'STORE_FAILED');
    }
  }

  #write(work: (statements: Statements) => unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#run((statements) => {
        if (this.#waiting.length === 0) {
          statements.begin.run();
          setImmediate(() => this.#commit());
        }
        this.#waiting.push({ resolve, reject });
        work(statements);
      });
    });
  }

  #commit(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const startedAt = this.#clock.now();
    try {
      this.#run((statements) => statements.commit.run());
      for (const each of waiting) each.resolve();
    } catch (error) {
      this.#fail(waiting, error);
    }
    const tookMs = this.#clock.now() - startedAt;
    if (tookMs > SLOW_COMMIT_MS) this.#logger.warn({ tookMs, writes: waiting.length }, 'store commit was slow');
  }

  #fail(waiting: readonly Waiting[], error: unknown): void {
    const reason = codedError(error, this.#path, 'STORE_FAILED');
    this.#logger.error({ err: reason, writes: waiting.length }, 'store commit failed');
    if (this.#statements?.database.isTransaction === true) this.#statements.rollBack.run();
    for (const each of waiting) each.reject(reason);
  }

  #sweepLater(ms: number): void {
    this.#sweepTimer = this.#clock.after(ms, () => void this.#sweep());
  }

  /** Deletes a portion of what has expired. Reading does not depend on it: it looks at the expiry itself. */
  async #sweep(): Promise<void> {
    let removed = 0;
    try {
      await this.#write((statements) => {
        removed = Number(statements.sweep.run(this.#clock.wallTime(), SWEEP_PORTION).changes);
      });
    } catch (error) {
      this.#logger.error({ err: error }, 'store sweep failed');
    }
    if (this.#statements !== undefined)
      this.#sweepLater(removed === SWEEP_PORTION ? NEXT_PORTION_MS : SWEEP_INTERVAL_MS);
  }
}
