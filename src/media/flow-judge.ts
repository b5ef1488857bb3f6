/** Whether a flow that mediasoup carries still runs, seen from the byte counts of its transport. Pure. */
import type { PathBytes } from './direct-path.ts';

type Received = Pick<PathBytes, 'all' | 'taken'>;

export interface FlowSample extends Received {
  readonly atMs: number;
}

export type FlowVerdict =
  | { readonly kind: 'runs' }
  /** `silentMs`: for how long the source that was proven has been silent at least. */
  | { readonly kind: 'gone'; readonly silentMs: number };

/** What comes beside the flow and is not RTCP, which is some hundred bytes in seconds. */
const FOREIGN_BYTES = 500;
/** A flow that has lost this share of its rate while others send has been moved. */
const GONE_SHARE = 0.25;
const RUNS: FlowVerdict = { kind: 'runs' };

/** The flow over a second or so; `before` is the sample before the last. */
export function judgeFlow(before: FlowSample | undefined, last: FlowSample | undefined, now: FlowSample): FlowVerdict {
  if (last === undefined) return RUNS;
  const elapsedMs = now.atMs - last.atMs;
  const taken = now.taken - last.taken;
  if (taken === 0) return { kind: 'gone', silentMs: elapsedMs };
  if (before === undefined || now.all - last.all - taken < FOREIGN_BYTES) return RUNS;
  const expected = ((last.taken - before.taken) / (last.atMs - before.atMs)) * elapsedMs;
  const missing = 1 - taken / expected;
  // A little less than what is missing, so that nobody is held to be silent for longer than he is.
  return missing > GONE_SHARE ? { kind: 'gone', silentMs: Math.max(0, missing - 0.1) * elapsedMs } : RUNS;
}

/** Whether others send to the port while the flow stands: over a moment in which it would have sent. */
export function isReplaced(last: Received, now: Received): boolean {
  return now.taken === last.taken && now.all > last.all;
}
