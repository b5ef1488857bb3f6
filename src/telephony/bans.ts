/**
 * Who guesses passwords is not listened to for a while. Only wrong credentials count: a first request without any is
 * answered with a challenge and is nobody's fault. One phone with an old password bans its own account from its address
 * and not the office behind the same NAT; many accounts tried from one address ban the address.
 */
import type { CallObserver } from '../calls/index.ts';
import type { Clock } from '../kernel/index.ts';
import { parseCredentials } from '../sip/message/index.ts';
import type { InboundRequest } from './sip-ports.ts';

export interface BanPolicy {
  /** Wrong passwords of one account from one address. */
  readonly failures: number;
  /** Accounts with wrong passwords from one address. */
  readonly accounts: number;
  /** Within this time. */
  readonly windowMs: number;
  readonly banMs: number;
}

export interface BanView {
  readonly address: string;
  /** Undefined: all accounts. */
  readonly user: string | undefined;
  /** Milliseconds since 1970. */
  readonly until: number;
}

type Request = Pick<InboundRequest, 'source' | 'header'>;

/** Addresses remembered at most; beyond that those silent for longest are forgotten. */
const MAX_ADDRESSES = 100_000;
const WHOLE = '';

/** What is known of one address. */
interface Suspect {
  /** Account → times of its failures. */
  readonly failures: Map<string, readonly number[]>;
  /** Account, or WHOLE → until when. */
  readonly bans: Map<string, number>;
}

export class Bans {
  readonly #policy: BanPolicy | undefined;
  readonly #clock: Clock;
  readonly #observer: CallObserver;
  readonly #suspects = new Map<string, Suspect>();

  /** Without a policy nobody is banned. */
  constructor(policy: BanPolicy | undefined, clock: Clock, observer: CallObserver) {
    this.#policy = policy;
    this.#clock = clock;
    this.#observer = observer;
  }

  isBanned(request: Request): boolean {
    const suspect = this.#suspects.get(request.source.address);
    if (suspect === undefined || suspect.bans.size === 0) return false;
    const now = this.#clock.wallTime();
    if ((suspect.bans.get(WHOLE) ?? 0) > now) return true;
    return (suspect.bans.get(accountOf(request) ?? WHOLE) ?? 0) > now;
  }

  /** The credentials of this request were wrong. */
  failed(request: Request): void {
    const policy = this.#policy;
    const account = accountOf(request);
    if (policy === undefined || account === undefined) return;
    const now = this.#clock.wallTime();
    const { address } = request.source;
    const suspect = this.#suspect(address);
    const times = [...(suspect.failures.get(account) ?? []), now].filter((at) => at > now - policy.windowMs);
    suspect.failures.set(account, times);
    for (const [other, seen] of suspect.failures) {
      if ((seen.at(-1) ?? 0) <= now - policy.windowMs) suspect.failures.delete(other);
    }
    if (times.length >= policy.failures) this.#ban(address, account, now + policy.banMs);
    if (suspect.failures.size >= policy.accounts) this.#ban(address, WHOLE, now + policy.banMs);
  }

  /** The account has proven itself from there. */
  succeeded(request: Request): void {
    const account = accountOf(request);
    if (account !== undefined) this.#suspects.get(request.source.address)?.failures.delete(account);
  }

  views(): readonly BanView[] {
    const now = this.#clock.wallTime();
    return [...this.#suspects].flatMap(([address, { bans }]) =>
      [...bans]
        .filter(([, until]) => until > now)
        .map(([account, until]) => ({ address, user: account === WHOLE ? undefined : account, until })),
    );
  }

  /** False: nothing was known of it. */
  lift(address: string): boolean {
    return this.#suspects.delete(address);
  }

  #suspect(address: string): Suspect {
    const known = this.#suspects.get(address) ?? { failures: new Map(), bans: new Map() };
    // Last again: the first of the map is the one silent for longest.
    this.#suspects.delete(address);
    this.#suspects.set(address, known);
    const [first] = this.#suspects.keys();
    if (this.#suspects.size > MAX_ADDRESSES && first !== undefined) this.#suspects.delete(first);
    return known;
  }

  #ban(address: string, account: string, until: number): void {
    const { bans, failures } = this.#suspect(address);
    if ((bans.get(account) ?? 0) > this.#clock.wallTime()) return;
    bans.set(account, until);
    if (account === WHOLE) failures.clear();
    const user = account === WHOLE ? undefined : account;
    this.#observer({ kind: 'banned', sourceAddress: address, user, until });
  }
}

/** The user name of its credentials. */
function accountOf(request: Request): string | undefined {
  const value = request.header('Authorization') ?? request.header('Proxy-Authorization');
  return value === undefined ? undefined : parseCredentials(value)?.username.slice(0, 128);
}
