/** The realms in which trunks have accepted our credentials, kept across restarts: no other is answered afterwards. */
import { createHash } from 'node:crypto';
import type { Logger } from '../kernel/index.ts';
import type { Store } from '../store/index.ts';
import type { Trunk } from './options.ts';

const PREFIX = 'trunk-realms/';
/** Trunks of a configuration. */
const MAX_REALMS = 10_000;

export class TrunkRealms {
  readonly #store: Store;
  readonly #logger: Logger;
  readonly #realms = new Map<string, string>();

  constructor(store: Store, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  async load(): Promise<void> {
    const entries = await this.#store.list(PREFIX, { limit: MAX_REALMS });
    for (const { key, value } of entries) if (typeof value === 'string') this.#realms.set(key, value);
  }

  /** Undefined: it is not known yet. */
  of(trunk: Trunk): string | undefined {
    return trunk.auth?.realm ?? this.#realms.get(keyOf(trunk));
  }

  /** The trunk has accepted us in this realm; the first one stays. */
  learn(trunk: Trunk, realm: string): void {
    if (this.of(trunk) !== undefined) return;
    this.#realms.set(keyOf(trunk), realm);
    this.#logger.info({ trunk: trunk.name, realm }, 'realm of a trunk learned');
    this.#store.put(keyOf(trunk), realm).catch((error: unknown) => {
      this.#logger.error({ err: error, trunk: trunk.name }, 'realm of a trunk not kept');
    });
  }
}

export async function loadRealms(store: Store, logger: Logger): Promise<TrunkRealms> {
  const realms = new TrunkRealms(store, logger);
  await realms.load();
  return realms;
}

/** Another target or account is another trunk: what is known of the old one counts no more. */
function keyOf({ name, target, auth }: Trunk): string {
  const facts = JSON.stringify([[target].flat(), auth?.username]);
  return `${PREFIX}${name}/${createHash('sha256').update(facts).digest('hex').slice(0, 32)}`;
}
