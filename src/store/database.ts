/** Opens the file of the embedded store: schema, journal, lock, and what can be wrong with it. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CodedError } from '../kernel/index.ts';
import { storeErrors } from './errors.ts';

const SCHEMA_VERSION = 1;
/** How long an old process may take to die before ours gives up. */
const LOCK_WAIT_MS = 500;
/** Primary result codes of SQLite. */
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** Opens or creates the file, folder included. ':memory:' keeps everything in memory. */
export function openDatabase(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
    database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
    prepare(database, path);
    return database;
  } catch (error) {
    database?.close();
    throw codedError(error, path, 'STORE_UNUSABLE');
  }
}

/** The coded error for what SQLite or the file system threw; `otherwise` when it is nothing particular. */
export function codedError(error: unknown, path: string, otherwise: 'STORE_UNUSABLE' | 'STORE_FAILED'): CodedError {
  if (error instanceof CodedError) return error;
  const options = { cause: error };
  const code = sqliteCode(error);
  if (code === SQLITE_BUSY) return storeErrors.STORE_IN_USE([path], options);
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) return storeErrors.STORE_CORRUPT([path], options);
  return storeErrors[otherwise]([path], options);
}

/** The primary code is the low byte of the extended one. */
function sqliteCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/**
 * WAL with synchronous=NORMAL: a commit is in the hands of the operating system, so it survives the death of the
 * process, at the price of one write instead of one fsync. The lock is ours until we close or die.
 */
function prepare(database: DatabaseSync, path: string): void {
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  database.exec('BEGIN EXCLUSIVE');
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > SCHEMA_VERSION) throw storeErrors.STORE_TOO_NEW([path, version, SCHEMA_VERSION]);
  database.exec(`
    CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS entries_by_expiry ON entries (expires_at) WHERE expires_at IS NOT NULL;
    PRAGMA user_version = ${SCHEMA_VERSION};
    COMMIT`);
}
