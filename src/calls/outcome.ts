/** What a SIP status says about the end of a call, and which of several to pass on. */
import type { EndReason } from './call-record.ts';
import { withSipCause } from './q850.ts';

const REASONS: ReadonlyMap<number, EndReason> = new Map<number, EndReason>([
  [401, 'forbidden'],
  [403, 'forbidden'],
  [404, 'not-found'],
  [407, 'forbidden'],
  [408, 'no-answer'],
  [410, 'not-found'],
  [415, 'not-acceptable'],
  [480, 'unavailable'],
  [484, 'not-found'],
  [486, 'busy'],
  [487, 'cancelled'],
  [488, 'not-acceptable'],
  [503, 'unavailable'],
  [504, 'timeout'],
  [600, 'busy'],
  [603, 'declined'],
  [604, 'not-found'],
  [606, 'not-acceptable'],
]);

/** The EndReason of a call that ended with this final status. */
export function endReasonOf(sipStatus: number): EndReason {
  return REASONS.get(sipStatus) ?? 'error';
}

/** Within the 4xx class: what tells the caller most first; 408 last, it only says that one phone was silent. */
const TELLING = [486, 488, 415, 484, 403, 480, 404, 410];
const SILENT = [487, 408];

function rank(status: number): number {
  const told = TELLING.indexOf(status);
  return told >= 0 ? told : TELLING.length + 1 + SILENT.indexOf(status);
}

function classOf(status: number): number {
  return Math.floor(status / 100);
}

function better(a: number, b: number): number {
  if (classOf(a) !== classOf(b)) {
    // RFC 3261 §16.7 step 6: a 6xx speaks for the person called, else the lowest class wins.
    if (classOf(a) === 6) return a;
    if (classOf(b) === 6) return b;
    return classOf(a) < classOf(b) ? a : b;
  }
  return rank(a) <= rank(b) ? a : b;
}

/**
 * The status owed to the caller for one branch's final status. A redirection is not followed and a challenge is
 * not for the caller to answer; a 503 speaks of the next hop alone (RFC 3261 §16.7 step 6).
 */
function callerStatusOf(branchStatus: number): number {
  if (branchStatus >= 300 && branchStatus < 400) return 480;
  if (branchStatus === 401 || branchStatus === 407) return 403;
  if (branchStatus === 503) return 500;
  return branchStatus;
}

/** How one branch failed. `reason`: its Reason header, canonical. */
export interface BranchFailure {
  readonly sipStatus: number;
  readonly reason: string | undefined;
}

/** What to answer the caller when every branch has failed: the best status, and the Reason of who said it. Without any branch: 480. */
export function bestResponse(failures: readonly BranchFailure[]): {
  readonly sipStatus: number;
  readonly cause: string | undefined;
} {
  const [first, ...rest] = failures;
  if (first === undefined) return { sipStatus: 480, cause: undefined };
  const best = rest.reduce((a, b) => (isBetter(b, a) ? b : a), first);
  const sipStatus = callerStatusOf(best.sipStatus);
  return { sipStatus, cause: sipStatus === best.sipStatus ? best.reason : withSipCause(best.reason, best.sipStatus) };
}

function isBetter(candidate: BranchFailure, than: BranchFailure): boolean {
  const [a, b] = [callerStatusOf(candidate.sipStatus), callerStatusOf(than.sipStatus)];
  return a !== b && better(b, a) === a;
}

/** Progress after which no phone has rung for sure: forwarded, queued, ended early elsewhere (RFC 3261 §21.1, RFC 6228). */
const QUIET = new Set([100, 181, 182, 199]);

/** Whether a phone rings, or may ring, when this provisional status comes. */
export function mayRing(sipStatus: number): boolean {
  return !QUIET.has(sipStatus);
}
