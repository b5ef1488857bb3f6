/**
 * Whose turn it is in one dialog: one offer at a time, of either side (RFC 3261 §14, RFC 3311 §5, RFC 6337 §4). Pure.
 */
import type { Random } from '../kernel/index.ts';

export type OfferTurn =
  | 'free'
  /** Ours waits for its answer: in a request of ours, or in a 200 for the ACK. */
  | 'ours'
  /** Ours has its answer, which is being applied: the peer's may come already, and waits for that. */
  | 'applying'
  /** The peer's is being answered. */
  | 'theirs';

export interface OfferRefusal {
  readonly status: 491 | 500;
  readonly headers: Readonly<Record<string, string>>;
}

/** What an offer of the peer is refused with, undefined when it may be taken. */
export function refusalOf(turn: OfferTurn, random: Random): OfferRefusal | undefined {
  switch (turn) {
    case 'free':
    case 'applying':
      return undefined;
    case 'ours':
      return { status: 491, headers: {} };
    case 'theirs':
      // RFC 3261 §14.2: a random number of seconds between 0 and 10.
      return { status: 500, headers: { 'Retry-After': String(random.uint32() % 11) } };
  }
}

const MAX_TRIES = 6;
const MAX_WAIT_MS = 10_000;

/** An offer of ours has been refused for now. */
export interface Collision {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** How often it has been tried. */
  readonly tries: number;
  /** Whether the dialog's Call-ID is ours. */
  readonly isOwner: boolean;
}

/** How long to wait before the offer is sent again, ms; undefined: the refusal is final. */
export function retryDelayOf({ status, retryAfter, tries, isOwner }: Collision, random: Random): number | undefined {
  if (tries >= MAX_TRIES) return undefined;
  // RFC 3261 §14.1: 2.1 to 4 s for who owns the Call-ID, else up to 2 s, in steps of 10 ms.
  if (status === 491) return isOwner ? 2_100 + (random.uint32() % 191) * 10 : (random.uint32() % 201) * 10;
  const waitSec = /^\s*(\d{1,4})/.exec(retryAfter ?? '')?.[1];
  if (status !== 500 || waitSec === undefined) return undefined;
  return Math.min(Number(waitSec) * 1_000, MAX_WAIT_MS);
}

/** A response after which there is no dialog any more (RFC 5057 §5.1; RFC 3261 §12.2.1.2). */
export function isDialogGone(status: number): boolean {
  return status === 408 || status === 481;
}
