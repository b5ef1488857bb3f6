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

  add(leg: BookedLeg): void {
    this.#legs.set(leg.legId, leg);
  }

  find(legId: LegId): BookedLeg | undefined {
    return this.#legs.get(legId);
  }

  move(legId: LegId, home: LiveCall): void {
    const leg = this.#legs.get(legId);
    if (leg !== undefined) this.#legs.set(legId, { ...leg, home });
  }

  /** The call is over, and its Legs with it: those that have not moved on. */
  forget(home: LiveCall): void {
    for (const { legId, home: current, onForgotten } of this.#legs.values()) {
      if (current !== home) continue;
      this.#legs.delete(legId);
      onForgotten?.();
    }
  }

  /** The Leg whose confirmed dialog this is, matched exactly (RFC 3891 §3). */
  withDialog({ sipCallId, localTag, remoteTag }: ReplacedDialog): BookedLeg | undefined {
    for (const leg of this.#legs.values()) {
      const dialog = leg.home.dialogOf(leg.legId);
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
