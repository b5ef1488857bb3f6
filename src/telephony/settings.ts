/**
 * What may change while the gateway runs: who there is and where calls go. One immutable snapshot, swapped as a whole;
 * a call that is being set up keeps what it has read, and running calls are not touched.
 */
import type { Dialplan } from '../dialplan/index.ts';
import type { FraudPolicy } from '../fraud/index.ts';
import { Authenticator, type AuthenticatorOptions } from './authenticator.ts';
import type { IdentifyContext } from './caller.ts';
import type { Profiles, Trunk, UserAccount } from './options.ts';
import type { TrunkDirectory } from './trunk-directory.ts';
import type { TrunkGroup } from './trunk-groups.ts';

export interface ReloadableOptions {
  readonly profiles: Profiles;
  readonly users: readonly UserAccount[];
  readonly trunks: readonly Trunk[];
  /** Default: none. */
  readonly trunkGroups?: readonly TrunkGroup[] | undefined;
  readonly dialplan: Dialplan;
  /** What calls to trunks may cost. Default: anything. */
  readonly tollFraud?: FraudPolicy | undefined;
  /** Calls to them are told by `isEmergency`. Default: none. */
  readonly emergencyNumbers?: readonly string[];
}

type AuthContext = Omit<AuthenticatorOptions, 'users' | 'trunks' | 'mayBeFrom'>;

interface Snapshot extends ReloadableOptions {
  readonly authenticator: Authenticator;
}

export class Settings implements IdentifyContext {
  readonly domain: string;
  readonly trunkOf: IdentifyContext['trunkOf'];
  readonly #auth: AuthContext;
  readonly #directory: TrunkDirectory;
  #current: Snapshot;

  /** Throws TELEPHONY_BAD_ADDRESS or LOCATE_BAD_TARGET for a malformed address or target of a trunk. */
  constructor(options: ReloadableOptions, directory: TrunkDirectory, auth: AuthContext) {
    this.domain = auth.domain;
    this.#auth = auth;
    this.#directory = directory;
    this.trunkOf = (request) => directory.recognize(request);
    this.#current = this.#snapshot(options);
  }

  /** Throws as the constructor does, and leaves all as it was then. */
  replace(options: ReloadableOptions): void {
    this.#current = this.#snapshot(options);
  }

  get authenticator(): Authenticator {
    return this.#current.authenticator;
  }

  get profiles(): Profiles {
    return this.#current.profiles;
  }

  get dialplan(): Dialplan {
    return this.#current.dialplan;
  }

  get emergencyNumbers(): readonly string[] {
    return this.#current.emergencyNumbers ?? [];
  }

  #snapshot(options: ReloadableOptions): Snapshot {
    const { users, trunks, trunkGroups: groups = [] } = options;
    const authenticator = new Authenticator({
      ...this.#auth,
      users,
      trunks,
      mayBeFrom: (trunk, source) => this.#directory.mayBeFrom(trunk, source),
    });
    this.#directory.replace({ trunks, groups });
    return { ...options, authenticator };
  }
}
