/** A party that talks already, in the place of a branch: it is there at once, and becomes the new call's when it is joined. */
import type { BranchSide } from './branch-leg.ts';
import type { SipDialog } from './sip-ports.ts';
import type { StandingLeg } from './standing-leg.ts';

export interface JoinedReports {
  readonly onInvited: (sipCallId: string) => void;
  readonly onAnswered: () => void;
}

export class JoinedBranch implements BranchSide {
  readonly #standing: StandingLeg;
  readonly #reports: JoinedReports;

  constructor(standing: StandingLeg, reports: JoinedReports) {
    this.#standing = standing;
    this.#reports = reports;
  }

  get dialog(): SipDialog | undefined {
    return this.#standing.isTaken ? this.#standing.parts.dialog() : undefined;
  }

  ring(): void {
    this.#reports.onInvited(this.#standing.parts.leg.sipCallId);
    this.#reports.onAnswered();
  }

  cancel(): void {}

  async bye(reason: string | undefined): Promise<void> {
    await this.#standing.bye(reason);
  }
}
