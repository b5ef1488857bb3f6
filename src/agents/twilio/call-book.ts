/** The calls that applications may reach by their CallSid: those that run, and for a while those that have ended. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../kernel/index.ts';
import type { Source } from './program.ts';

export type CallStatus = 'ringing' | 'in-progress' | 'completed' | 'busy' | 'failed' | 'no-answer';

/** What an application may do to its call from outside. */
export interface CallControl {
  hangUp(): void;
  /** In place of what runs. */
  redirect(source: Source): void;
}

export interface BookedCall {
  readonly sid: string;
  readonly accountSid: string;
  readonly authToken: string | undefined;
  /** Where relative URLs start. */
  readonly base: string | undefined;
  readonly from: string;
  readonly to: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly answeredAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly status: CallStatus;
  /** Undefined: it has ended. */
  readonly control: CallControl | undefined;
}

export type NewBookedCall = Omit<BookedCall, 'createdAt' | 'answeredAt' | 'endedAt' | 'status'>;

/** One call's entry, as the call keeps it. */
export interface BookEntry {
  readonly status: CallStatus;
  answered(): void;
  /** Idempotent. */
  ended(status: CallStatus): void;
}

/** Calls that have ended and can still be looked up. */
const MAX_ENDED = 500;

export class CallBook {
  readonly #clock: Clock;
  readonly #calls = new Map<string, BookedCall>();
  readonly #ended = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  enter(call: NewBookedCall): BookEntry {
    const { sid } = call;
    const put = (entry: BookedCall): BookedCall => {
      this.#calls.set(sid, entry);
      return entry;
    };
    this.#ended.delete(sid);
    // A connection that is made anew is of the call that has been answered already.
    const { createdAt = this.#clock.wallTime(), answeredAt } = this.#calls.get(sid) ?? {};
    const begun = answeredAt === undefined ? 'ringing' : 'in-progress';
    let current = put({ ...call, createdAt, answeredAt, endedAt: undefined, status: begun });
    return {
      get status() {
        return current.status;
      },
      answered: () => {
        if (current.status === 'ringing')
          current = put({ ...current, status: 'in-progress', answeredAt: this.#clock.wallTime() });
      },
      ended: (status) => {
        // Another attempt of the same call may have taken its place.
        if (current.control === undefined || this.#calls.get(sid) !== current) return;
        current = put({ ...current, status, endedAt: this.#clock.wallTime(), control: undefined });
        this.#keepEnded(sid);
      },
    };
  }

  /** Undefined also for a call of somebody else. */
  find(sid: string, isAllowed: (call: BookedCall) => boolean): BookedCall | undefined {
    const call = this.#calls.get(sid);
    return call !== undefined && isAllowed(call) ? call : undefined;
  }

  #keepEnded(sid: string): void {
    this.#ended.add(sid);
    if (this.#ended.size <= MAX_ENDED) return;
    const [oldest] = this.#ended;
    if (oldest === undefined) return;
    this.#ended.delete(oldest);
    this.#calls.delete(oldest);
  }
}

/** Without telling by the time it takes where they differ. */
export function isSameSecret(given: string, wanted: string): boolean {
  return timingSafeEqual(digest(given), digest(wanted));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
