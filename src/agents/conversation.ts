/** Writes down a call's conversation with an agent: what was heard, how long one waited, how it ended. */
import type { AgentCallEvents, AgentEnd, AgentRecord, PlayoutNotice, TurnRecord } from '../calls/index.ts';
import type { Clock } from '../kernel/index.ts';
import { HeardLedger } from './heard-ledger.ts';

export interface ConversationOptions {
  readonly agent: string;
  readonly clock: Clock;
  readonly events: Pick<AgentCallEvents, 'onUtterance' | 'onTurn'>;
}

/** The last turns are kept. */
const MAX_TURNS = 100;

export class Conversation {
  readonly #options: ConversationOptions;
  readonly #ledger = new HeardLedger();
  readonly #turns: TurnRecord[] = [];
  #turnCount = 0;
  #bargeIns = 0;
  #reconnects = 0;
  #answeredMs: number | undefined;
  #greetingMs: number | undefined;
  #end: AgentEnd | undefined;
  #cause: string | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  get record(): AgentRecord {
    return {
      agent: this.#options.agent,
      greetingMs: this.#greetingMs,
      utterances: [...this.#ledger.utterances],
      ...this.#ledger.sums,
      turns: [...this.#turns],
      turnCount: this.#turnCount,
      bargeIns: this.#bargeIns,
      reconnects: this.#reconnects,
      end: this.#end,
      cause: this.#cause,
    };
  }

  /** The call may be answered from now on. */
  answered(): void {
    this.#answeredMs = this.#options.clock.now();
  }

  take(notice: PlayoutNotice): void {
    const { clock, events } = this.#options;
    if (notice.kind === 'started' && this.#answeredMs !== undefined)
      this.#greetingMs ??= Math.round(clock.now() - this.#answeredMs);
    const closed = this.#ledger.take(notice, clock.wallTime());
    if (closed !== undefined) events.onUtterance(closed);
  }

  /** Of a turn that was complete, if it was. */
  answers(turn: TurnRecord | undefined): void {
    if (turn === undefined) return;
    this.#turnCount++;
    this.#turns.push(turn);
    if (this.#turns.length > MAX_TURNS) this.#turns.shift();
    this.#options.events.onTurn(turn);
  }

  interrupted(): void {
    this.#bargeIns++;
  }

  reconnected(): void {
    this.#reconnects++;
  }

  /** The first word counts. */
  end(end: AgentEnd, cause?: string): void {
    this.#end ??= end;
    this.#cause ??= cause;
  }
}
