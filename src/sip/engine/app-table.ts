/** The connected applications, what each asked to be offered, and whose turn it is. */
import type { EngineOptions } from './options.ts';
import type { AppId } from './ports.ts';

interface App {
  readonly id: AppId;
  readonly tags: readonly string[];
  transactions: number;
  dialogs: number;
}

interface Turn {
  readonly apps: App[];
  next: number;
}

type Choice =
  | { readonly kind: 'app'; readonly app: AppId }
  /** Nobody routes this method. */
  | { readonly kind: 'nobody' }
  /** Everybody who does has as much as the limits allow. */
  | { readonly kind: 'full' };

export class AppTable {
  readonly #options: EngineOptions;
  readonly #apps = new Map<AppId, App>();
  /** By verb: a lower-case method. */
  readonly #turns = new Map<string, Turn>();

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  connect(id: AppId, tags: readonly string[] = []): void {
    this.#apps.set(id, { id, tags, transactions: 0, dialogs: 0 });
  }

  close(id: AppId): void {
    this.#apps.delete(id);
    this.unrouteAll(id);
  }

  unrouteAll(id: AppId): void {
    for (const verb of this.#turns.keys()) this.unroute(id, verb);
  }

  has(id: AppId): boolean {
    return this.#apps.has(id);
  }

  /** Idempotent: drachtio-srf repeats its routes. */
  route(id: AppId, verb: string): void {
    const app = this.#apps.get(id);
    if (app === undefined) return;
    const turn = this.#turns.get(verb) ?? { apps: [], next: 0 };
    this.#turns.set(verb, turn);
    if (!turn.apps.includes(app)) turn.apps.push(app);
  }

  unroute(id: AppId, verb: string): void {
    const turn = this.#turns.get(verb);
    const at = turn?.apps.findIndex((app) => app.id === id) ?? -1;
    if (turn === undefined || at < 0) return;
    turn.apps.splice(at, 1);
    if (at < turn.next) turn.next--;
    if (turn.apps.length === 0) this.#turns.delete(verb);
  }

  isRouted(verb: string): boolean {
    return this.#turns.has(verb);
  }

  /** An application that has this tag, routes this method and has room; the one with the fewest dialogs. */
  chooseTagged(tag: string, method: string): AppId | undefined {
    const apps = this.#turns.get(method.toLowerCase())?.apps ?? [];
    const fit = apps.filter((app) => app.tags.includes(tag) && this.#hasRoom(app));
    return fit.toSorted((one, other) => one.dialogs - other.dialogs)[0]?.id;
  }

  /** Round robin over the applications that route this method and have room. */
  choose(method: string): Choice {
    const turn = this.#turns.get(method.toLowerCase());
    if (turn === undefined) return { kind: 'nobody' };
    for (let tried = 0; tried < turn.apps.length; tried++) {
      const app = turn.apps[turn.next % turn.apps.length];
      turn.next = (turn.next + 1) % turn.apps.length;
      if (app !== undefined && this.#hasRoom(app)) return { kind: 'app', app: app.id };
    }
    return { kind: 'full' };
  }

  hasRoom(id: AppId): boolean {
    const app = this.#apps.get(id);
    return app !== undefined && this.#hasRoom(app);
  }

  countTransaction(id: AppId | undefined, change: 1 | -1): void {
    const app = id === undefined ? undefined : this.#apps.get(id);
    if (app !== undefined) app.transactions += change;
  }

  countDialog(id: AppId | undefined, change: 1 | -1): void {
    const app = id === undefined ? undefined : this.#apps.get(id);
    if (app !== undefined) app.dialogs += change;
  }

  #hasRoom(app: App): boolean {
    return app.transactions < this.#options.maxTransactionsPerApp && app.dialogs < this.#options.maxDialogsPerApp;
  }
}
