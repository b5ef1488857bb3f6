/** Arithmetic on the wrapping counters of RTP: how far `a` is ahead of `b`, the short way round (RFC 1982). */

/** Of 16-bit sequence numbers: -32768 to 32767. */
export function sequenceDelta(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}

/** Of 32-bit timestamps, in units of their clock. */
export function timestampDelta(a: number, b: number): number {
  return (a - b) | 0;
}

/** A jump this far ahead is a restart of the sender and not loss (RFC 3550 §A.1, MAX_DROPOUT). */
export const MAX_DROPOUT = 3000;
/** A packet this far behind is a restart of the sender and not reordering (RFC 3550 §A.1, MAX_MISORDER). */
export const MAX_MISORDER = 100;

/** Whether a step of the sequence number is what loss and reordering make, and not a restart. */
export function isContinuous(step: number): boolean {
  return step <= MAX_DROPOUT && step > -MAX_MISORDER;
}
