/** One target of a proxied request: its transaction, its patience, and the CANCEL it may be owed. */
import type { Timer } from '../../kernel/index.ts';
import type { ClientFailure, ClientTransaction, ClientUser, Heard } from './client-transactions.ts';
import type { EngineParts } from './parts.ts';

/** Where a branch tells what happens to it. */
export interface BranchUser {
  onProvisional(heard: Heard): void;
  /** Each 2xx, repetitions too; `isFirst` for the first final response of the branch. */
  onSuccess(heard: Heard, isFirst: boolean): void;
  onRefusal(heard: Heard): void;
  /** It is given up, or nobody answered. */
  onSilence(): void;
}

export class ProxyBranch implements ClientUser {
  readonly #parts: EngineParts;
  readonly #user: BranchUser;
  #tx: ClientTransaction | undefined;
  #provisional: Timer | undefined;
  #final: Timer | undefined;
  #isCancelOwed = false;
  #isDone = false;

  constructor(parts: EngineParts, user: BranchUser) {
    this.#parts = parts;
    this.#user = user;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  start(
    tx: ClientTransaction,
    patience: { readonly provisionalMs: number | undefined; readonly finalMs: number | undefined },
  ): void {
    const { core, clients } = this.#parts;
    this.#tx = tx;
    const { provisionalMs, finalMs } = patience;
    if (provisionalMs !== undefined) this.#provisional = core.timers.after(provisionalMs, () => this.#giveUp());
    if (finalMs !== undefined) this.#final = core.timers.after(finalMs, () => this.#giveUp());
    clients.start(tx);
  }

  /** Called off as soon as it may be: not before a provisional response (RFC 3261 §9.1). */
  cancel(): void {
    this.#isCancelOwed = true;
    this.#flushCancel();
  }

  onResponse(_tx: ClientTransaction, heard: Heard): void {
    const { status } = heard.response;
    if (status < 200) {
      this.#provisional?.cancel();
      if (status > 100 && !this.#isDone) this.#user.onProvisional(heard);
      return this.#flushCancel();
    }
    const isFirst = this.#end();
    if (status < 300) this.#user.onSuccess(heard, isFirst);
    else if (isFirst) this.#user.onRefusal(heard);
  }

  onFailure(_tx: ClientTransaction, _failure: ClientFailure): void {
    if (this.#end()) this.#user.onSilence();
  }

  onEnded(): void {}

  #giveUp(): void {
    this.cancel();
    if (this.#end()) this.#user.onSilence();
  }

  /** True when it had not ended before. */
  #end(): boolean {
    const isFirst = !this.#isDone;
    this.#isDone = true;
    this.#provisional?.cancel();
    this.#final?.cancel();
    return isFirst;
  }

  #flushCancel(): void {
    const { clients } = this.#parts;
    if (!this.#isCancelOwed || this.#tx === undefined || !clients.isCancelable(this.#tx)) return;
    this.#isCancelOwed = false;
    clients.cancel(this.#tx, clients.buildCancel(this.#tx, []));
  }
}
