/**
 * The reliable provisional responses to one INVITE: RFC 3262 §3. One is under way at a time; what the application says
 * meanwhile and may not be sent yet waits its turn, echo included, so that it never reads of something not sent.
 */
import { type TimerValues, transactionTimeout } from '../transaction/index.ts';
import type { EngineCore } from './core.ts';
import type { ReliableAnswers, Turn } from './reliable-answers.ts';
import type { ServerTransaction } from './server-transactions.ts';
import { Unacknowledged } from './unacknowledged.ts';

/** An application that answers more than this ahead of a PRACK is mistaken. */
const MAX_HELD = 20;

export class ReliableProvisionals implements ReliableAnswers {
  readonly #core: EngineCore;
  readonly #tx: ServerTransaction;
  readonly #onGivenUp: () => void;
  /** Of the last one sent. */
  #number: number;
  #waiting: Unacknowledged | undefined;
  #hasSdp = false;
  #isStopped = false;
  #held: (() => void)[] = [];

  /** `onGivenUp`: nobody sent a PRACK for 64·T1. */
  constructor(core: EngineCore, tx: ServerTransaction, onGivenUp: () => void) {
    this.#core = core;
    this.#tx = tx;
    this.#onGivenUp = onGivenUp;
    this.#number = core.random.uint32() >>> 2; // room for those to come below 2³¹
  }

  get isWaitingWithSdp(): boolean {
    return this.#isWaiting && this.#hasSdp;
  }

  mustWait({ status, isReliable }: Turn): boolean {
    if (status >= 300) return false;
    if (this.#held.length > 0) return true;
    if (!this.#isWaiting) return false;
    return status >= 200 ? this.#hasSdp : isReliable;
  }

  hold(act: () => void): boolean {
    if (this.#held.length >= MAX_HELD) return false;
    this.#held.push(act);
    return true;
  }

  nextNumber(): number {
    this.#number++;
    return this.#number;
  }

  /** Repeated without the ceiling of T2 (§3). */
  sent(response: Buffer, hasSdp: boolean): void {
    const { timers } = this.#core.options;
    const values: TimerValues = { ...timers, t2: transactionTimeout(timers) };
    this.#hasSdp = hasSdp;
    this.#waiting = new Unacknowledged(this.#core, { tx: this.#tx, response }, this.#onGivenUp, values);
    this.#waiting.start();
  }

  acknowledged(rack: string): boolean {
    const [, number, cseq, method] = /^(\d+)\s+(\d+)\s+(\S+)$/.exec(rack.trim()) ?? [];
    const isOurs = Number(number) === this.#number && Number(cseq) === this.#tx.facts.cseq.number;
    if (!isOurs || method !== 'INVITE' || this.#waiting?.isWaiting !== true) return false;
    return this.#waiting.acknowledged();
  }

  release(): void {
    for (const act of this.#held.splice(0)) act();
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting?.stop();
    this.release();
  }

  get #isWaiting(): boolean {
    return this.#waiting?.isWaiting === true && !this.#isStopped;
  }
}
