/** Tokens, sessions and persons that were shut out before their tokens expired. Kept in the Store, read from memory. */
import { type Clock, Emitter, type Unsubscribe } from '../kernel/index.ts';
import type { Store } from '../store/index.ts';
import type { AccessToken } from './access-token.ts';

export type Revocation =
  | { readonly kind: 'token'; readonly tokenId: string }
  | { readonly kind: 'session'; readonly sessionId: string }
  /** Every token that the person has by now; later ones are good. */
  | { readonly kind: 'subject'; readonly tenant: string; readonly subject: string };

const PREFIX = 'auth/revoked/';
const PAGE = 1000;

function keyOf(revocation: Revocation): string {
  switch (revocation.kind) {
    case 'token':
      return `token/${revocation.tokenId}`;
    case 'session':
      return `session/${revocation.sessionId}`;
    case 'subject':
      return `subject/${revocation.tenant}/${encodeURIComponent(revocation.subject)}`;
  }
}

export class Revocations {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ttlMs: number;
  /** Key → when. */
  readonly #known = new Map<string, number>();
  readonly #events = new Emitter<{ revoked: Revocation }>();

  /** `ttlMs`: how long a token can live at most; nothing needs to be remembered for longer. */
  constructor(store: Store, clock: Clock, ttlMs: number) {
    this.#store = store;
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  async load(): Promise<void> {
    let before: string | undefined;
    for (;;) {
      const page = await this.#store.list(PREFIX, {
        limit: PAGE,
        newestFirst: true,
        ...(before === undefined ? {} : { before }),
      });
      for (const { key, value } of page)
        if (typeof value === 'number') this.#known.set(key.slice(PREFIX.length), value);
      if (page.length < PAGE) return;
      before = page.at(-1)?.key;
    }
  }

  /** Holds from now on; resolves when it would survive a kill. */
  async revoke(revocation: Revocation): Promise<void> {
    const now = this.#clock.wallTime();
    this.#forgetOld(now);
    const key = keyOf(revocation);
    this.#known.set(key, now);
    this.#events.emit('revoked', revocation);
    await this.#store.put(PREFIX + key, now, { ttlMs: this.#ttlMs });
  }

  isRevoked(token: AccessToken): boolean {
    if (this.#known.size === 0) return false;
    if (this.#known.has(keyOf({ kind: 'token', tokenId: token.tokenId }))) return true;
    if (this.#known.has(keyOf({ kind: 'session', sessionId: token.sessionId }))) return true;
    const since = this.#known.get(keyOf({ kind: 'subject', tenant: token.tenant, subject: token.subject }));
    // A token says when it was issued in whole seconds.
    return since !== undefined && token.issuedAt <= since;
  }

  onRevoked(listener: (revocation: Revocation) => void): Unsubscribe {
    return this.#events.on('revoked', listener);
  }

  #forgetOld(now: number): void {
    for (const [key, at] of this.#known) {
      if (now - at <= this.#ttlMs) return;
      this.#known.delete(key);
    }
  }
}
