/** Where a transfer leads: a route like that of a new call, with the transferor's rights, or a party we have already. */
import type { LegId } from '../kernel/index.ts';
import { parseUri } from '../sip/message/index.ts';
import { type BookedLeg, isSameParty, type LegBook } from './leg-book.ts';
import type { LiveCall } from './live-call.ts';
import type { ReferRequest, ReplacedDialog } from './refer.ts';
import type { RouteQuery, Routing } from './routing.ts';

/** The Leg that a Replaces names, and the party it talks with. */
export interface Replaced {
  readonly home: LiveCall;
  readonly replaced: LegId;
  readonly remaining: LegId;
}

export type TransferTarget =
  | { readonly kind: 'route'; readonly routing: Extract<Routing, { kind: 'stages' }> }
  | { readonly kind: 'join'; readonly replaced: Replaced }
  /** Nobody is there: the transferor hears of it by NOTIFY. */
  | { readonly kind: 'nobody'; readonly sipStatus: number }
  /** The transferor may not: it hears of it at once. */
  | { readonly kind: 'forbidden'; readonly sipStatus: number };

/** Whose Leg it is that a Replaces names, as far as `by` may replace it; otherwise the status owed (RFC 3891 §3). */
export function findReplaced(replaces: ReplacedDialog, by: BookedLeg['party'], legs: LegBook): Replaced | number {
  const named = legs.withDialog(replaces);
  if (named === undefined) return 481;
  if (!isSameParty(by, named.party)) return 403;
  // Confirmed, where only an early dialog was to be replaced.
  if (replaces.isEarlyOnly) return 486;
  const remaining = named.home.parties.counterpartOf(named.legId);
  return remaining === undefined ? 481 : { home: named.home, replaced: named.legId, remaining };
}

export interface TargetQuery {
  readonly refer: ReferRequest;
  readonly transferor: BookedLeg;
  readonly legs: LegBook;
  readonly route: (query: RouteQuery) => Promise<Routing>;
}

export async function targetOf({ refer, transferor, legs, route }: TargetQuery): Promise<TransferTarget> {
  const { party, home } = transferor;
  if (refer.replaces !== undefined) {
    const replaced = findReplaced(refer.replaces, party, legs);
    if (typeof replaced !== 'number')
      return replaced.home === home ? { kind: 'forbidden', sipStatus: 400 } : { kind: 'join', replaced };
    // A dialog we know nothing of is somebody else's: the target may know it.
    if (replaced !== 481) return { kind: 'forbidden', sipStatus: replaced };
  }
  if (parseUri(refer.uri) === undefined) return { kind: 'forbidden', sipStatus: 416 };
  const routing = await route({
    uri: refer.uri,
    party,
    header: () => undefined,
    callId: home.call.callId,
    signal: home.signal,
  });
  if (routing.kind === 'stages') return { kind: 'route', routing };
  return { kind: routing.status === 403 ? 'forbidden' : 'nobody', sipStatus: routing.status };
}

/** The numbers that may be called through trunks on the way of a route. */
function trunkNumbersOf(routing: Extract<Routing, { kind: 'stages' }>): readonly string[] {
  const stages = [...routing.stages, ...routing.fallbacks.flatMap((each) => each.stages)];
  return stages.flatMap(({ targets }) => targets.flatMap((each) => (each.kind === 'trunk' ? [each.number] : [])));
}

/** `mayDial`: whether that number may be called through a trunk. */
export function mayReach(target: TransferTarget, mayDial: (number: string) => boolean): boolean {
  return target.kind !== 'route' || trunkNumbersOf(target.routing).every(mayDial);
}
