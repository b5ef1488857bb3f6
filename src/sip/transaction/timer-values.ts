/** Milliseconds of the timers of RFC 3261 §17, table 4. */
export interface TimerValues {
  /** Estimate of the round trip; the first retransmission interval. */
  readonly t1: number;
  /** Longest interval between retransmissions of a non-INVITE request or an INVITE response. */
  readonly t2: number;
  /** Longest time a message stays in the network. */
  readonly t4: number;
  /** How long an INVITE may ring before the client gives up (timer C, RFC 3261 §16.6 item 11). */
  readonly timerC: number;
}

export const DEFAULT_TIMERS: TimerValues = { t1: 500, t2: 4000, t4: 5000, timerC: 185_000 };

/** How long a transaction waits for an answer, and remembers one: 64·T1. */
export function transactionTimeout(timers: TimerValues): number {
  return 64 * timers.t1;
}
