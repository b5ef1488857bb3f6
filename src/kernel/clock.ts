/** A pending timer. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** The only source of time. Tests bring a virtual one. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary origin: for intervals. */
  now(): number;
  /** Milliseconds since 1970, UTC: for records and expiry that must survive a restart. */
  wallTime(): number;
  /** Calls `fire` once after `ms` milliseconds. */
  after(ms: number, fire: () => void): Timer;
}
