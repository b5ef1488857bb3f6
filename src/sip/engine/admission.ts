/**
 * Whether there is room for new work. When the threads cannot keep up, only so many new calls a second are let in as are
 * served in time (the idea of RFC 7339: less at the door, so that all inside goes through; by rate, as in RFC 7415).
 * What belongs to a call that is in, and emergency calls, are never turned away by that.
 */
import type { EngineOptions } from './options.ts';

/** What is measured while the engine runs. Times in milliseconds. */
export interface LoadSample {
  /** How late the slowest thread is with what waits for it. */
  readonly lagMs: number;
  /** Since the last sample. */
  readonly sinceMs: number;
  /** A thread is about to run out of memory. */
  readonly isMemoryShort: boolean;
}

/** How much is under way. */
interface Occupancy {
  readonly size: number;
  /** INVITEs that the application has not answered at all. */
  readonly unanswered: number;
}

/** With fewer calls waiting, a late thread is somebody else's doing, and turning callers away would not help. */
const FEW_CALLS = 20;
/** Calls let in each second whatever the lag: they show that it is over. */
const LEAST_RATE = 5;
/** The part of what is being served that is let in at most while a thread is late, so that the queue grows shorter. */
const MOST_WHEN_LATE = 0.9;
/** By so much lag beyond the limit, in milliseconds, nobody but those few comes in. */
const LAG_RANGE_MS = 1000;
/** So long, in milliseconds, a lag must last without falling to be more than a moment's standstill of the machine. */
const PATIENCE_MS = 150;
/** By this factor a second the rate rises while all are in time. */
const GROWTH = 1.3;
/** And with hardly anybody waiting: more could be served than is let in. */
const GROWTH_WHEN_IDLE = 4;
/** Where it starts from when the queue is gone: this part of what could be served. */
const RESUMED = 0.9;
/** Calls let in at once, in seconds of the rate: they come in bursts. */
const BURST_SEC = 0.1;
/** Strangers leave this part of it to the others. */
const RESERVED = 0.5;
/** What has been counted is forgotten with this time constant, in milliseconds. */
const MEMORY_MS = 1000;

/** Calls of one sort in the time that is remembered. */
interface Tally {
  asked: number;
  admitted: number;
}

export class Admission {
  readonly #options: EngineOptions;
  #emergencyNumbers: ReadonlySet<string>;
  /** New calls a second; infinite while there is no need to choose. */
  #rate = Number.POSITIVE_INFINITY;
  /** What could be served when it came to that, in calls a second. */
  #capacity = 0;
  /** Calls that may come in at once. */
  #tokens = 0;
  readonly #known: Tally = { asked: 0, admitted: 0 };
  readonly #strangers: Tally = { asked: 0, admitted: 0 };
  /** Calls that the application has taken up, and the time they are counted over, in milliseconds. */
  readonly #served = { calls: 0, ms: 0 };
  #admittedSince = 0;
  #unanswered = 0;
  /** How late it was when it became late, and how long ago, in milliseconds. */
  #late: { readonly lagMs: number; forMs: number } | undefined;
  #isMemoryShort = false;
  #turnedAway = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#emergencyNumbers = new Set(options.emergencyNumbers);
  }

  get emergencyNumbers(): ReadonlySet<string> {
    return this.#emergencyNumbers;
  }

  replaceEmergencyNumbers(numbers: readonly string[]): void {
    this.#emergencyNumbers = new Set(numbers);
  }

  /** The part of new calls that was let in lately, of trunks and registered sources, and of strangers: 0 … 1. */
  get shares(): { readonly known: number; readonly strangers: number } {
    return { known: shareOf(this.#known), strangers: shareOf(this.#strangers) };
  }

  get turnedAway(): number {
    return this.#turnedAway;
  }

  /** Takes a sample; to be called about fifty times a second. */
  observe({ lagMs, sinceMs, isMemoryShort }: LoadSample, { unanswered }: Occupancy): void {
    this.#isMemoryShort = isMemoryShort;
    this.#count(sinceMs, unanswered);
    const { overloadLagMs } = this.#options;
    const isLasting = this.#outlasts(lagMs, sinceMs);
    if (lagMs >= overloadLagMs) {
      if (this.#isLimited || (isLasting && unanswered >= FEW_CALLS)) this.#restrain(lagMs - overloadLagMs);
    } else if (this.#isLimited && lagMs < overloadLagMs / 2) {
      this.#relax(sinceMs, unanswered < FEW_CALLS ? GROWTH_WHEN_IDLE : GROWTH);
    }
    if (this.#isLimited) this.#tokens = Math.min(this.#depth, this.#tokens + (this.#rate * sinceMs) / 1000);
  }

  get #isLimited(): boolean {
    return this.#rate < Number.POSITIVE_INFINITY;
  }

  /** After a standstill the queue is soon gone; in an overload it grows. */
  #outlasts(lagMs: number, sinceMs: number): boolean {
    if (lagMs < this.#options.overloadLagMs) this.#late = undefined;
    else if (this.#late === undefined || lagMs < this.#late.lagMs) this.#late = { lagMs, forMs: 0 };
    else this.#late.forMs += sinceMs;
    return this.#late !== undefined && this.#late.forMs >= PATIENCE_MS;
  }

  get #depth(): number {
    return Math.max(2, this.#rate * BURST_SEC);
  }

  /** What has left the queue since the last sample came in before and is not unanswered any more. */
  #count(ms: number, unanswered: number): void {
    const kept = Math.exp(-ms / MEMORY_MS);
    for (const tally of [this.#known, this.#strangers]) {
      tally.asked *= kept;
      tally.admitted *= kept;
    }
    const served = Math.max(0, this.#admittedSince + this.#unanswered - unanswered);
    this.#served.calls = this.#served.calls * kept + served;
    this.#served.ms = this.#served.ms * kept + ms;
    this.#admittedSince = 0;
    this.#unanswered = unanswered;
  }

  /** Fewer come in than go out; the later all are, the fewer. */
  #restrain(excessMs: number): void {
    const served = (this.#served.calls / Math.max(1, this.#served.ms)) * 1000;
    if (!this.#isLimited) {
      this.#capacity = served;
      this.#tokens = 0;
    }
    const part = MOST_WHEN_LATE * Math.max(0, 1 - excessMs / LAG_RANGE_MS);
    this.#capacity = Math.max(served, this.#capacity);
    this.#rate = Math.max(LEAST_RATE, Math.min(this.#rate, served * part));
    this.#tokens = Math.min(this.#tokens, this.#depth);
  }

  #relax(ms: number, growth: number): void {
    this.#rate = Math.max(this.#rate * growth ** (ms / 1000), this.#capacity * RESUMED);
    // What is remembered of it only, else it would be held for ever.
    this.#capacity *= Math.exp(-ms / (10 * MEMORY_MS));
    const isNobodyHeldBack = [this.#known, this.#strangers].every(({ asked, admitted }) => asked - admitted < 0.5);
    if (isNobodyHeldBack) this.#rate = Number.POSITIVE_INFINITY;
  }

  /** Whether a request outside any dialog may come in. */
  admits(request: NewRequest, { size, unanswered }: Occupancy): boolean {
    const { maxServerTransactions, maxUnansweredCalls } = this.#options;
    const isFull = this.#isMemoryShort || size >= maxServerTransactions;
    const hasRoom = !request.isCall || (unanswered < maxUnansweredCalls && this.#draws(request.isStranger));
    return !isFull && hasRoom;
  }

  /** Whether a request of a call that is in, or an emergency call, can be taken: only memory sets it a limit. */
  admitsAnyway({ size }: Occupancy): boolean {
    return size < this.#options.maxServerTransactions * 2;
  }

  /** A request was refused for want of room. */
  noteTurnedAway(): void {
    this.#turnedAway++;
  }

  #draws(isStranger: boolean): boolean {
    const tally = isStranger ? this.#strangers : this.#known;
    tally.asked++;
    const needed = isStranger && this.#isLimited ? Math.max(1, this.#depth * RESERVED) : 1;
    if (this.#isLimited) {
      if (this.#tokens < needed) return false;
      this.#tokens--;
    }
    tally.admitted++;
    this.#admittedSince++;
    return true;
  }
}

function shareOf({ asked, admitted }: Tally): number {
  return asked < 0.5 ? 1 : admitted / asked;
}

/** What is asked of `admits`. */
interface NewRequest {
  /** It is an INVITE. */
  readonly isCall: boolean;
  /** Its source is neither a trunk nor one that has registered. */
  readonly isStranger: boolean;
}
