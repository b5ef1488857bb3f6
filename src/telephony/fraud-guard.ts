/** The toll-fraud breaker at work: Legs to trunks ask it, it is told what becomes of them, and it ends what must end. */
import type { CallObserver } from '../calls/index.ts';
import { FraudBreaker, type FraudPolicy, type FraudVerdict, type Ledger } from '../fraud/index.ts';
import type { CallId, Clock, LegId, Timer } from '../kernel/index.ts';
import type { Json, Store } from '../store/index.ts';

export interface PaidLegRequest {
  readonly callId: CallId;
  readonly legId: LegId;
  readonly tenant: string;
  /** The user who pays; undefined for a trunk. */
  readonly user: string | undefined;
  /** In every spelling known. */
  readonly numbers: readonly string[];
}

/** Of a Leg that may be rung. */
export interface TollPass {
  answered(): void;
  /** Idempotent. */
  ended(): void;
}

export interface FraudGuardOptions {
  readonly policy: FraudPolicy;
  readonly store: Store;
  readonly clock: Clock;
  readonly observer: CallObserver;
}

/** What one tenant has spent, as operators see it. */
export interface TollView extends Ledger {
  readonly tenant: string;
}

const PREFIX = 'toll/';
const TICK_MS = 1_000;
/** A ledger is of no use after the day it is about. */
const KEEP_MS = 2 * 86_400_000;

export class FraudGuard {
  readonly #options: FraudGuardOptions;
  readonly #ends = new Map<LegId, () => void>();
  #breaker: FraudBreaker;
  #timer: Timer | undefined;

  constructor(options: FraudGuardOptions) {
    this.#options = options;
    this.#breaker = new FraudBreaker(options.policy);
  }

  /** Takes over what was spent before the last restart: to crash the gateway must not refill a budget. */
  async load(): Promise<void> {
    const entries = await this.#options.store.list(PREFIX, { limit: 100_000 });
    // The Store gives back what `#save` has put there.
    const ledgers = entries.map(({ key, value }) => [key.slice(PREFIX.length), value as unknown as Ledger] as const);
    this.#breaker = new FraudBreaker(this.#options.policy, Object.fromEntries(ledgers));
  }

  replacePolicy(policy: FraudPolicy): void {
    this.#breaker.replacePolicy(policy);
  }

  /** Undefined: the Leg must not be rung. `end` ends it should the budget run out. */
  enter(request: PaidLegRequest, end: () => void): TollPass | undefined {
    const { clock } = this.#options;
    const { legId } = request;
    const verdict = this.#breaker.admit(request, clock.wallTime());
    if (verdict !== 'pass') {
      this.#refused(request, verdict);
      return undefined;
    }
    this.#ends.set(legId, end);
    this.#arm();
    return {
      answered: () => this.#breaker.answered(legId, clock.wallTime()),
      ended: () => {
        if (!this.#ends.delete(legId)) return;
        this.#breaker.ended(legId, clock.wallTime());
        this.#save(request.tenant);
      },
    };
  }

  views(): readonly TollView[] {
    return [...this.#breaker.ledgers].map(([tenant, ledger]) => ({ tenant, ...ledger }));
  }

  reset(tenant: string): void {
    this.#breaker.reset(tenant);
    void this.#options.store.delete(`${PREFIX}${tenant}`);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer ??= this.#options.clock.after(TICK_MS, () => this.#tick());
  }

  #tick(): void {
    this.#timer = undefined;
    for (const { tenant, until, legIds } of this.#breaker.tick(this.#options.clock.wallTime())) {
      this.#options.observer({ kind: 'toll-tripped', tenant, until, calls: legIds.length });
      for (const legId of legIds) this.#ends.get(legId as LegId)?.();
      this.#save(tenant);
    }
    if (this.#breaker.paidLegs > 0) this.#arm();
  }

  #refused({ callId, legId, tenant }: PaidLegRequest, why: Exclude<FraudVerdict, 'pass'>): void {
    this.#options.observer({ kind: 'toll-refused', callId, legId, tenant, why });
  }

  #save(tenant: string): void {
    const ledger = this.#breaker.ledgers.get(tenant);
    if (ledger === undefined) return;
    const value: Json = { ...ledger };
    void this.#options.store.put(`${PREFIX}${tenant}`, value, { ttlMs: KEEP_MS });
  }
}
