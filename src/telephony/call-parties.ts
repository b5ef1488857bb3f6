/** Who the parties of one call are to each other: their dialogs, their media, and what another call needs to take one over. */
import type { Call } from '../calls/index.ts';
import type { LegId } from '../kernel/index.ts';
import type { BranchSide } from './branch-leg.ts';
import type { CallMediaWork } from './call-media.ts';
import type { CallerSide } from './caller-leg.ts';
import type { SipDialog } from './sip-ports.ts';
import type { StandingParts } from './standing-parts.ts';

/** Built-in parties have no SIP side: they answer at once. */
export type LiveBranch = BranchSide | 'built-in';

/** What the call is made of once it is routed. */
export interface CallParts {
  readonly media: CallMediaWork;
  readonly branches: ReadonlyMap<LegId, LiveBranch>;
}

export interface CallPartiesOptions {
  readonly call: () => Call;
  readonly caller: () => CallerSide | undefined;
  /** Undefined until the call is routed. */
  readonly parts: () => CallParts | undefined;
  readonly bye: (legId: LegId, reason: string | undefined) => Promise<void>;
}

export class CallParties {
  readonly #options: CallPartiesOptions;

  constructor(options: CallPartiesOptions) {
    this.#options = options;
  }

  branch(legId: LegId): BranchSide | undefined {
    const branch = this.#options.parts()?.branches.get(legId);
    return branch === 'built-in' ? undefined : branch;
  }

  dialogOf(legId: LegId): SipDialog | undefined {
    const isCaller = legId === this.#options.call().inbound.legId;
    return isCaller ? this.#options.caller()?.dialog : this.branch(legId)?.dialog;
  }

  /** A key for a party that hears them otherwise than in its audio. False: it is no such party. */
  heardDigit(legId: LegId, digit: string, durationMs: number): boolean {
    const isCaller = legId === this.#options.call().inbound.legId;
    const side = isCaller ? this.#options.caller() : this.branch(legId);
    side?.heardDigit?.(digit, durationMs);
    return side?.heardDigit !== undefined;
  }

  /** Lets a party go, whatever the call thinks of it. */
  async dismiss(legId: LegId): Promise<void> {
    await this.#options.bye(legId, undefined);
  }

  /** The dialog on the other side of a Leg. */
  peerOf(legId: LegId): SipDialog | undefined {
    const { state, inbound } = this.#options.call();
    if (legId !== inbound.legId) return this.#options.caller()?.dialog;
    return state.kind === 'talking' ? this.branch(state.winner)?.dialog : undefined;
  }

  /** The other party of a call that talks. */
  counterpartOf(legId: LegId): LegId | undefined {
    const { state, inbound } = this.#options.call();
    if (state.kind !== 'talking') return undefined;
    if (legId === inbound.legId) return state.winner;
    return legId === state.winner ? inbound.legId : undefined;
  }

  /** Both parties of a call that talks, the caller first. */
  get talking(): readonly LegId[] {
    const { state, inbound } = this.#options.call();
    return state.kind === 'talking' ? [inbound.legId, state.winner] : [];
  }

  /** A party of a call that talks, with all that another call needs to take it over; undefined for built-in ones. */
  standing(legId: LegId): StandingParts | undefined {
    const { inbound, branches } = this.#options.call();
    const media = this.#options.parts()?.media.legOf(legId);
    const leg = legId === inbound.legId ? inbound : branches.find((branch) => branch.legId === legId);
    const isThere = this.counterpartOf(legId) !== undefined && this.dialogOf(legId) !== undefined;
    if (!isThere || leg === undefined || media === undefined) return undefined;
    const { portId, kind, party, sipCallId = '' } = leg;
    return {
      leg: { legId, portId, kind, party, sipCallId },
      media,
      dialog: () => this.dialogOf(legId),
      bye: async (reason) => this.#options.bye(legId, reason),
    };
  }
}
