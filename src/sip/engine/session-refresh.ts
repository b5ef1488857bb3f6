/**
 * One refresh of a session by us (RFC 4028 §7.4, §10): an UPDATE without SDP where the peer allows UPDATE, else a
 * re-INVITE with the SDP it knows. Its answers, and the ACK, are the engine's; the outcome is told once.
 */
import { formatMessage, type SipHeader, type SipMessage, type SipRequest } from '../message/index.ts';
import type { ClientFailure, ClientTransaction, ClientUser, Heard } from './client-transactions.ts';
import { createBranch } from './core.ts';
import { buildInDialog, refreshTarget } from './dialog.ts';
import type { DialogEndings } from './dialog-endings.ts';
import type { DialogWork } from './dialog-table.ts';
import { bytesOf, keptBytes, type SentAck } from './kept.ts';
import { ownUri, viaValue } from './local-address.ts';
import type { Hop } from './next-hop.ts';
import type { EngineParts } from './parts.ts';
import type { ListenerAddress } from './ports.ts';
import { NO_BODY, NO_HEADERS } from './response-builder.ts';
import { readMinSe, requestLines } from './session-terms.ts';
import type { SessionWork } from './session-work.ts';

type RefreshOutcome =
  | { readonly kind: 'refreshed'; readonly request: SipRequest; readonly response: SipMessage }
  /** The peer knows the dialog no more, or does not answer. */
  | { readonly kind: 'gone' }
  /** 422 with this Min-SE. */
  | { readonly kind: 'raise'; readonly minSe: number }
  /** Another try, after `ms` milliseconds or some time. */
  | { readonly kind: 'again'; readonly ms?: number };

const ignoreFailure = (): void => {};

export class SessionRefresh implements ClientUser {
  readonly #parts: EngineParts;
  readonly #endings: DialogEndings;
  readonly #work: DialogWork;
  readonly #session: SessionWork;
  #tell: ((outcome: RefreshOutcome) => void) | undefined;
  #listener: ListenerAddress | undefined;
  #ack: SentAck | undefined;

  constructor(
    parts: EngineParts,
    endings: DialogEndings,
    of: { readonly work: DialogWork; readonly session: SessionWork },
  ) {
    this.#parts = parts;
    this.#endings = endings;
    this.#work = of.work;
    this.#session = of.session;
  }

  start(tell: (outcome: RefreshOutcome) => void): void {
    this.#tell = tell;
    const hop = this.#parts.hops.ofDialog(this.#work.dialog);
    if (hop instanceof Promise) void hop.then((found) => this.#send(found));
    else this.#send(hop);
  }

  onResponse(tx: ClientTransaction, heard: Heard): void {
    const { status } = heard.response;
    if (status < 200) return;
    if (status < 300) return this.#onSuccess(tx, heard);
    this.#settle(tx);
    if (status === 408 || status === 481) return this.#done({ kind: 'gone' });
    if (status === 422) return this.#done({ kind: 'raise', minSe: readMinSe(heard.response.headers) });
    if (status === 491) return this.#done({ kind: 'again', ms: this.#glareDelay() });
    if (tx.request.method === 'UPDATE' && (status === 405 || status === 501)) {
      this.#session.allowsUpdate = false;
      return this.#done({ kind: 'again', ms: 0 });
    }
    this.#done({ kind: 'again' });
  }

  onFailure(tx: ClientTransaction, failure: ClientFailure): void {
    this.#settle(tx);
    this.#done(failure === 'timeout' || failure === 'canceled' ? { kind: 'gone' } : { kind: 'again' });
  }

  onEnded(): void {}

  #send(hop: Hop): void {
    const { core, clients, dialogs } = this.#parts;
    const { dialog } = this.#work;
    const isUpdate = this.#session.allowsUpdate && !core.options.strict;
    const hasSdp = this.#session.sdp.length > 0;
    const isGone = dialogs.get(dialog.id) !== this.#work;
    if (hop.kind !== 'hop' || isGone || (!isUpdate && !hasSdp)) return this.#done({ kind: 'again' });
    this.#listener = hop.listener;
    const branch = createBranch(core.random);
    const method = isUpdate ? 'UPDATE' : 'INVITE';
    dialog.localSeq++;
    const request = buildInDialog(dialog, {
      method,
      uri: '',
      cseq: dialog.localSeq,
      via: viaValue(hop.listener, branch),
      headers: this.#headers(isUpdate),
      contact: this.#session.contact === '' ? `<${ownUri(hop.listener)}>` : this.#session.contact,
      body: isUpdate ? NO_BODY : bytesOf(this.#session.sdp),
    });
    const tx = clients.create(request, branch, hop.target, this);
    if (isUpdate) this.#work.updateClient = tx;
    else {
      this.#work.pendingClient = tx;
      this.#work.answered = undefined;
      dialog.hasAnswer = false;
    }
    clients.start(tx);
  }

  #headers(isUpdate: boolean): readonly SipHeader[] {
    const lines = requestLines(this.#session, NO_HEADERS);
    return isUpdate ? lines : [...lines, { name: 'Content-Type', value: this.#session.contentType }];
  }

  #onSuccess(tx: ClientTransaction, heard: Heard): void {
    const { core, dialogs } = this.#parts;
    if (this.#ack !== undefined) return core.net.send(this.#ack.target, bytesOf(this.#ack.data), ignoreFailure);
    this.#settle(tx);
    refreshTarget(this.#work.dialog, heard.response);
    if (dialogs.get(this.#work.dialog.id) === this.#work) dialogs.rebind(this.#work, heard.received.flow);
    if (tx.request.method === 'INVITE') this.#acknowledge(tx);
    this.#done({ kind: 'refreshed', request: tx.request, response: heard.response });
  }

  #acknowledge(tx: ClientTransaction): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    const { target } = tx;
    const parts = { headers: NO_HEADERS, body: NO_BODY };
    const data = formatMessage(this.#endings.buildAck(this.#work.dialog, tx, { listener, target }, parts));
    this.#ack = { data: keptBytes(data), target };
    this.#work.answered = { tx, ack: this.#ack };
    this.#parts.core.net.send(target, data, ignoreFailure);
  }

  #settle(tx: ClientTransaction): void {
    if (this.#work.pendingClient === tx) this.#work.pendingClient = undefined;
    if (this.#work.updateClient === tx) this.#work.updateClient = undefined;
  }

  /** RFC 3261 §14.1: the owner of the Call-ID waits longer. In tenths of a second, which keeps the timers few. */
  #glareDelay(): number {
    const random = this.#parts.core.random.uint32() % 20;
    return this.#work.dialog.role === 'uac' ? 2_100 + random * 100 : random * 100;
  }

  #done(outcome: RefreshOutcome): void {
    const tell = this.#tell;
    this.#tell = undefined;
    tell?.(outcome);
  }
}
