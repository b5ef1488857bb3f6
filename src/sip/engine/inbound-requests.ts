/** Requests from the network: which transaction and dialog they belong to, and who is asked (drachtio-protocol §6.1-§6.3). */

import { formatMessage, isEmergencyUri, isSosUrn, type SipRequest } from '../message/index.ts';
import { findHeader } from './app-headers.ts';
import type { ClientTransaction } from './client-transactions.ts';
import { contactUri, dialogId } from './dialog.ts';
import { forkOf } from './dialog-forks.ts';
import type { DialogWork } from './dialog-table.ts';
import { type MessageFacts, readFacts } from './message-facts.ts';
import { ALLOW, fallsThrough, isKnownMethod, isOffered, needsDialog } from './method-policy.ts';
import { type Collision, judgeInvite, judgeUpdate, type UnderWay } from './offer-glare.ts';
import type { EngineParts } from './parts.ts';
import type { AppId, Flow, Received, Refused } from './ports.ts';
import type { Proxies } from './proxies.ts';
import { RequestHandlers } from './request-handlers.ts';
import { buildResponse, NO_BODY } from './response-builder.ts';
import type { ServerTransaction } from './server-transactions.ts';
import type { SessionTimers } from './session-timers.ts';
import { isLastNotify } from './subscription.ts';

const SUPPORTED_SCHEME = /^(?:sips?|tel):/i;

interface StatelessAnswer {
  readonly status: number;
  /** '' for the usual phrase. */
  readonly reason: string;
  readonly retryAfterSec: number | undefined;
  readonly branch: string;
}

export class InboundRequests {
  readonly #parts: EngineParts;
  readonly #sessions: SessionTimers;
  readonly #proxies: Proxies;
  readonly #handlers: RequestHandlers;

  /** Makes the tags of stateless answers ours. */
  readonly #salt: number;

  constructor(parts: EngineParts, sessions: SessionTimers, proxies: Proxies) {
    this.#handlers = new RequestHandlers(parts, proxies);
    this.#parts = parts;
    this.#sessions = sessions;
    this.#proxies = proxies;
    this.#salt = parts.core.random.uint32();
  }

  received(request: SipRequest, facts: MessageFacts, received: Received): void {
    if (request.method === 'ACK') return this.#onAck(request, facts, received);
    const { servers } = this.#parts;
    const known = servers.find(request, facts);
    if (known !== undefined) return servers.retransmitted(known);
    if (!this.#admits(request, facts, received)) return this.#turnAway(request, facts, received);
    if (request.method === 'CANCEL') return this.#onCancel(request, facts, received);
    const isMerged = servers.isMerged(facts);
    const tx = servers.create(request, facts, received.flow);
    if (isMerged) return servers.respondPlain(tx, 482);
    if (!SUPPORTED_SCHEME.test(request.uri) && !isSosUrn(request.uri)) return servers.respondPlain(tx, 416);
    if (facts.toTag === '') return this.#outOfDialog(tx, received);
    return this.#inDialog(tx, received);
  }

  /** A request that cannot be served. Statelessly, unless it is one that is being served: it was only sent again. */
  refused({ flow, request, status, reason, retryAfterSec }: Refused): void {
    if (request.kind === 'response' || request.method === 'ACK') return;
    const facts = readFacts(request);
    const known = facts === undefined ? undefined : this.#parts.servers.find(request, facts);
    if (known !== undefined) return this.#parts.servers.retransmitted(known);
    this.#answerStateless(request, flow, { status, reason, retryAfterSec, branch: facts?.branch ?? '' });
  }

  /** Whether there is room; a call that is in, and a call for help, have it where no other does. */
  #admits(request: SipRequest, facts: MessageFacts, { isFromKnown }: Received): boolean {
    const { admission, servers } = this.#parts;
    const isCall = request.method === 'INVITE';
    const isFollowUp = facts.toTag !== '' || request.method === 'CANCEL';
    if (isFollowUp) return admission.admitsAnyway(servers);
    if (admission.admits({ isCall, isStranger: isFromKnown !== true }, servers)) return true;
    return isCall && isEmergencyUri(request.uri, admission.emergencyNumbers) && admission.admitsAnyway(servers);
  }

  #turnAway(request: SipRequest, { branch }: MessageFacts, { flow }: Received): void {
    const { core, admission } = this.#parts;
    const { retryAfterSec } = core.options;
    admission.noteTurnedAway();
    this.#answerStateless(request, flow, { status: 503, reason: '', retryAfterSec, branch });
  }

  /** The same answer to each copy of a request, and nothing kept of it (RFC 3261 §8.2.7). */
  #answerStateless(request: SipRequest, flow: Flow, answer: StatelessAnswer): void {
    const { status, reason, retryAfterSec, branch } = answer;
    const headers = retryAfterSec === undefined ? [] : [{ name: 'Retry-After', value: String(retryAfterSec) }];
    const toTag = this.#statelessTag(branch);
    const parts = { status, reason, toTag, hasRecordRoute: false, headers, body: NO_BODY };
    this.#parts.servers.sendBack(flow, formatMessage(buildResponse(request, parts)));
  }

  /** FNV-1a over our salt and the branch: strangers cannot guess it, and it costs next to nothing. */
  #statelessTag(branch: string): string {
    let hash = this.#salt;
    for (let at = 0; at < branch.length; at++) hash = Math.imul(hash ^ branch.charCodeAt(at), 0x0100_0193);
    return (hash >>> 0).toString(16).padStart(8, '0');
  }

  #onAck(request: SipRequest, facts: MessageFacts, received: Received): void {
    const { servers, dialogs, delivery } = this.#parts;
    const reply = servers.find(request, facts);
    if (reply !== undefined && !servers.acked(reply)) return; // the ACK to a failure ends there
    const work = dialogs.match(facts);
    const waiting = work?.unacknowledged;
    if (work === undefined || waiting === undefined || waiting.cseq !== facts.cseq.number) return;
    dialogs.rebind(work, received.flow);
    if (!waiting.acknowledged()) return;
    const { app, id } = work.dialog;
    if (app !== undefined) {
      delivery.ack(app, { transactionId: waiting.ackId, dialogId: id, message: request, received });
    }
    for (const act of work.afterAck.splice(0)) act();
  }

  /** RFC 3261 §9.2: the CANCEL and the INVITE are answered at once; the application learns of it afterwards. */
  #onCancel(request: SipRequest, facts: MessageFacts, received: Received): void {
    const { servers } = this.#parts;
    const invite = servers.find(request, facts, 'INVITE');
    const tx = servers.create(request, facts, received.flow);
    if (invite === undefined || invite.machine.phase === 'accepted') return servers.respondPlain(tx, 481);
    tx.reply.localTag = servers.tagFor(invite);
    servers.respondPlain(tx, 200);
    if (invite.open !== undefined) this.#cancel(invite.open, request, received);
  }

  #cancel(invite: ServerTransaction, cancel: SipRequest, received: Received): void {
    const { servers, dialogs, delivery } = this.#parts;
    if (this.#proxies.canceled(invite)) return;
    servers.respondPlain(invite, 487);
    if (!invite.isInDialog) this.#parts.reports.stopped('network', 'call-canceled', () => received.data);
    const { app, dialog } = invite;
    const work = dialog === undefined ? undefined : dialogs.get(dialog.id);
    if (work !== undefined && !invite.isInDialog) dialogs.remove(work);
    if (app === undefined) return;
    delivery.requestInDialog(app, { transactionId: invite.id, dialogId: dialog?.id ?? '', message: cancel, received });
  }

  #outOfDialog(tx: ServerTransaction, received: Received): void {
    if (!this.#isServable(tx)) return;
    const { servers, appTable } = this.#parts;
    const { method } = tx.request;
    if (this.#handlers.ask(tx, received, (app) => this.#offer(tx, app, received))) return;
    const choice = appTable.choose(method);
    if (choice.kind === 'app') {
      if (method === 'INVITE') servers.respondPlain(tx, 100);
      return this.#offer(tx, choice.app, received);
    }
    // Without an application too it is a matter of seconds; without the word the client may take it for 500.
    if (choice.kind === 'full' || isOffered(method)) {
      const seconds = String(this.#parts.core.options.retryAfterSec);
      return servers.respondPlain(tx, 503, [{ name: 'Retry-After', value: seconds }]);
    }
    servers.respondPlain(tx, isKnownMethod(method) ? 405 : 501, [{ name: 'Allow', value: ALLOW }]);
  }

  /** Whether anybody may be asked about it; if not, it is answered, or with drachtio-server's manners discarded. */
  #isServable(tx: ServerTransaction): boolean {
    const { servers, core } = this.#parts;
    const { method } = tx.request;
    if (needsDialog(method)) servers.respondPlain(tx, 481);
    // drachtio-server discards these without a word (drachtio-protocol §6.3).
    else if (core.options.strict && (method === 'REFER' || !isOffered(method))) servers.abandon(tx);
    else if (isUnusable(tx)) servers.respondPlain(tx, 400);
    else return method !== 'INVITE' || !this.#isTooShort(tx);
    return false;
  }

  #offer(tx: ServerTransaction, app: AppId, received: Received): void {
    const { delivery, reports } = this.#parts;
    this.#assign(tx, app);
    if (tx.request.method === 'INVITE') reports.attempt('network', () => received.data);
    delivery.newRequest(app, { transactionId: tx.id, dialogId: '', message: tx.request, received });
  }

  #inDialog(tx: ServerTransaction, received: Received): void {
    const { servers, dialogs, delivery } = this.#parts;
    const { method } = tx.request;
    const work = dialogs.match(tx.facts);
    if (work === undefined) return this.#inNoDialog(tx, received);
    const { dialog } = work;
    if (dialog.app === undefined) {
      if (method === 'BYE') dialogs.remove(work);
      return servers.respondPlain(tx, 481);
    }
    const fork = forkOf(work, tx.facts.fromTag);
    if (tx.facts.cseq.number < fork.remoteSeq) return servers.respondPlain(tx, 500);
    fork.remoteSeq = tx.facts.cseq.number;
    if (fork === dialog) dialogs.rebind(work, received.flow);
    tx.dialog = dialog;
    tx.isInDialog = true;
    if (!this.#admit(tx, work)) return;
    if (method === 'INVITE') servers.respondPlain(tx, 100);
    this.#assign(tx, dialog.app);
    if (method === 'BYE') this.#onBye(work, received);
    delivery.requestInDialog(dialog.app, { transactionId: tx.id, dialogId: dialog.id, message: tx.request, received });
    if (this.#parts.core.options.strict) this.#imitate(tx, work);
    if (method === 'PRACK') work.reliable?.release();
  }

  #inNoDialog(tx: ServerTransaction, received: Received): void {
    const { method } = tx.request;
    if (method === 'NOTIFY' && this.#isEarly(tx, received)) return;
    if (fallsThrough(method)) return this.#outOfDialog(tx, received);
    this.#parts.servers.respondPlain(tx, 481);
  }

  /** drachtio-server answers the last NOTIFY of a subscription itself, and wrongly (drachtio-protocol §6.11). */
  #imitate(tx: ServerTransaction, work: DialogWork): void {
    if (work.dialog.method !== 'SUBSCRIBE' || !isLastNotify(tx.request.method, tx.request.headers)) return;
    this.#parts.servers.respondPlain(tx, 500);
    this.#parts.dialogs.remove(work);
  }

  /** The NOTIFY of a SUBSCRIBE that has no answer yet waits for it. */
  #isEarly(tx: ServerTransaction, received: Received): boolean {
    const id = dialogId(tx.facts.callId, tx.facts.toTag);
    return this.#parts.notifies.hold(id, () => {
      if (this.#parts.servers.isOpen(tx)) this.#inDialog(tx, received);
    });
  }

  /** What collides with something under way is refused at once. */
  #admit(tx: ServerTransaction, work: DialogWork): boolean {
    switch (tx.request.method) {
      case 'INVITE':
        if (this.#isTooShort(tx) || !this.#isFree(tx, judgeInvite(this.#underWay(work)))) return false;
        work.pendingServer = tx;
        work.dialog.hasAnswer = false;
        return true;
      case 'UPDATE': {
        const fork = forkOf(work, tx.facts.fromTag);
        const collision = judgeUpdate(this.#underWay(work), fork, tx.request.body.length > 0);
        if (this.#isTooShort(tx) || !this.#isFree(tx, collision)) return false;
        work.updateServer = tx;
        return true;
      }
      case 'PRACK': {
        const isExpected = work.reliable?.acknowledged(findHeader(tx.request.headers, 'RAck') ?? '') === true;
        if (!isExpected) this.#parts.servers.respondPlain(tx, 481); // RFC 3262 §3
        return isExpected;
      }
      default:
        return true;
    }
  }

  /** A session interval below what we accept is refused (RFC 4028 §9). */
  #isTooShort(tx: ServerTransaction): boolean {
    const lines = this.#sessions.objection(tx.request);
    if (lines !== undefined) this.#parts.servers.respondPlain(tx, 422, lines);
    return lines !== undefined;
  }

  #underWay(work: DialogWork): UnderWay {
    const { servers, clients } = this.#parts;
    const theirs = (tx: ServerTransaction | undefined): { hasBody: boolean } | undefined =>
      tx !== undefined && servers.isOpen(tx) ? { hasBody: tx.request.body.length > 0 } : undefined;
    const ours = (tx: ClientTransaction | undefined): { hasBody: boolean } | undefined =>
      tx !== undefined && clients.isOpen(tx) ? { hasBody: tx.request.body.length > 0 } : undefined;
    return {
      theirInvite: theirs(work.pendingServer),
      theirUpdate: theirs(work.updateServer),
      ourInvite: ours(work.pendingClient),
      ourUpdate: ours(work.updateClient),
      isAnswerUnacknowledged: work.reliable?.isWaitingWithSdp === true,
    };
  }

  #isFree(tx: ServerTransaction, collision: Collision): boolean {
    const { servers, core } = this.#parts;
    if (collision === 'none') return true;
    const retry = { name: 'Retry-After', value: String(core.random.uint32() % 11) };
    servers.respondPlain(tx, collision, collision === 500 ? [retry] : []);
    return false;
  }

  /** The dialog is over at once; an INVITE still open in it is answered (RFC 3261 §15.1.2). */
  #onBye(work: DialogWork, received: Received): void {
    const { servers, dialogs, reports } = this.#parts;
    reports.stopped('network', 'normal-release', () => received.data);
    const open = work.pendingServer;
    if (open !== undefined && servers.isOpen(open)) servers.respondPlain(open, 487);
    dialogs.remove(work);
  }

  #assign(tx: ServerTransaction, app: AppId): void {
    const { servers, appTable, core } = this.#parts;
    tx.app = app;
    appTable.countTransaction(app, 1);
    const isInvite = tx.request.method === 'INVITE';
    // Nobody may be left ringing for ever; for other methods the sender has given up by then (RFC 4320 §4.1).
    const isAnswered = isInvite && !core.options.strict;
    servers.awaitApp(tx, () => (isAnswered ? servers.respondPlain(tx, 480) : servers.abandon(tx)));
  }
}

/** What no application could work with: an INVITE nobody can talk back to, a REGISTER that takes all and keeps it. */
function isUnusable({ request, facts }: ServerTransaction): boolean {
  if (request.method === 'INVITE') return facts.fromTag === '' || contactUri(request) === '';
  if (request.method !== 'REGISTER') return false;
  const removesAll = findHeader(request.headers, 'Contact') === '*';
  return removesAll && findHeader(request.headers, 'Expires') !== '0';
}
