/**
 * Session timers: RFC 4028, drachtio-protocol §6.10. The interval is learned from each 2xx that passes; whose turn it is
 * refreshes at half of it, and who hears nothing until its end ends the call. Applications see none of our refreshes.
 */
import { header, type SipHeader, type SipMessage, type SipRequest } from '../message/index.ts';
import { findHeader } from './app-headers.ts';
import { type DialogEndings, SESSION_EXPIRED } from './dialog-endings.ts';
import type { DialogWork } from './dialog-table.ts';
import { keptBytes, keptText } from './kept.ts';
import type { EngineParts } from './parts.ts';
import type { ServerTransaction } from './server-transactions.ts';
import { SessionRefresh } from './session-refresh.ts';
import {
  answerLines,
  answerTerms,
  readMinSe,
  readTerms,
  requestLines,
  type SessionTerms,
  supportsTimer,
} from './session-terms.ts';
import { type SessionWork, stopSession } from './session-work.ts';

/** While something else is under way in the dialog, in milliseconds. */
const BUSY_RETRY_MS = 2_000;
/** After a refresh that failed in a way that need not last. */
const FAILED_RETRY_MS = 10_000;
const MAX_RAISES = 3;
const SDP = 'application/sdp';

/** What a 2xx agreed on. */
interface Agreement {
  readonly seconds: number;
  readonly isOurs: boolean;
  /** The message of ours that has our Contact, and of theirs. */
  readonly contact: string;
  readonly sdp: Buffer;
  readonly contentType: string | undefined;
  readonly peer: SipMessage;
}

export class SessionTimers {
  readonly #parts: EngineParts;
  readonly #endings: DialogEndings;

  constructor(parts: EngineParts, endings: DialogEndings) {
    this.#parts = parts;
    this.#endings = endings;
  }

  /** The lines of the 422 owed to a request whose interval is too small (§9); undefined when it is not. */
  objection(request: SipRequest): readonly SipHeader[] | undefined {
    const terms = readTerms(request.headers);
    const { minSessionSec } = this.#parts.core.options;
    if (terms === undefined || terms.seconds >= minSessionSec || !supportsTimer(request.headers)) return undefined;
    return [{ name: 'Min-SE', value: String(minSessionSec) }];
  }

  /** What our 2xx to an INVITE or UPDATE agrees on, and the application's headers with the lines that say so. */
  answer(
    tx: ServerTransaction,
    given: readonly SipHeader[],
  ): { readonly terms: SessionTerms | undefined; readonly headers: readonly SipHeader[] } {
    const current = tx.dialog === undefined ? undefined : this.#parts.dialogs.get(tx.dialog.id)?.session;
    const terms = answerTerms(tx.request.headers, readTerms(given), current);
    if (terms === undefined) return { terms, headers: given };
    const others = given.filter((line) => line.name !== 'Session-Expires');
    return { terms, headers: [...others, ...answerLines(terms, others)] };
  }

  /** Our 2xx with these terms has been sent. */
  answered(
    work: DialogWork,
    sent: {
      readonly tx: ServerTransaction;
      readonly terms: SessionTerms | undefined;
      readonly headers: readonly SipHeader[];
      readonly body: Buffer;
    },
  ): void {
    const { tx, terms, headers, body } = sent;
    if (terms === undefined) return this.#off(work);
    const contact = findHeader(headers, 'Contact') ?? '';
    const contentType = findHeader(headers, 'Content-Type');
    const isOurs = terms.refresher === 'uas';
    this.#agree(work, { seconds: terms.seconds, isOurs, contact, sdp: body, contentType, peer: tx.request });
  }

  /** A 2xx to an INVITE or UPDATE of ours has come. */
  heard(work: DialogWork, request: SipRequest, response: SipMessage): void {
    const terms = readTerms(response.headers);
    if (terms === undefined) return this.#off(work);
    const contact = findHeader(request.headers, 'Contact') ?? '';
    const contentType = findHeader(request.headers, 'Content-Type');
    const isOurs = terms.refresher !== 'uas';
    this.#agree(work, { seconds: terms.seconds, isOurs, contact, sdp: request.body, contentType, peer: response });
  }

  /** The lines that an INVITE or UPDATE of the application needs to keep the session alive. */
  linesFor(work: DialogWork, given: readonly SipHeader[]): readonly SipHeader[] {
    const { session } = work;
    if (session === undefined || findHeader(given, 'Session-Expires') !== undefined) return [];
    return requestLines(session, given);
  }

  /** Our ACK with SDP answers the offer of a 2xx. */
  acknowledged(work: DialogWork, body: Buffer): void {
    if (work.session === undefined || body.length === 0) return;
    work.session.sdp = keptBytes(body);
    work.session.contentType = SDP;
  }

  #off(work: DialogWork): void {
    const { session } = work;
    if (session === undefined) return;
    stopSession(session);
    work.session = undefined;
    release(session);
  }

  #agree(work: DialogWork, agreed: Agreement): void {
    const { core } = this.#parts;
    const former = work.session;
    if (former !== undefined) stopSession(former);
    const { seconds, isOurs } = agreed;
    const session: SessionWork = {
      seconds,
      isOurs,
      ...known(agreed, former, core.options.minSessionSec),
      expiry: core.timers.after(seconds * 1000, () => this.#onExpired(work)),
      refresh: undefined,
      isRefreshing: false,
      afterRefresh: [],
    };
    work.session = session;
    if (isOurs) this.#refreshIn(work, session, seconds * 500);
    if (former !== undefined) release(former);
  }

  #onExpired(work: DialogWork): void {
    this.#endings.end(work, SESSION_EXPIRED);
  }

  #refreshIn(work: DialogWork, session: SessionWork, ms: number, raises = 0): void {
    session.refresh?.cancel();
    session.refresh = this.#parts.core.timers.after(ms, () => this.#refresh(work, session, raises));
  }

  #refresh(work: DialogWork, session: SessionWork, raises: number): void {
    if (work.session !== session) return;
    if (this.#isBusy(work)) return this.#refreshIn(work, session, BUSY_RETRY_MS, raises);
    const refresh = new SessionRefresh(this.#parts, this.#endings, { work, session });
    session.isRefreshing = true;
    refresh.start((outcome) => {
      session.isRefreshing = false;
      if (work.session !== session) return release(session);
      switch (outcome.kind) {
        case 'refreshed':
          return this.heard(work, outcome.request, outcome.response);
        case 'gone':
          return this.#onExpired(work);
        case 'raise':
          return this.#raise(work, session, outcome.minSe, raises);
        case 'again':
          this.#refreshIn(work, session, outcome.ms ?? FAILED_RETRY_MS, raises);
          return release(session);
        default:
          return outcome satisfies never;
      }
    });
  }

  /** 422: the interval was too small for somebody on the way (§7.3). */
  #raise(work: DialogWork, session: SessionWork, minSe: number, raises: number): void {
    if (raises >= MAX_RAISES) return this.#refreshIn(work, session, FAILED_RETRY_MS, 0);
    const raised = { ...session, minSe: Math.max(minSe, session.minSe), seconds: Math.max(minSe, session.seconds) };
    work.session = raised; // the time it expires at stands
    this.#refresh(work, raised, raises + 1);
  }

  #isBusy(work: DialogWork): boolean {
    const { clients, servers } = this.#parts;
    const { pendingClient, pendingServer, updateClient, unacknowledged, answered } = work;
    if (unacknowledged?.isWaiting === true || (answered !== undefined && answered.ack === undefined)) return true;
    if (pendingServer !== undefined && servers.isOpen(pendingServer)) return true;
    return [pendingClient, updateClient].some((tx) => tx !== undefined && clients.isOpen(tx));
  }
}

function release(session: SessionWork): void {
  for (const act of session.afterRefresh.splice(0)) act();
}

/** What is known of the peer and of what it knows of us; a message that does not say it changes nothing. */
function known(
  agreed: Agreement,
  former: SessionWork | undefined,
  minSessionSec: number,
): Pick<SessionWork, 'minSe' | 'sdp' | 'contentType' | 'contact' | 'allowsUpdate'> {
  const { peer, contact } = agreed;
  const allow = header(peer, 'Allow');
  return {
    minSe: Math.max(readMinSe(peer.headers), former?.minSe ?? 0, minSessionSec),
    ...bodyOf(agreed, former),
    contact: contact === '' ? (former?.contact ?? '') : keptText(contact),
    allowsUpdate: allow === undefined ? former?.allowsUpdate === true : /\bUPDATE\b/i.test(allow),
  };
}

/** What was said of the session now, else before. */
function bodyOf(
  { sdp, contentType }: Agreement,
  former: SessionWork | undefined,
): Pick<SessionWork, 'sdp' | 'contentType'> {
  if (sdp.length > 0) return { sdp: keptBytes(sdp), contentType: keptText(contentType ?? SDP) };
  return { sdp: former?.sdp ?? '', contentType: former?.contentType ?? SDP };
}
