/**
 * The toll-fraud breaker: which calls to trunks may begin, what the running ones cost, and when a tenant's must end.
 * It keeps no time and rings nobody: telephony asks it, tells it what happens, and does what it says. Times are
 * milliseconds since 1970.
 */
import { comparable } from './dialed-number.ts';
import { charge, EMPTY_LEDGER, type Ledger, spentUntil } from './ledger.ts';
import { type Budget, type FraudPolicy, type PrefixRule, ruleFor, strictest } from './policy.ts';
import { RateWindow } from './rate-window.ts';

export interface FraudRequest {
  /** The Leg that is to be rung. */
  readonly legId: string;
  /** Legs of one call, tried one after another, count as one call. */
  readonly callId: string;
  readonly tenant: string;
  /** The user who pays for it; undefined for a trunk, whose own limits count. */
  readonly user: string | undefined;
  /** The number in every spelling known: what holds for one of them holds. */
  readonly numbers: readonly string[];
}

export type FraudVerdict = 'pass' | 'prefix' | 'prefix-rate' | 'user-rate' | 'user-concurrency' | 'budget';

/** A tenant whose budget is used up: its calls to trunks must end. */
export interface Trip {
  readonly tenant: string;
  /** Until when it gets no new ones. */
  readonly until: number;
  readonly legIds: readonly string[];
}

interface PaidLeg {
  readonly tenant: string;
  readonly user: string | undefined;
  readonly unitsPerMinute: number;
  /** Since when it is not charged; undefined: nobody has answered. */
  readonly chargedUntil: number | undefined;
}

const MINUTE_MS = 60_000;

export class FraudBreaker {
  #policy: FraudPolicy;
  readonly #legs = new Map<string, PaidLeg>();
  readonly #ledgers = new Map<string, Ledger>();
  readonly #userRate = new RateWindow(MINUTE_MS);
  readonly #prefixRate = new RateWindow(60 * MINUTE_MS);

  constructor(policy: FraudPolicy, ledgers: Readonly<Record<string, Ledger>> = {}) {
    this.#policy = policy;
    for (const [tenant, ledger] of Object.entries(ledgers)) this.#ledgers.set(tenant, ledger);
  }

  /** Another policy from now on; what was spent stays spent. */
  replacePolicy(policy: FraudPolicy): void {
    this.#policy = policy;
  }

  /** By tenant, for the Store and for people. */
  get ledgers(): ReadonlyMap<string, Ledger> {
    return this.#ledgers;
  }

  get paidLegs(): number {
    return this.#legs.size;
  }

  /** Whether a call to a trunk may begin. `pass` counts it from now on, until `ended`. */
  admit(request: FraudRequest, now: number): FraudVerdict {
    const rule = strictest(
      request.numbers.map((each) => ruleFor(comparable(each, this.#policy.exitCodes), this.#policy)),
    );
    const verdict = this.#judge(request, rule, now);
    if (verdict === 'pass') this.#begin(request, rule, now);
    return verdict;
  }

  answered(legId: string, now: number): void {
    const leg = this.#legs.get(legId);
    if (leg !== undefined && leg.chargedUntil === undefined) this.#legs.set(legId, { ...leg, chargedUntil: now });
  }

  ended(legId: string, now: number): void {
    const leg = this.#legs.get(legId);
    if (leg === undefined) return;
    this.#charge(leg, now);
    this.#legs.delete(legId);
  }

  /** Charges the running calls. The tenants whose budgets are used up, with the Legs that must end. */
  tick(now: number): readonly Trip[] {
    for (const [legId, leg] of this.#legs) {
      if (leg.chargedUntil === undefined) continue;
      this.#charge(leg, now);
      this.#legs.set(legId, { ...leg, chargedUntil: now });
    }
    return [...new Set([...this.#legs.values()].map(({ tenant }) => tenant))].flatMap((tenant) => {
      const until = this.#spentUntil(tenant, now);
      const legIds = [...this.#legs].filter(([, leg]) => leg.tenant === tenant).map(([legId]) => legId);
      return until === undefined ? [] : [{ tenant, until, legIds }];
    });
  }

  /** An operator has looked into it: the tenant begins anew. */
  reset(tenant: string): void {
    this.#ledgers.delete(tenant);
  }

  #judge({ callId, tenant, user }: FraudRequest, rule: PrefixRule | undefined, now: number): FraudVerdict {
    if (rule?.deny === true) return 'prefix';
    if (this.#spentUntil(tenant, now) !== undefined) return 'budget';
    const already = (window: RateWindow, key: string): number => window.count(key, now, callId);
    const { callsPerHour = Number.POSITIVE_INFINITY } = rule ?? {};
    if (rule !== undefined && already(this.#prefixRate, `${tenant} ${rule.prefix}`) >= callsPerHour)
      return 'prefix-rate';
    if (user === undefined) return 'pass';
    if (already(this.#userRate, user) >= this.#policy.userCallsPerMinute) return 'user-rate';
    const running = [...this.#legs.values()].filter((leg) => leg.user === user).length;
    return running >= this.#policy.userConcurrentCalls ? 'user-concurrency' : 'pass';
  }

  #begin({ legId, callId, tenant, user }: FraudRequest, rule: PrefixRule | undefined, now: number): void {
    if (rule?.callsPerHour !== undefined) this.#prefixRate.add(`${tenant} ${rule.prefix}`, callId, now);
    if (user !== undefined) this.#userRate.add(user, callId, now);
    const unitsPerMinute = rule?.unitsPerMinute ?? this.#policy.unitsPerMinute;
    this.#legs.set(legId, { tenant, user, unitsPerMinute, chargedUntil: undefined });
  }

  #charge({ tenant, unitsPerMinute, chargedUntil }: PaidLeg, now: number): void {
    if (chargedUntil === undefined || now <= chargedUntil) return;
    const units = ((now - chargedUntil) / MINUTE_MS) * unitsPerMinute;
    this.#ledgers.set(tenant, charge(this.#ledgers.get(tenant) ?? EMPTY_LEDGER, units, now));
  }

  #spentUntil(tenant: string, now: number): number | undefined {
    const ledger = this.#ledgers.get(tenant);
    return ledger === undefined ? undefined : spentUntil(ledger, this.#budgetOf(tenant), now);
  }

  #budgetOf(tenant: string): Budget {
    return this.#policy.budgets[tenant] ?? this.#policy.budget;
  }
}
