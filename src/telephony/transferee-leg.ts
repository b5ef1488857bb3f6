/** A party that is transferred, in the place of the caller of the call that the transfer makes. */
import type { CallerSide } from './caller-leg.ts';
import type { SipDialog } from './sip-ports.ts';
import type { StandingLeg } from './standing-leg.ts';

export interface TransfereeReports {
  readonly onProgress: (status: number) => void;
  /** The target is there, and both hear each other. */
  readonly onJoined: () => void;
  readonly onFailed: (status: number) => void;
}

export class TransfereeLeg implements CallerSide {
  readonly #standing: StandingLeg;
  readonly #reports: TransfereeReports;
  readonly isReliable = false;
  #isOver = false;

  constructor(standing: StandingLeg, reports: TransfereeReports) {
    this.#standing = standing;
    this.#reports = reports;
  }

  get dialog(): SipDialog | undefined {
    return this.#standing.isTaken ? this.#standing.parts.dialog() : undefined;
  }

  listen(): void {}

  progress(status: number): void {
    if (!this.#standing.isTaken) this.#reports.onProgress(status);
  }

  /** It has changed hands by then, and has nothing to be told: the call stands. */
  answer(): void {
    if (!this.#isOver) this.#reports.onJoined();
  }

  refuse(status: number): void {
    if (this.#isOver || this.#standing.isTaken) return;
    this.#isOver = true;
    this.#reports.onFailed(status);
  }

  async hangUp(status: number, reason: string | undefined): Promise<void> {
    if (this.#standing.isTaken) await this.#standing.bye(reason);
    else this.refuse(status);
  }
}
