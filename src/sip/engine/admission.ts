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
const GROW = 0.02;

export class Admission {
  readonly #options: EngineOptions;
  #emergencyNumbers: ReadonlySet<string>;
  /** 2: everybody comes in. Down to 1 the share of strangers shrinks, below it that of the others. */
  #openness = 2;
  /** What the shares have summed up to: a call is let in for each whole. */
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

  replaceEmergencyNumbers(numbers: readonly string[]): void {
    this.#emergencyNumbers = new Set(numbers);
  }

  /** The part of new calls that is let in, of trunks and registered sources, and of strangers: 0 … 1. */
  get shares(): { readonly known: number; readonly strangers: number } {
    return { known: this.#share(false), strangers: this.#share(true) };
  }

  get turnedAway(): number {
    return this.#turnedAway;
  }

  /** Takes a sample; to be called about fifty times a second. */
  observe({ lagMs, isMemoryShort }: LoadSample, { unanswered }: Occupancy): void {
    this.#isMemoryShort = isMemoryShort;
    const { overloadLagMs } = this.#options;
    if (lagMs >= overloadLagMs && (unanswered >= FEW_CALLS || this.#openness < 2)) {
      this.#openness = Math.max(LEAST_SHARE, this.#openness * SHRINK);
    } else if (lagMs < overloadLagMs / 2) this.#openness = Math.min(2, this.#openness + GROW);
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

  #share(isStranger: boolean): number {
    const share = isStranger ? this.#openness - 1 : this.#openness;
    return Math.min(1, Math.max(isStranger ? 0 : LEAST_SHARE, share));
  }

  #draws(isStranger: boolean): boolean {
    const share = this.#share(isStranger);
    if (share === 1) return true;
    this.#credit += share;
    if (this.#credit < 1) return false;
    this.#credit--;
    return true;
  }
}

/** What is asked of `admits`. */
interface NewRequest {
  /** It is an INVITE. */
  readonly isCall: boolean;
  /** Its source is neither a trunk nor one that has registered. */
  readonly isStranger: boolean;
}
