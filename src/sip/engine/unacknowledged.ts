/**
 * A response of ours that is repeated until it is acknowledged, by the machine of success-retransmission.ts: a 2xx to
 * an INVITE (RFC 3261 §13.3.1.4) until its ACK, a reliable provisional response (RFC 3262 §3) until its PRACK.
 */
import {
  createSuccessRetransmission,
  type SuccessInput,
  type SuccessRetransmission,
  type SuccessTimer,
  stepSuccess,
  type TimerValues,
} from '../transaction/index.ts';
import type { EngineCore } from './core.ts';
import { responseTarget, type ServerReply, type ServerTransaction } from './server-transactions.ts';
import { TimerSet } from './timer-set.ts';

const ignoreFailure = (): void => {};

export class Unacknowledged {
  /** Of the request. */
  readonly cseq: number;
  readonly #core: EngineCore;
  readonly #transactionId: string;
  /** What is repeated, on which way, and who hears that it was in vain; undefined when that is over. */
  #sent: { readonly reply: ServerReply; readonly response: Buffer; readonly onGivenUp: () => void } | undefined;
  readonly #timers = new TimerSet<SuccessTimer>();
  readonly #values: TimerValues;
  #machine: SuccessRetransmission;

  /** `values`: other timers than the usual; then it is repeated on reliable transports too. */
  constructor(
    core: EngineCore,
    sent: { readonly tx: ServerTransaction; readonly response: Buffer },
    onGivenUp: () => void,
    values?: TimerValues,
  ) {
    const { id, facts, isInDialog, reply } = sent.tx;
    this.cseq = facts.cseq.number;
    this.#core = core;
    this.#transactionId = isInDialog ? '' : id;
    this.#sent = { reply, response: sent.response, onGivenUp };
    this.#values = values ?? core.options.timers;
    const reliable = values === undefined && reply.flow.connectionId !== undefined;
    this.#machine = createSuccessRetransmission(reliable, this.#values);
  }

  /** The id an ACK is delivered with: the INVITE's; of a re-INVITE the ACK gets one of its own. */
  get ackId(): string {
    return this.#transactionId === '' ? this.#core.random.uuid() : this.#transactionId;
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
    this.#sent = undefined;
  }

  #resend(): void {
    if (this.#sent === undefined) return;
    const { reply, response } = this.#sent;
    this.#core.net.send(responseTarget(reply.flow), response, ignoreFailure);
  }

  #step(input: SuccessInput): void {
    const { next, outputs } = stepSuccess(this.#machine, input, this.#values);
    this.#machine = next;
    const sent = this.#sent;
    for (const output of outputs) {
      switch (output.kind) {
        case 'resend':
          this.#resend();
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
          this.stop();
          break;
        case 'unacknowledged':
          sent?.onGivenUp();
          break;
        case 'acknowledged':
          break;
        default:
          output satisfies never;
      }
    }
  }
}
