/** Our registrations with all trunks that want one. */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../kernel/index.ts';
import { parseUri } from '../sip/message/index.ts';
import type { Trunk } from './options.ts';
import { type RegisterAccount, registerAccount } from './registration-account.ts';
import type { InboundRequest } from './sip-ports.ts';
import { type RegistrationView, TrunkRegistration, type TrunkRegistrationOptions } from './trunk-registration.ts';
import { within } from './within.ts';

export type RegistrationParts = Pick<
  TrunkRegistrationOptions,
  'link' | 'clock' | 'random' | 'logger' | 'observer' | 'servers' | 'credentials'
>;

interface Entry {
  readonly trunk: Trunk;
  readonly account: RegisterAccount;
  readonly registration: TrunkRegistration;
}

export class TrunkRegistrations {
  readonly #partsFor: (trunk: Trunk) => RegistrationParts;
  #entries: ReadonlyMap<string, Entry> = new Map();
  /** Of trunks that are no more: what they still take back. */
  readonly #closing = new Set<Promise<void>>();

  constructor(partsFor: (trunk: Trunk) => RegistrationParts) {
    this.#partsFor = partsFor;
  }

  /** Registrations that have not changed go on. Throws TELEPHONY_BAD_AOR, and all stays as it was then. */
  replace(trunks: readonly Trunk[]): void {
    const before = this.#entries;
    const entries = new Map<string, Entry>();
    for (const trunk of trunks) {
      const account = registerAccount(trunk);
      if (account === undefined) continue;
      const old = before.get(trunk.name);
      const isSame = old !== undefined && isDeepStrictEqual(wayOf(old), wayOf({ trunk, account }));
      entries.set(trunk.name, isSame ? old : this.#create(trunk, account));
    }
    this.#entries = entries;
    for (const [name, old] of before) if (entries.get(name) !== old) this.#end(old);
    for (const [name, entry] of entries) if (before.get(name) !== entry) entry.registration.start();
  }

  /** The next hop to where the registration lives; undefined: there is none. */
  homeOf(trunk: Trunk): string | undefined {
    return this.#entries.get(trunk.name)?.registration.home;
  }

  viewOf(trunk: Trunk): RegistrationView | undefined {
    return this.#entries.get(trunk.name)?.registration.view();
  }

  /** The trunk to whose Contact a request goes, if it comes from there. */
  recognize(request: Pick<InboundRequest, 'uri'>, isFrom: (trunk: Trunk) => boolean): Trunk | undefined {
    for (const { trunk, account } of this.#entries.values())
      if (isToContact(request.uri, account) && isFrom(trunk)) return trunk;
    return undefined;
  }

  /** Takes all back; resolves when that is answered, or after `ms`. */
  async close(clock: Clock, ms: number): Promise<void> {
    for (const entry of this.#entries.values()) this.#end(entry);
    this.#entries = new Map();
    const ended = Promise.all(this.#closing).then(() => true);
    await within({ ms, clock }, ended);
  }

  #create(trunk: Trunk, account: RegisterAccount): Entry {
    return { trunk, account, registration: new TrunkRegistration({ trunk, account, ...this.#partsFor(trunk) }) };
  }

  #end({ registration }: Entry): void {
    const ending = registration.close();
    this.#closing.add(ending);
    void ending.finally(() => this.#closing.delete(ending));
  }
}

/** Whether a call goes to the Contact that we registered with the trunk. */
export function isToContact(uriText: string, account: RegisterAccount | undefined): boolean {
  const uri = parseUri(uriText);
  return account !== undefined && uri !== undefined && uri.scheme !== 'tel' && uri.user === account.contactUser;
}

/** What a registration is made by. */
function wayOf({ trunk: { target, transport, auth, hunt }, account }: Pick<Entry, 'trunk' | 'account'>) {
  return { target, transport, auth, hunt, account };
}
