/** Where every running Leg is, and on whose behalf: a Leg may go from one call to another (transfer). */
import type { LegId } from '../kernel/index.ts';
import type { Caller } from './caller.ts';
import type { LiveCall } from './live-call.ts';
import type { ReplacedDialog } from './refer.ts';

export interface BookedLeg {
  readonly legId: LegId;
  /** The call it belongs to now. */
  readonly home: LiveCall;
  /** With whose rights its party asks for things. */
  readonly party: Caller;
  /** Called when the call that it belongs to then is over. */
  readonly onForgotten?: () => void;
}

export class LegBook {
  readonly #legs = new Map<LegId, BookedLeg>();
  /** The same by their calls: a call that ends must not look through those of all the others. */
  readonly #ofCall = new Map<LiveCall, Set<LegId>>();

  add(leg: BookedLeg): void {
    this.#legs.set(leg.legId, leg);
    const legs = this.#ofCall.get(leg.home);
    if (legs === undefined) this.#ofCall.set(leg.home, new Set([leg.legId]));
    else legs.add(leg.legId);
  }

  find(legId: LegId): BookedLeg | undefined {
    return this.#legs.get(legId);
  }

  move(legId: LegId, home: LiveCall): void {
    const leg = this.#legs.get(legId);
    if (leg === undefined) return;
    this.#ofCall.get(leg.home)?.delete(legId);
    this.add({ ...leg, home });
  }

  /** The call is over, and its Legs with it: those that have not moved on. */
  forget(home: LiveCall): void {
    const legs = this.#ofCall.get(home) ?? [];
    this.#ofCall.delete(home);
    for (const legId of legs) {
      const leg = this.#legs.get(legId);
      if (leg?.home !== home) continue;
      this.#legs.delete(legId);
      leg.onForgotten?.();
    }
  }

  /** The Leg whose confirmed dialog this is, matched exactly (RFC 3891 §3). */
  withDialog({ sipCallId, localTag, remoteTag }: ReplacedDialog): BookedLeg | undefined {
    for (const leg of this.#legs.values()) {
      const dialog = leg.home.parties.dialogOf(leg.legId);
      const isIt = dialog?.sipCallId === sipCallId && dialog.localTag === localTag && dialog.remoteTag === remoteTag;
      if (isIt) return leg;
    }
    return undefined;
  }
}

/** Whether both act for the same user or trunk: only then may one take over the other's call. */
export function isSameParty(a: Caller, b: Caller): boolean {
  if (a.kind === 'user') return b.kind === 'user' && a.user.name === b.user.name;
  return a.kind === 'trunk' && b.kind === 'trunk' && a.trunk.name === b.trunk.name;
}
