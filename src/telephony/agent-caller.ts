/** A party of ours in the place of the caller: for a call that somebody from outside has asked for. */
import type { AgentCallEvents, AgentCallVerbs, AgentRun } from '../calls/index.ts';
import type { CallerSide } from './caller-leg.ts';

export interface AgentCallerReports {
  /** The called party has answered, and the party of ours is there. */
  readonly onAnswered: () => void;
  /** It hangs up. `sipStatus`: it cannot be had, though it was called for. */
  readonly onHangUp: (sipStatus: number | undefined) => void;
  readonly onUtterance: AgentCallEvents['onUtterance'];
  readonly onTurn: AgentCallEvents['onTurn'];
}

export interface AgentCallerOptions {
  /** Brings it in once the other side has answered. */
  readonly start: (events: AgentCallEvents, verbs: AgentCallVerbs) => AgentRun;
  readonly verbs: AgentCallVerbs;
  readonly reports: AgentCallerReports;
}

export class AgentCaller implements CallerSide {
  /** It has no SIP side. */
  readonly dialog = undefined;
  readonly isReliable = false;
  readonly #options: AgentCallerOptions;
  #run: AgentRun | undefined;
  #isOver = false;

  constructor(options: AgentCallerOptions) {
    this.#options = options;
  }

  listen(): void {}
  progress(): void {}

  answer(): void {
    if (this.#isOver || this.#run !== undefined) return;
    const { start, verbs, reports } = this.#options;
    const leave = (sipStatus: number | undefined): void => {
      if (this.#isOver) return;
      this.#end();
      reports.onHangUp(sipStatus);
    };
    reports.onAnswered();
    const { onUtterance, onTurn } = reports;
    const onHangUp = (): void => leave(undefined);
    this.#run = start({ onReady: () => {}, onFailed: leave, onHangUp, onUtterance, onTurn }, verbs);
  }

  refuse(): void {
    this.#end();
  }

  async hangUp(): Promise<void> {
    this.#end();
  }

  heardDigit(digit: string, durationMs: number): void {
    this.#run?.onDigit(digit, durationMs);
  }

  #end(): void {
    this.#isOver = true;
    this.#run?.end();
  }
}
