/** The application's answers to requests from the network: drachtio-protocol §5.3, §6.1, §3.3. */
import { formatMessage, header, headerValues, parseNameAddr, type SipHeader } from '../message/index.ts';
import { findHeader, missingContentType, parseAppHeaders } from './app-headers.ts';
import { tellCanceled } from './canceled-by-engine.ts';
import { contactKey } from './connections.ts';
import { createSequence, refuseCommand } from './core.ts';
import { createServerDialog, dialogId, refreshTarget } from './dialog.ts';
import { ACK_TIMEOUT } from './dialog-endings.ts';
import { forkOf } from './dialog-forks.ts';
import type { DialogKeepers } from './dialog-keepers.ts';
import type { DialogWork } from './dialog-table.ts';
import { echoResponse } from './echo.ts';
import type { FlowLoss } from './flow-loss.ts';
import { localizeHeaders, ownUri } from './local-address.ts';
import type { EngineParts } from './parts.ts';
import type { AppCommand, AppId, ListenerAddress } from './ports.ts';
import type { Turn } from './reliable-answers.ts';
import { ReliableProvisionals } from './reliable-provisionals.ts';
import { buildResponse } from './response-builder.ts';
import type { ServerTransaction } from './server-transactions.ts';
import type { SessionTerms } from './session-terms.ts';
import { isLastNotify, prolong } from './subscription.ts';
import { Unacknowledged } from './unacknowledged.ts';

type SipCommand = Extract<AppCommand, { kind: 'sip' }>;

/** The transaction's own; the application's copies do not count. */
const OF_THE_TRANSACTION = new Set(['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards']);
/** 2xx to these need a Contact (RFC 3261 §12.1.1, RFC 3311 §5.2, RFC 6665 §4.2.1.1). */
const WITH_CONTACT = new Set(['INVITE', 'SUBSCRIBE', 'UPDATE']);
/** Their 2xx may start, go on with or stop a session timer (RFC 4028 §9). */
const HAS_SESSION = new Set(['INVITE', 'UPDATE']);
const UNKNOWN = 'Response not sent due to unknown transaction';
const CLOSED = 'transport for response has been shutdown or closed';
const UNSUPPORTED = 'Remote endpoint does not support 100rel';
const TOO_MANY = 'too many responses wait for a PRACK';
const DUPLICATE = 'dialog already exists, rejecting this request';

interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly SipHeader[];
  readonly body: Buffer;
  /** A provisional response that asks for a PRACK. */
  readonly isReliable: boolean;
  /** What a 2xx agrees on. */
  readonly terms: SessionTerms | undefined;
}

export class AppResponses {
  readonly #parts: EngineParts;
  readonly #keepers: DialogKeepers;
  readonly #flows: FlowLoss;

  constructor(parts: EngineParts, keepers: DialogKeepers, flows: FlowLoss) {
    this.#parts = parts;
    this.#keepers = keepers;
    this.#flows = flows;
  }

  respond(app: AppId, command: SipCommand): void {
    const { servers } = this.#parts;
    const tx = servers.byId(command.transactionId);
    if (tx === undefined || tx.app !== app) return this.#refuse(app, command, UNKNOWN);
    const answer = this.#read(tx, command);
    if (typeof answer === 'string') return this.#refuse(app, command, answer);
    if (tx.reliable?.mustWait(answer) === true) {
      if (!tx.reliable.hold(() => this.respond(app, command))) this.#refuse(app, command, TOO_MANY);
      return;
    }
    this.#chooseTag(tx, answer, command);
    this.#send(tx, answer, app, command);
  }

  /** What the application wants said, or why it cannot be. */
  #read(tx: ServerTransaction, command: SipCommand): Answer | string {
    const [, digits = '', reason = ''] = /^SIP\/2\.0 (\d{3})(?: (.*))?$/i.exec(command.startLine) ?? [];
    const status = Number(digits);
    if (status < 100 || status > 699) return 'Unknown server error sending response';
    const given = parseAppHeaders(command.headerLines);
    const contentType = missingContentType(given, command.body);
    if (contentType === undefined) return 'missing content-type';
    const listener = this.#parts.core.net.listeners.find((one) => one.id === tx.reply.flow.listenerId);
    if (listener === undefined) return CLOSED;
    const isReliable = isProvisional(status) && tx.request.method === 'INVITE' && wantsReliable(tx, given);
    const objection = this.#objection(tx, status, isReliable);
    if (objection !== undefined) return objection;
    const own = given.filter((line) => !OF_THE_TRANSACTION.has(line.name));
    const { headers, terms } = this.#headers(tx, { status, isReliable }, own, listener);
    return { status, reason, headers: [...headers, ...contentType], body: command.body, isReliable, terms };
  }

  /** The application's headers, and those it left to us. */
  #headers(
    tx: ServerTransaction,
    { status, isReliable }: Turn,
    own: readonly SipHeader[],
    listener: ListenerAddress,
  ): Pick<Answer, 'headers' | 'terms'> {
    const contact = missingContact(tx, isReliable || isSuccess(status), own, listener);
    const mayAgree = isSuccess(status) && HAS_SESSION.has(tx.request.method);
    const { headers, terms } = mayAgree ? this.#keepers.sessions.answer(tx, own) : { headers: own, terms: undefined };
    return { headers: [...contact, ...localizeHeaders(headers, listener)], terms };
  }

  #objection(tx: ServerTransaction, status: number, isReliable: boolean): string | undefined {
    if (isReliable && !supportsReliable(tx)) return UNSUPPORTED;
    if (!this.#canAnswer(tx)) return CLOSED;
    return this.#makesSecondDialog(tx, status) ? DUPLICATE : undefined;
  }

  /** A TCP peer may be connected to anew; a browser may not, but may come back by itself (RFC 3261 §18.2.2). */
  #canAnswer(tx: ServerTransaction): boolean {
    const { flow } = tx.reply;
    if (flow.connectionId === undefined || this.#parts.connections.isLive(flow.connectionId)) return true;
    if (flow.transport === 'ws' || flow.transport === 'wss') return false;
    const port = tx.facts.via.port ?? (flow.transport === 'tls' ? 5061 : 5060);
    tx.reply.flow = { ...flow, connectionId: undefined, remotePort: port };
    return true;
  }

  #makesSecondDialog(tx: ServerTransaction, status: number): boolean {
    if (!this.#makesDialog(tx, status)) return false;
    return this.#parts.dialogs.get(dialogId(tx.facts.callId, tx.facts.fromTag)) !== undefined;
  }

  #makesDialog(tx: ServerTransaction, status: number): boolean {
    if (tx.dialog !== undefined || tx.isInDialog) return false;
    const { method } = tx.request;
    if (method === 'SUBSCRIBE') return status >= 200 && status < 300;
    return method === 'INVITE' && status > 100 && status < 300;
  }

  /** The first response fixes our tag; the application may choose it. */
  #chooseTag(tx: ServerTransaction, answer: Answer, command: SipCommand): void {
    if (answer.status === 100 || tx.reply.localTag !== '') return;
    const to = findHeader(parseAppHeaders(command.headerLines), 'To');
    tx.reply.localTag = (to === undefined ? undefined : parseNameAddr(to)?.params.get('tag')) ?? '';
    this.#parts.servers.tagFor(tx.reply);
  }

  #send(tx: ServerTransaction, answer: Answer, app: AppId, command: SipCommand): void {
    const { servers, core } = this.#parts;
    const { status, reason, body, isReliable } = answer;
    const hasRecordRoute = (isSuccess(status) || isProvisional(status)) && WITH_CONTACT.has(tx.request.method);
    const headers = isReliable ? [...this.#reliable(tx, answer), ...answer.headers] : answer.headers;
    const toTag = status === 100 ? '' : tx.reply.localTag;
    const message = formatMessage(buildResponse(tx.request, { status, reason, toTag, hasRecordRoute, headers, body }));
    servers.respond(tx, status, message);
    const isRejected = status >= 300 && tx.request.method === 'INVITE' && !tx.isInDialog;
    if (isRejected) this.#parts.reports.stopped('application', 'call-rejected', () => message);
    this.#follow(tx, answer, message);
    const named = this.#nameDialog(tx);
    echoResponse(core, app, { id: command.id, transactionId: tx.id, dialogId: named, flow: tx.reply.flow, message });
    if (isReliable) tx.reliable?.sent(message, body.length > 0);
    if (isSuccess(status)) this.#learnConnection(tx, answer);
  }

  /** What makes a provisional response reliable (RFC 3262 §3). */
  #reliable(tx: ServerTransaction, answer: Answer): readonly SipHeader[] {
    tx.reliable ??= new ReliableProvisionals(this.#parts.core, tx, () => this.#onNotPracked(tx));
    const rseq = { name: 'RSeq', value: String(tx.reliable.nextNumber()) };
    return requiresReliable(answer.headers) ? [rseq] : [{ name: 'Require', value: '100rel' }, rseq];
  }

  /** RFC 3262 §3: who does not acknowledge a provisional response for 64·T1 is refused. */
  #onNotPracked(tx: ServerTransaction): void {
    const { servers, dialogs } = this.#parts;
    if (!servers.isOpen(tx)) return;
    const work = tx.dialog === undefined || tx.isInDialog ? undefined : dialogs.get(tx.dialog.id);
    servers.respondPlain(tx, 504);
    if (work !== undefined && work.dialog === tx.dialog) dialogs.remove(work);
    tellCanceled(this.#parts, tx, 504, 'PRACK timeout');
  }

  /** What the response does to the dialog it makes or is in. */
  #follow(tx: ServerTransaction, answer: Answer, message: Buffer): void {
    const { status, body } = answer;
    const { dialogs } = this.#parts;
    if (this.#makesDialog(tx, status)) this.#makeDialog(tx);
    const work = tx.dialog === undefined ? undefined : dialogs.get(tx.dialog.id);
    if (work === undefined || work.dialog !== tx.dialog) return;
    if (status < 200) return this.#onProgress(work, tx, body);
    if (work.pendingServer === tx) work.pendingServer = undefined;
    if (status < 300) this.#onSuccess(work, { tx, message, ...answer });
    else if (!tx.isInDialog) dialogs.remove(work);
    else if (endsSubscription(tx)) dialogs.remove(work);
  }

  #makeDialog(tx: ServerTransaction): void {
    const { dialogs, core } = this.#parts;
    tx.dialog = createServerDialog(tx, createSequence(core.random));
    const made = dialogs.add(tx.dialog);
    if (tx.request.method === 'INVITE') made.pendingServer = tx;
  }

  #onProgress(work: DialogWork, tx: ServerTransaction, body: Buffer): void {
    work.reliable = tx.reliable ?? work.reliable;
    if (work.pendingServer === tx && body.length > 0) work.dialog.hasAnswer = true;
  }

  #onSuccess(work: DialogWork, sent: Answer & { readonly tx: ServerTransaction; readonly message: Buffer }): void {
    const { tx, message } = sent;
    const { method } = tx.request;
    const { core, dialogs } = this.#parts;
    if (tx.isInDialog && WITH_CONTACT.has(method)) refreshTarget(forkOf(work, tx.facts.fromTag), tx.request);
    if (method === 'INVITE' || method === 'SUBSCRIBE') work.dialog.isConfirmed = true;
    if (endsSubscription(tx)) return dialogs.remove(work);
    if (method === 'SUBSCRIBE') prolong(core, dialogs, work, { request: tx.request.headers, response: sent.headers });
    if (HAS_SESSION.has(method)) this.#keepers.sessions.answered(work, sent);
    if (method !== 'INVITE') return;
    if (!tx.isInDialog) this.#parts.reports.started('application', 'uas', () => message);
    work.unacknowledged?.stop();
    work.unacknowledged = new Unacknowledged(core, { tx, response: message }, () => this.#onUnacknowledged(work));
    work.unacknowledged.start();
  }

  /** RFC 3261 §13.3.1.4: without an ACK the call is ended; by the application's own BYE if it has one waiting. */
  #onUnacknowledged(work: DialogWork): void {
    const waiting = work.afterAck.splice(0);
    if (waiting.length === 0) return this.#keepers.endings.end(work, ACK_TIMEOUT);
    for (const act of waiting) act();
  }

  /** Filled for INVITE and SUBSCRIBE whatever the status, and for requests in a dialog that lives. */
  #nameDialog(tx: ServerTransaction): string {
    const { method } = tx.request;
    if (tx.isInDialog) {
      const id = tx.dialog?.id ?? '';
      return this.#parts.dialogs.get(id)?.dialog === tx.dialog ? id : '';
    }
    return method === 'INVITE' || method === 'SUBSCRIBE' ? dialogId(tx.facts.callId, tx.facts.fromTag) : '';
  }

  /** A peer that registers over a connection is reached over that connection. */
  #learnConnection(tx: ServerTransaction, answer: Answer): void {
    const { method } = tx.request;
    if (method === 'REGISTER') this.#parts.core.net.vouch(tx.reply.flow);
    if ((method !== 'REGISTER' && method !== 'SUBSCRIBE') || tx.reply.flow.connectionId === undefined) return;
    const contact = parseNameAddr(headerValues(tx.request, 'Contact')[0] ?? '');
    const key = contact === undefined ? undefined : contactKey(contact.uri);
    if (contact === undefined || key === undefined) return;
    const seconds = grantedSeconds(contact.uri, answer.headers, header(tx.request, 'Expires'));
    if (seconds > 0) this.#flows.register(key, tx.reply.flow, seconds);
    else this.#parts.connections.unbind(key);
  }

  #refuse(app: AppId, command: SipCommand, text: string): void {
    refuseCommand(this.#parts.core, app, command.id, text);
  }
}

/** Our own Contact, where the peer needs one and the application gave none. */
function missingContact(
  tx: ServerTransaction,
  isTargetGiven: boolean,
  given: readonly SipHeader[],
  listener: ListenerAddress,
): readonly SipHeader[] {
  if (!isTargetGiven || !WITH_CONTACT.has(tx.request.method) || findHeader(given, 'Contact') !== undefined) return [];
  const scheme = /^sips:/i.test(tx.request.uri) ? 'sips' : 'sip';
  return [{ name: 'Contact', value: `<${ownUri(listener, scheme)}>` }];
}

function requiresReliable(headers: readonly SipHeader[]): boolean {
  return headers.some((line) => line.name === 'Require' && /(?:^|[\s,])100rel(?:$|[\s,])/i.test(line.value));
}

/** The application asks for it, or the caller insists on it (RFC 3262 §3). */
function wantsReliable(tx: ServerTransaction, given: readonly SipHeader[]): boolean {
  return requiresReliable(given) || requiresReliable(tx.request.headers);
}

function isProvisional(status: number): boolean {
  return status > 100 && status < 200;
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function supportsReliable(tx: ServerTransaction): boolean {
  const offered = [...headerValues(tx.request, 'Supported'), ...headerValues(tx.request, 'Require')];
  return offered.some((value) => value.trim().toLowerCase() === '100rel');
}

/** A NOTIFY that says so is the last of its subscription. */
function endsSubscription(tx: ServerTransaction): boolean {
  return tx.dialog?.method === 'SUBSCRIBE' && isLastNotify(tx.request.method, tx.request.headers);
}

/** What the response grants: of that Contact, else of its Expires, else of the request's; an hour when nobody says. */
function grantedSeconds(uri: string, headers: readonly SipHeader[], asked: string | undefined): number {
  const contacts = headers.filter((line) => line.name === 'Contact');
  const response = { kind: 'response', status: 200, reason: '', headers: contacts, body: Buffer.alloc(0) } as const;
  const key = contactKey(uri);
  let granted: string | undefined;
  for (const value of headerValues(response, 'Contact')) {
    const one = parseNameAddr(value);
    if (one !== undefined && contactKey(one.uri) === key) granted = one.params.get('expires') ?? granted;
  }
  const text = granted ?? findHeader(headers, 'Expires') ?? asked ?? '3600';
  const seconds = Number.parseInt(text, 10);
  return Number.isNaN(seconds) ? 3600 : seconds;
}
