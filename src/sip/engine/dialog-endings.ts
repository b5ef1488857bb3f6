/** Dialogs the engine ends by itself, with a BYE to the peer and an unsolicited BYE to the application: drachtio-protocol §6.9. */
import { formatMessage, type SipHeader, type SipRequest } from '../message/index.ts';
import { type ClientTransaction, SILENT } from './client-transactions.ts';
import { createBranch } from './core.ts';
import { buildInDialog, type Dialog } from './dialog.ts';
import type { DialogWork } from './dialog-table.ts';
import { keptBytes, type SentAck } from './kept.ts';
import { viaValue } from './local-address.ts';
import type { Hop } from './next-hop.ts';
import type { EngineParts } from './parts.ts';
import type { ListenerAddress, SendTarget } from './ports.ts';
import { NO_BODY, NO_HEADERS } from './response-builder.ts';

const ignoreFailure = (): void => {};
/** Why the engine ends dialogs, as applications read it. */
export const ACK_TIMEOUT = 'ACK timeout';
export const SESSION_EXPIRED = 'Session timer expired';
const CREDENTIALS = new Set(['Authorization', 'Proxy-Authorization']);

type SentInvite = Pick<ClientTransaction, 'request' | 'target'>;

export class DialogEndings {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** Ends a live dialog: BYE to the peer, unsolicited BYE to the application, `text` telling both why. */
  end(work: DialogWork, text: string, cause = 200): void {
    const { dialog } = work;
    this.#parts.dialogs.remove(work);
    const reason: SipHeader = { name: 'Reason', value: `SIP;cause=${cause};text="${text}"` };
    void this.#withHop(dialog, (hop) => {
      if (hop.kind !== 'hop' && hop.kind !== 'lost') return;
      const branch = createBranch(this.#parts.core.random);
      const bye = this.#buildBye(dialog, branch, hop.listener, [reason]);
      if (hop.kind === 'hop') this.#send(bye, branch, hop.target);
      this.#report(text, bye);
      if (dialog.app === undefined) return;
      this.#parts.delivery.unsolicitedBye(dialog.app, dialog.id, formatMessage(bye), hop.listener);
    });
  }

  /** drachtio-server reports no end of a call that was never acknowledged (drachtio-protocol §9.8). */
  #report(text: string, bye: SipRequest): void {
    if (text === ACK_TIMEOUT) return;
    const reason = text === SESSION_EXPIRED ? 'session-expired' : 'system-initiated-termination';
    this.#parts.reports.stopped('application', reason, () => formatMessage(bye));
  }

  /** A dialog nobody wants, answered to `invite`: it is acknowledged and ended. `onAck` gets the ACK for repetitions. */
  refuse(dialog: Dialog, invite: SentInvite, onAck: (ack: SentAck) => void): void {
    void this.#withHop(dialog, (hop) => {
      if (hop.kind !== 'hop') return;
      const ack = formatMessage(this.buildAck(dialog, invite, hop, { headers: NO_HEADERS, body: NO_BODY }));
      this.#parts.core.net.send(hop.target, ack, ignoreFailure);
      onAck({ data: keptBytes(ack), target: hop.target });
      const branch = createBranch(this.#parts.core.random);
      this.#send(this.#buildBye(dialog, branch, hop.listener, NO_HEADERS), branch, hop.target);
    });
  }

  /**
   * The ACK to a 2xx: a request in the dialog with the INVITE's number and credentials (RFC 3261 §13.2.2.4). Where the
   * INVITE did not go the credentials do not go either: whoever answered would have something to guess a password with.
   */
  buildAck(
    dialog: Dialog,
    { request: invite, target }: SentInvite,
    hop: { readonly listener: ListenerAddress; readonly target?: SendTarget },
    from: { readonly headers: readonly SipHeader[]; readonly body: Buffer },
  ): SipRequest {
    const cseq = Number.parseInt(invite.headers.find((line) => line.name === 'CSeq')?.value ?? '0', 10);
    const credentials =
      hop.target?.address === target.address ? invite.headers.filter((line) => CREDENTIALS.has(line.name)) : [];
    const via = viaValue(hop.listener, createBranch(this.#parts.core.random));
    const headers = [...credentials, ...from.headers.filter((line) => !CREDENTIALS.has(line.name))];
    return buildInDialog(dialog, { method: 'ACK', uri: '', cseq, via, headers, contact: '', body: from.body });
  }

  #buildBye(dialog: Dialog, branch: string, listener: ListenerAddress, headers: readonly SipHeader[]): SipRequest {
    dialog.localSeq++;
    const via = viaValue(listener, branch);
    const parts = { method: 'BYE', uri: '', cseq: dialog.localSeq, via, headers, contact: '', body: NO_BODY };
    return buildInDialog(dialog, parts);
  }

  #send(request: SipRequest, branch: string, target: SendTarget): void {
    const { clients } = this.#parts;
    clients.start(clients.create(request, branch, target, SILENT));
  }

  #withHop(dialog: Dialog, use: (hop: Hop) => void): void | Promise<void> {
    const hop = this.#parts.hops.ofDialog(dialog);
    if (hop instanceof Promise) return hop.then(use);
    return use(hop);
  }
}
