/**
 * New configuration without a restart: users, trunks, rules and the policies of the profiles are swapped as a whole,
 * certificates are read again. A broken file leaves all as it was. What needs a restart is named.
 */
import { unwatchFile, watchFile } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/index.ts';
import { CodedError, type Logger, type Scope } from '../kernel/index.ts';
import type { ReloadReport } from '../ops/index.ts';

export interface ReloaderOptions {
  /** What the gateway was started with. */
  readonly config: Config;
  /** Reads the files and the environment again. Throws CONFIG_* and DIALPLAN_* errors. */
  readonly load: () => Config;
  /** Puts it in force. Throws, and all stays as it was then. */
  readonly apply: (config: Config) => void;
  readonly onReload: (isDone: boolean) => void;
  readonly logger: Logger;
}

export type ReloadCause = 'signal' | 'api' | 'file';

/** Replaced files are noticed through links and on every file system, and not before an editor is done with them. */
const POLL_MS = 1000;
/** What `apply` puts in force. */
const RELOADABLE: ReadonlySet<string> = new Set([
  'users',
  'trunks',
  'trunkGroups',
  'dialplan',
  'dialplanFile',
  'tollFraud',
  'emergencyNumbers',
  'profiles',
  'file',
]);

export class Reloader {
  readonly #options: ReloaderOptions;
  #isWatching = false;
  #watched: string | undefined;
  readonly #onChange = (): void => {
    try {
      this.reload('file');
    } catch (error) {
      // What is wrong with the file is logged; the next change is another chance.
      if (!(error instanceof CodedError)) throw error;
    }
  };

  constructor(options: ReloaderOptions) {
    this.#options = options;
  }

  /** Throws the CodedError that says what is wrong; the old configuration stays in force then. */
  reload(cause: ReloadCause): ReloadReport {
    const { load, apply, onReload, logger, config } = this.#options;
    try {
      const next = load();
      apply(next);
      if (this.#isWatching) this.#follow(next.dialplanFile);
      const needRestart = restartKeys(config, next);
      onReload(true);
      logger.info(
        { cause, rules: next.dialplan.rules.length, trunks: next.trunks.length, needRestart },
        'configuration reloaded',
      );
      return { needRestart };
    } catch (error) {
      onReload(false);
      logger.error({ err: error, cause }, 'configuration not reloaded: the old one stays in force');
      throw error;
    }
  }

  /** Reloads when the dialplan's file has changed, until `scope` closes. */
  watch(scope: Scope): void {
    scope.add(() => this.#follow(undefined));
    this.#isWatching = true;
    this.#follow(this.#options.config.dialplanFile);
  }

  #follow(file: string | undefined): void {
    if (file === this.#watched) return;
    if (this.#watched !== undefined) unwatchFile(this.#watched, this.#onChange);
    this.#watched = file;
    if (file !== undefined) watchFile(file, { interval: POLL_MS, persistent: false }, this.#onChange);
  }
}

/** The settings that differ from those the gateway was started with and that only a restart puts in force. */
function restartKeys(started: Config, next: Config): readonly string[] {
  const keys = Object.keys(next).filter((key) => !RELOADABLE.has(key)) as (keyof Config)[];
  const changed = keys.flatMap((key) => changedKeys(key, started[key], next[key]));
  const listeners = next.profiles.flatMap(({ name, listeners: now }) => {
    const before = started.profiles.find((profile) => profile.name === name);
    return isDeepStrictEqual(before?.listeners ?? [], now) ? [] : [`sip-profiles/${name}.yaml: listeners`];
  });
  // Which certificates connections are made with is fixed when the engine starts; the files themselves are read again.
  const tls = next.trunks.flatMap(({ name, tls: now }) => {
    const before = started.trunks.find((trunk) => trunk.name === name);
    return isDeepStrictEqual(before?.tls, now) ? [] : [`trunks: tls of ${name}`];
  });
  return [...changed, ...listeners, ...tls];
}

function changedKeys(path: string, before: unknown, now: unknown): readonly string[] {
  if (isDeepStrictEqual(before, now)) return [];
  if (!isRecord(before) || !isRecord(now)) return [path];
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((key) =>
    changedKeys(`${path}.${key}`, before[key], now[key]),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
