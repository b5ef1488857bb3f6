/**
 * What may change while the gateway runs: who there is and where calls go. One immutable snapshot, swapped as a whole;
 * a call that is being set up keeps what it has read, and running calls are not touched.
 */
import type { Dialplan } from '../dialplan/index.ts';
import { Authenticator, type AuthenticatorOptions } from './authenticator.ts';
import type { IdentifyContext } from './caller.ts';
import type { Profiles, Trunk, UserAccount } from './options.ts';
import { createTrunkMatch, type TrunkMatch } from './trunk-match.ts';

export interface ReloadableOptions {
  readonly profiles: Profiles;
  readonly users: readonly UserAccount[];
  readonly trunks: readonly Trunk[];
  readonly dialplan: Dialplan;
  /** Calls to them are told by `isEmergency`. Default: none. */
  readonly emergencyNumbers?: readonly string[];
}

interface Snapshot extends ReloadableOptions {
  readonly authenticator: Authenticator;
  readonly trunkOf: TrunkMatch;
}

export class Settings implements IdentifyContext {
  readonly domain: string;
  readonly #auth: Omit<AuthenticatorOptions, 'users'>;
  #current: Snapshot;

  /** Throws TELEPHONY_BAD_ADDRESS for a malformed address of a trunk. */
  constructor(options: ReloadableOptions, auth: Omit<AuthenticatorOptions, 'users'>) {
    this.domain = auth.domain;
    this.#auth = auth;
    this.#current = this.#snapshot(options);
  }

  /** Throws as the constructor does, and leaves all as it was then. */
  replace(options: ReloadableOptions): void {
    this.#current = this.#snapshot(options);
  }

  get authenticator(): Authenticator {
    return this.#current.authenticator;
  }

  get trunkOf(): TrunkMatch {
    return this.#current.trunkOf;
  }

  get profiles(): Profiles {
    return this.#current.profiles;
  }

  get trunks(): readonly Trunk[] {
    return this.#current.trunks;
  }

  get dialplan(): Dialplan {
    return this.#current.dialplan;
  }

  get emergencyNumbers(): readonly string[] {
    return this.#current.emergencyNumbers ?? [];
  }

  #snapshot(options: ReloadableOptions): Snapshot {
    const { profiles, users, trunks, dialplan, emergencyNumbers = [] } = options;
    return {
      profiles,
      users,
      trunks,
      dialplan,
      emergencyNumbers,
      authenticator: new Authenticator({ ...this.#auth, users }),
      trunkOf: createTrunkMatch(trunks),
    };
  }
}
