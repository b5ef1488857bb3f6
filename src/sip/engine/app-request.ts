/** One request of an application on its way: its responses, forks and CANCEL (drachtio-protocol §6.4-§6.6, §6.10). */
import { reasonPhrase, type SipRequest, type SipResponse } from '../message/index.ts';
import { findHeader } from './app-headers.ts';
import type { ClientFailure, ClientTransaction, ClientUser, Heard } from './client-transactions.ts';
import { synthesize } from './client-transactions.ts';
import { createClientDialog, refreshTarget } from './dialog.ts';
import { adoptFork, forkOf } from './dialog-forks.ts';
import type { DialogKeepers } from './dialog-keepers.ts';
import type { DialogWork, HeardProvisional } from './dialog-table.ts';
import { bytesOf, type SentAck } from './kept.ts';
import type { EngineParts } from './parts.ts';
import type { AppId } from './ports.ts';
import { isLastNotify, prolong } from './subscription.ts';

/** For so long after its echo a transaction is news to drachtio-srf (drachtio-protocol §9.3). */
const ECHO_WINDOW_MS = 100;
const ignoreFailure = (): void => {};

interface AppRequestParts {
  readonly app: AppId;
  readonly method: string;
  /** What the application is told; '' outside a dialog. */
  readonly dialogId: string;
  /** The dialog it is sent in. */
  readonly work: DialogWork | undefined;
  readonly cseq: number;
  readonly from: string;
  readonly fromTag: string;
}

export class AppRequest implements ClientUser {
  readonly of: AppRequestParts;
  readonly #parts: EngineParts;
  readonly #keepers: DialogKeepers;
  readonly #echoedAt: number;
  /** Dialogs that 2xx of other forks made, ended by us; by their tag. */
  #strays: Map<string, SentAck | undefined> | undefined;
  /** The dialog this INVITE or SUBSCRIBE made. */
  #made: DialogWork | undefined;
  #heldCancel: SipRequest | undefined;
  /** Of reliable provisional responses, the last by phone. */
  #rseqs: Map<string, number> | undefined;
  #isCancelWanted = false;
  #isCounted = true;

  constructor(parts: EngineParts, keepers: DialogKeepers, of: AppRequestParts) {
    this.#parts = parts;
    this.#keepers = keepers;
    this.of = of;
    this.#echoedAt = parts.core.clock.now();
    parts.appTable.countTransaction(of.app, 1);
    if (this.#isSubscribing) parts.notifies.expect(of.dialogId);
  }

  get isCancelWanted(): boolean {
    return this.#isCancelWanted;
  }

  /** A SUBSCRIBE that makes a dialog. */
  get #isSubscribing(): boolean {
    return this.of.method === 'SUBSCRIBE' && this.of.work === undefined;
  }

  /** Sends the CANCEL, or keeps it until there is something to cancel (RFC 3261 §9.1). True when it was sent. */
  cancel(tx: ClientTransaction, cancel: SipRequest): boolean {
    this.#isCancelWanted = true;
    this.#heldCancel = cancel;
    return this.#flushCancel(tx);
  }

  onResponse(tx: ClientTransaction, heard: Heard): void {
    const { status } = heard.response;
    if (status >= 200) this.#uncount();
    if (this.of.method === 'INVITE') this.#onInviteResponse(tx, heard);
    else this.#onOtherResponse(tx, heard);
  }

  onFailure(tx: ClientTransaction, failure: ClientFailure): void {
    this.#uncount();
    const { work } = this.of;
    if (this.#made !== undefined) this.#parts.dialogs.remove(this.#made);
    if (work?.pendingClient === tx) work.pendingClient = undefined;
    const [status, reason] = this.#verdict(failure);
    // drachtio-server never tells of a peer that forgets its 487 (drachtio-protocol §6.6).
    const isHushed = this.#parts.core.options.strict && status === 487;
    if (!isHushed) this.#tell(tx, status, reason);
    if (work !== undefined && this.#endsDialog(tx, 0)) this.#parts.dialogs.remove(work);
  }

  onEnded(): void {
    this.#uncount();
  }

  #uncount(): void {
    if (this.#isCounted && this.#isSubscribing) this.#parts.notifies.settle(this.of.dialogId);
    if (this.#isCounted) this.#parts.appTable.countTransaction(this.of.app, -1);
    this.#isCounted = false;
  }

  #verdict(failure: ClientFailure): readonly [status: number, reason: string] {
    if (failure === 'canceled' && this.#isCancelWanted) return [487, reasonPhrase(487)];
    if (failure === 'timeout' || failure === 'canceled') return [408, reasonPhrase(408)];
    const isFlowGone = this.of.work !== undefined && this.of.work.dialog.flow.connectionId !== undefined;
    return failure === 'closed' || isFlowGone ? [410, reasonPhrase(410)] : [503, reasonPhrase(503)];
  }

  #tell(tx: ClientTransaction, status: number, reason: string): void {
    const { app, dialogId } = this.of;
    if (!this.#parts.appTable.has(app)) return;
    const message = synthesize(tx.request, status, reason);
    const told = { transactionId: tx.id, dialogId, transport: tx.target.transport, message };
    this.#parts.delivery.synthesized(app, told, this.#isAfterEcho());
  }

  #isAfterEcho(): boolean {
    return this.#parts.core.clock.now() - this.#echoedAt < ECHO_WINDOW_MS;
  }

  #deliver(tx: ClientTransaction, heard: Heard): void {
    const { app, dialogId } = this.of;
    if (!this.#parts.appTable.has(app)) return;
    const { response, received } = heard;
    const delivery = { transactionId: tx.id, dialogId, message: response, received };
    this.#parts.delivery.response(app, delivery, this.#isAfterEcho());
  }

  #onOtherResponse(tx: ClientTransaction, heard: Heard): void {
    const { status } = heard.response;
    if (status === 100) return;
    const { work } = this.of;
    if (work !== undefined && status >= 200) this.#onFinalInDialog(work, tx, heard);
    if (this.#isSubscribing && status >= 200 && status < 300) {
      const made = this.#adopt(heard);
      made.dialog.isConfirmed = true;
      this.#prolong(made, tx, heard);
    }
    this.#deliver(tx, heard);
  }

  /** A BYE that was challenged comes again with credentials; any other answer to it is the end. */
  #onFinalInDialog(work: DialogWork, tx: ClientTransaction, heard: Heard): void {
    const { status } = heard.response;
    const { dialogs } = this.#parts;
    const { method } = this.of;
    if (this.#endsDialog(tx, status)) return dialogs.remove(work);
    if (status < 300 && (method === 'UPDATE' || method === 'SUBSCRIBE')) {
      refreshTarget(forkOf(work, heard.facts.toTag), heard.response);
    }
    if (status < 300 && method === 'SUBSCRIBE') this.#prolong(work, tx, heard);
    if (status < 300 && method === 'UPDATE') this.#keepers.sessions.heard(work, tx.request, heard.response);
  }

  /** Whether the answer to this request, 0 for none, is the end of its dialog. Who is challenged comes again. */
  #endsDialog(tx: ClientTransaction, status: number): boolean {
    const { method, work } = this.of;
    if (status === 401 || status === 407) return false;
    if (method === 'BYE') return true;
    if (method !== 'NOTIFY' || work?.dialog.method !== 'SUBSCRIBE') return false;
    return status === 481 || isLastNotify(method, tx.request.headers); // RFC 6665 §4.2.2
  }

  #prolong(work: DialogWork, tx: ClientTransaction, heard: Heard): void {
    const { core, dialogs } = this.#parts;
    prolong(core, dialogs, work, { request: tx.request.headers, response: heard.response.headers });
  }

  #onInviteResponse(tx: ClientTransaction, heard: Heard): void {
    const { status } = heard.response;
    if (status >= 300) return this.#onRefusal(tx, heard);
    if (status >= 200) return this.#onSuccess(tx, heard);
    if (status > 100) this.#onProvisional(tx, heard);
    this.#flushCancel(tx);
  }

  #onProvisional(tx: ClientTransaction, heard: Heard): void {
    const { response, facts } = heard;
    const number = readRSeq(response);
    if (number !== undefined && !this.#isNextOf(facts.toTag, number)) return;
    const work = this.of.work ?? (facts.toTag === '' ? undefined : this.#adopt(heard));
    if (work !== undefined) {
      work.pendingClient = tx;
      if (response.body.length > 0) work.dialog.hasAnswer = true;
      if (number !== undefined) noteProvisional(work, { tag: facts.toTag, number, cseq: facts.cseq.number });
    }
    this.#deliver(tx, heard);
  }

  /** Reliable provisional responses of one phone come one after another; repetitions and gaps are dropped (RFC 3262 §4). */
  #isNextOf(tag: string, number: number): boolean {
    this.#rseqs ??= new Map();
    const last = this.#rseqs.get(tag);
    if (last !== undefined && number !== last + 1) return false;
    this.#rseqs.set(tag, number);
    return true;
  }

  #onRefusal(tx: ClientTransaction, heard: Heard): void {
    const { work } = this.of;
    if (this.#made !== undefined) this.#parts.dialogs.remove(this.#made);
    if (work?.pendingClient === tx) work.pendingClient = undefined;
    const reason = this.#isCancelWanted ? 'call-canceled' : 'call-rejected';
    if (work === undefined) this.#parts.reports.stopped('network', reason, () => heard.received.data);
    this.#deliver(tx, heard);
  }

  #onSuccess(tx: ClientTransaction, heard: Heard): void {
    const { toTag } = heard.facts;
    const work = this.of.work ?? this.#made;
    const isAnswered = work?.answered?.tx === tx;
    if (isAnswered && work !== undefined && work.dialog.remoteTag === toTag) {
      const ack = work.answered?.ack; // the 2xx was repeated, because the ACK was lost or is not given yet
      if (ack !== undefined) this.#resend(ack);
      return;
    }
    if (isAnswered || this.#isUnwanted()) return this.#onStray(tx, heard);
    this.#onFirstSuccess(tx, heard);
  }

  #resend({ data, target }: SentAck): void {
    this.#parts.core.net.send(target, bytesOf(data), ignoreFailure);
  }

  /** The application is gone, or ended the dialog before this answer: nobody will acknowledge it. */
  #isUnwanted(): boolean {
    const { work, app } = this.of;
    if (!this.#parts.appTable.has(app) || this.#strays !== undefined) return true;
    const live = work ?? this.#made;
    return live !== undefined && this.#parts.dialogs.get(live.dialog.id) !== live;
  }

  #onFirstSuccess(tx: ClientTransaction, heard: Heard): void {
    const { response, received } = heard;
    const work = this.of.work ?? this.#adopt(heard);
    const { dialog } = work;
    if (this.of.work !== undefined) refreshTarget(dialog, response);
    dialog.isConfirmed = true;
    work.forks = undefined;
    work.unacknowledgedProvisionals = undefined;
    this.#parts.dialogs.rebind(work, received.flow);
    work.answered = { tx, ack: undefined };
    work.pendingClient = undefined;
    this.#keepers.sessions.heard(work, tx.request, response);
    if (this.of.work === undefined) this.#parts.reports.started('network', 'uac', () => received.data);
    this.#deliver(tx, heard);
  }

  /** A second phone answered the same call: it is told at once that it came too late (RFC 3261 §13.2.2.4). */
  #onStray(tx: ClientTransaction, heard: Heard): void {
    const { toTag } = heard.facts;
    if (this.#parts.core.options.strict) return this.#acknowledgeAgain();
    this.#strays ??= new Map();
    if (this.#strays.has(toTag)) {
      const ack = this.#strays.get(toTag);
      if (ack !== undefined) this.#resend(ack);
      return;
    }
    this.#strays.set(toTag, undefined);
    if (this.#made !== undefined && !this.#made.dialog.isConfirmed) this.#parts.dialogs.remove(this.#made);
    const dialog = this.of.work?.dialog ?? createClientDialog(this.of, this.#heardBy(heard));
    this.#keepers.endings.refuse(dialog, tx, (ack) => this.#strays?.set(toTag, ack));
  }

  /** drachtio-server takes the 2xx of another phone for a repetition (drachtio-protocol §6.5). */
  #acknowledgeAgain(): void {
    const ack = (this.of.work ?? this.#made)?.answered?.ack;
    if (ack !== undefined) this.#resend(ack);
  }

  /** The dialog of this response; of several forks the one heard last, until one is confirmed. */
  #adopt(heard: Heard): DialogWork {
    const { dialogs } = this.#parts;
    const heardBy = this.#heardBy(heard);
    const made = this.#made ?? dialogs.add(createClientDialog(this.of, heardBy));
    if (this.#made !== undefined) {
      dialogs.rebind(made, heardBy.flow);
      adoptFork(made, heardBy);
    }
    this.#made = made;
    return made;
  }

  #heardBy(heard: Heard): { message: Heard['response']; facts: Heard['facts']; flow: Heard['received']['flow'] } {
    return { message: heard.response, facts: heard.facts, flow: heard.received.flow };
  }

  #flushCancel(tx: ClientTransaction): boolean {
    const cancel = this.#heldCancel;
    if (cancel === undefined || !this.#parts.clients.isCancelable(tx)) return false;
    this.#heldCancel = undefined;
    this.#parts.clients.cancel(tx, cancel);
    return true;
  }
}

/** The RSeq of a reliable provisional response (RFC 3262 §7.1); undefined of any other. */
function readRSeq(response: SipResponse): number | undefined {
  const value = findHeader(response.headers, 'RSeq');
  return value === undefined || !/^\d{1,10}$/.test(value) ? undefined : Number(value);
}

function noteProvisional(work: DialogWork, heard: HeardProvisional): void {
  work.unacknowledgedProvisionals ??= [];
  work.unacknowledgedProvisionals.push(heard);
}
