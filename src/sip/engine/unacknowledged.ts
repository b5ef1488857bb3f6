/** A 2xx of ours that waits for its ACK, retransmitted by the machine of success-retransmission.ts. */
import {
  createSuccessRetransmission,
  type SuccessInput,
  type SuccessRetransmission,
  type SuccessTimer,
  stepSuccess,
} from '../transaction/index.ts';
import type { EngineCore } from './core.ts';
import type { ServerTransaction } from './server-transactions.ts';
import { responseTarget } from './server-transactions.ts';
import { TimerSet } from './timer-set.ts';

const ignoreFailure = (): void => {};

export class Unacknowledged {
  readonly #core: EngineCore;
  readonly #tx: ServerTransaction;
  readonly #response: Buffer;
  readonly #timers = new TimerSet<SuccessTimer>();
  readonly #onGivenUp: () => void;
  #machine: SuccessRetransmission;

  constructor(core: EngineCore, tx: ServerTransaction, response: Buffer, onGivenUp: () => void) {
    this.#core = core;
    this.#tx = tx;
    this.#response = response;
    this.#onGivenUp = onGivenUp;
    this.#machine = createSuccessRetransmission(tx.flow.connectionId !== undefined, core.options.timers);
  }

  get cseq(): number {
    return this.#tx.facts.cseq.number;
  }

  /** The id an ACK is delivered with: the INVITE's; of a re-INVITE the ACK gets one of its own. */
  get ackId(): string {
    return this.#tx.isInDialog ? this.#core.random.uuid() : this.#tx.id;
  }

  start(): void {
    this.#step({ kind: 'start' });
  }

  /** True for the first ACK, false for its retransmissions. */
  acknowledged(): boolean {
    const isFirst = this.#machine.phase === 'waiting';
    this.#step({ kind: 'ack' });
    return isFirst;
  }

  get isWaiting(): boolean {
    return this.#machine.phase === 'waiting';
  }

  stop(): void {
    this.#timers.clear();
  }

  #step(input: SuccessInput): void {
    const { next, outputs } = stepSuccess(this.#machine, input, this.#core.options.timers);
    this.#machine = next;
    for (const output of outputs) {
      switch (output.kind) {
        case 'resend':
          this.#core.net.send(responseTarget(this.#tx.flow), this.#response, ignoreFailure);
          break;
        case 'set-timer': {
          const { timer } = output;
          this.#timers.set(
            timer,
            this.#core.timers.after(output.ms, () => this.#step({ kind: 'timer', timer })),
          );
          break;
        }
        case 'clear-timers':
          this.#timers.clear();
          break;
        case 'unacknowledged':
          this.#onGivenUp();
          break;
        case 'acknowledged':
          break;
        default:
          output satisfies never;
      }
    }
  }
}
