/** One Leg to an agent of ours: it rings while the agent warms up, and talks when it has something to say. */
import type { AgentCall, AgentCallEvents, AgentCallVerbs, AgentDesk, AgentRecord, AgentRun } from '../calls/index.ts';
import type { BranchSide } from './branch-leg.ts';

export interface AgentLegReports {
  readonly onRinging: () => void;
  readonly onAnswered: () => void;
  readonly onFailed: (sipStatus: number) => void;
  readonly onHangUp: () => void;
  readonly onUtterance: AgentCallEvents['onUtterance'];
  readonly onTurn: AgentCallEvents['onTurn'];
}

export interface AgentLegOptions {
  readonly desk: AgentDesk;
  readonly call: AgentCall;
  readonly verbs: AgentCallVerbs;
  readonly reports: AgentLegReports;
}

export class AgentLeg implements BranchSide {
  /** It has no SIP side. */
  readonly dialog = undefined;
  readonly #options: AgentLegOptions;
  #run: AgentRun | undefined;
  #state: 'new' | 'ringing' | 'talking' | 'over' = 'new';

  constructor(options: AgentLegOptions) {
    this.#options = options;
  }

  get agent(): AgentRecord | undefined {
    return this.#run?.record;
  }

  ring(): void {
    if (this.#state !== 'new') return;
    this.#state = 'ringing';
    const { desk, call, verbs, reports } = this.#options;
    reports.onRinging();
    const events: AgentCallEvents = {
      onReady: () => {
        if (this.#state !== 'ringing') return;
        this.#state = 'talking';
        reports.onAnswered();
      },
      onFailed: (sipStatus) => this.#leave('ringing', () => reports.onFailed(sipStatus)),
      onHangUp: () => this.#leave('talking', reports.onHangUp),
      onUtterance: reports.onUtterance,
      onTurn: reports.onTurn,
    };
    this.#run = desk.start(call, events, verbs);
  }

  cancel(): void {
    const isRinging = this.#state === 'ringing';
    this.#end();
    if (isRinging) this.#options.reports.onFailed(487);
  }

  async bye(): Promise<void> {
    this.#end();
  }

  heardDigit(digit: string, durationMs: number): void {
    this.#run?.onDigit(digit, durationMs);
  }

  #leave(from: 'ringing' | 'talking', report: () => void): void {
    if (this.#state !== from) return;
    this.#end();
    report();
  }

  #end(): void {
    this.#state = 'over';
    this.#run?.end();
  }
}
