import { DEFAULT_TIMERS, type TimerValues } from '../transaction/index.ts';

/** What an operator may choose about the engine. Times in milliseconds unless the name ends in `Sec`. */
export interface EngineOptions {
  readonly timers: TimerValues;
  /** How long a live dialog whose connection closed waits for the same registered Contact to come back. */
  readonly flowGraceMs: number;
  /** How long dialogs of an application that went away are remembered, to answer 481 in them. */
  readonly orphanMs: number;
  /** Beyond these an application gets no new work: 503 for callers, NOK for its own requests. */
  readonly maxTransactionsPerApp: number;
  readonly maxDialogsPerApp: number;
  /** Requests larger than this go by TCP instead of UDP where the URI leaves the choice, in bytes (RFC 3261 §18.1.1). */
  readonly udpMaxBytes: number;
  /** What callers are told with that 503. */
  readonly retryAfterSec: number;
  /** Beyond it new requests are refused without being remembered; those of known dialogs at twice as many. */
  readonly maxServerTransactions: number;
  /** INVITEs that no application has answered at all. */
  readonly maxUnansweredCalls: number;
  /** A thread that is so late, in milliseconds, cannot keep up: new calls are turned away until it can. */
  readonly overloadLagMs: number;
  /** User parts of calls that are let in all the same. */
  readonly emergencyNumbers: readonly string[];
  /** The smallest session interval accepted, Min-SE; not below 90 in earnest (RFC 4028 §5). */
  readonly minSessionSec: number;
  /**
   * Behave like drachtio-server where its clients can tell, faults included (drachtio-protocol §5-§11). Imitated are:
   * its receive buffer, `remove_route` of every verb; WebSockets reported as tcp;
   * REFER and unknown methods outside dialogs dropped, INVITEs that no application answers left without answer; a
   * first retransmission after 2·T1; a default To without brackets; forks that answer late never ended; a 487 that does
   * not come and connections that close never told of; the last NOTIFY of a subscription answered 500; session
   * refreshes by re-INVITE only; a proxy's final timeout ignored and its CANCEL answered at once.
   * Not imitated: commands taken before authentication, losing the final response after a 1xx in a dialog, and what only its configuration decides.
   */
  readonly strict: boolean;
}

export const DEFAULT_OPTIONS: EngineOptions = {
  timers: DEFAULT_TIMERS,
  flowGraceMs: 30_000,
  orphanMs: 3_600_000,
  maxTransactionsPerApp: 50_000,
  maxDialogsPerApp: 20_000,
  udpMaxBytes: 1300,
  retryAfterSec: 5,
  maxServerTransactions: 100_000,
  maxUnansweredCalls: 5_000,
  overloadLagMs: 200,
  emergencyNumbers: [],
  minSessionSec: 90,
  strict: false,
};
