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
  /** What callers are told with that 503. */
  readonly retryAfterSec: number;
}

export const DEFAULT_OPTIONS: EngineOptions = {
  timers: DEFAULT_TIMERS,
  flowGraceMs: 30_000,
  orphanMs: 3_600_000,
  maxTransactionsPerApp: 50_000,
  maxDialogsPerApp: 20_000,
  retryAfterSec: 5,
};
