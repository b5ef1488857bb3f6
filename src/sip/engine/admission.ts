/**
 * Whether there is room for new work. When the threads cannot keep up, only a share of the new calls is let in, small
 * enough that those are served in time (the idea of RFC 7339: less at the door, so that all inside goes through).
 * What belongs to a call that is in, and emergency calls, are never turned away by that.
 */
import type { EngineOptions } from './options.ts';

/** What is measured while the engine runs. Times in milliseconds. */
export interface LoadSample {
  /** How late the slowest thread is with what waits for it. */
  readonly lagMs: number;
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
/** A share below this would keep us from noticing that it is over. */
const LEAST_SHARE = 0.02;
const SHRINK = 0.92;
const GROW = 0.01;

export class Admission {
  readonly #options: EngineOptions;
  readonly #emergencyNumbers: ReadonlySet<string>;
  #share = 1;
  /** What the share has summed up to: a call is let in for each whole. */
  #credit = 0;
  #isMemoryShort = false;
  #turnedAway = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#emergencyNumbers = new Set(options.emergencyNumbers);
  }

  get emergencyNumbers(): ReadonlySet<string> {
    return this.#emergencyNumbers;
  }

  /** The part of new calls that is let in, 0 … 1. */
  get share(): number {
    return this.#share;
  }

  get turnedAway(): number {
    return this.#turnedAway;
  }

  /** Takes a sample; to be called about fifty times a second. */
  observe({ lagMs, isMemoryShort }: LoadSample, { unanswered }: Occupancy): void {
    this.#isMemoryShort = isMemoryShort;
    const { overloadLagMs } = this.#options;
    if (lagMs >= overloadLagMs && (unanswered >= FEW_CALLS || this.#share < 1)) {
      this.#share = Math.max(LEAST_SHARE, this.#share * SHRINK);
    } else if (lagMs < overloadLagMs / 2) this.#share = Math.min(1, this.#share + GROW);
  }

  /** Whether a request outside any dialog may come in. `isCall`: it is an INVITE. */
  admits(isCall: boolean, { size, unanswered }: Occupancy): boolean {
    const { maxServerTransactions, maxUnansweredCalls } = this.#options;
    const isFull = this.#isMemoryShort || size >= maxServerTransactions;
    const isIn = !isFull && (!isCall || (unanswered < maxUnansweredCalls && this.#draws()));
    if (!isIn) this.#turnedAway++;
    return isIn;
  }

  /** Whether a request of a call that is in, or an emergency call, can be taken: only memory sets it a limit. */
  admitsAnyway({ size }: Occupancy): boolean {
    return size < this.#options.maxServerTransactions * 2;
  }

  #draws(): boolean {
    this.#credit += this.#share;
    if (this.#credit < 1) return false;
    this.#credit--;
    return true;
  }
}
