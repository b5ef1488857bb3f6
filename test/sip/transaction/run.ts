/** Drives a machine through inputs and shows what it put out, in short words. */
import type { SipResponse } from '../../../src/sip/message/index.ts';
import { DEFAULT_TIMERS, type TimerValues } from '../../../src/sip/transaction/index.ts';

export function response(status: number): SipResponse {
  return { kind: 'response', status, reason: '', headers: [], body: Buffer.alloc(0) };
}

interface Output {
  readonly kind: string;
  readonly timer?: string;
  readonly ms?: number;
  readonly reason?: string;
  readonly response?: SipResponse;
}

type StepOf<State, Input> = (
  state: State,
  input: Input,
  timers: TimerValues,
) => { readonly next: State; readonly outputs: readonly Output[] };

export class Machine<State extends { readonly phase: string }, Input> {
  #state: State;
  readonly #step: StepOf<State, Input>;

  constructor(state: State, step: StepOf<State, Input>) {
    this.#state = state;
    this.#step = step;
  }

  get phase(): string {
    return this.#state.phase;
  }

  /** 'send', 'set-timer A 500', 'ack 486', 'failed timeout'. */
  put(input: Input): string[] {
    const { next, outputs } = this.#step(this.#state, input, DEFAULT_TIMERS);
    this.#state = next;
    return outputs.map((output) =>
      [output.kind, output.timer, output.ms, output.reason, output.response?.status]
        .filter((part) => part !== undefined)
        .join(' '),
    );
  }
}
