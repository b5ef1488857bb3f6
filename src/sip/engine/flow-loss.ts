/**
 * A browser's connection is all there is to reach it by. When it closes under a live call, the same registered Contact
 * gets some time to come back on a new one; then the call is over (drachtio-protocol §11).
 */
import { tellCanceled } from './canceled-by-engine.ts';
import { contactKey } from './connections.ts';
import { contactUri } from './dialog.ts';
import type { DialogEndings } from './dialog-endings.ts';
import type { DialogWork } from './dialog-table.ts';
import type { EngineParts } from './parts.ts';
import type { Flow } from './ports.ts';
import type { ServerTransaction } from './server-transactions.ts';

const TEXT = 'transport closed';

export class FlowLoss {
  readonly #parts: EngineParts;
  readonly #endings: DialogEndings;
  /** INVITEs being answered whose caller's connection closed. */
  readonly #stranded = new Map<ServerTransaction, string>();

  constructor(parts: EngineParts, endings: DialogEndings) {
    this.#parts = parts;
    this.#endings = endings;
  }

  /** A Contact (re)registered over `flow`: what it had under way continues there. */
  register(key: string, flow: Flow, seconds: number): void {
    const { connections, dialogs } = this.#parts;
    const former = connections.boundFlow(key);
    connections.bind(key, flow, seconds);
    const left = former !== undefined && isBrowser(former) ? dialogs.leave(former, key, flow) : [];
    for (const work of [...dialogs.returned(key, flow), ...left]) {
      if (work.pendingServer !== undefined) work.pendingServer.reply.flow = flow;
    }
    for (const [tx, contact] of this.#stranded) if (contact === key) this.#rescue(tx, flow);
  }

  connectionClosed(connectionId: number): void {
    const { connections, dialogs } = this.#parts;
    const keys = connections.closed(connectionId);
    const works = dialogs.takeConnection(connectionId);
    // drachtio-server tells nobody (drachtio-protocol §8.4).
    if (this.#parts.core.options.strict) return this.#failRequests(connectionId, []);
    for (const work of works) {
      const isRegistered = keys.has(contactKey(work.dialog.remoteTarget) ?? '');
      // A TCP peer that never registered may close an idle connection and open another: that is no loss.
      if (isBrowser(work.dialog.flow) || isRegistered) dialogs.awaitReturn(work, () => this.#onGone(work));
    }
    this.#strand(connectionId);
    this.#failRequests(connectionId, works);
  }

  #onGone(work: DialogWork): void {
    const { servers, clients, dialogs } = this.#parts;
    const { pendingServer, pendingClient } = work;
    if (work.dialog.isConfirmed) return this.#endings.end(work, TEXT, 503);
    dialogs.remove(work);
    if (pendingServer !== undefined && servers.isOpen(pendingServer)) this.#abandon(pendingServer);
    if (pendingClient !== undefined && clients.isOpen(pendingClient)) clients.fail(pendingClient, 'closed');
  }

  /** Callers that had no answer yet, so no dialog either. */
  #strand(connectionId: number): void {
    const { servers, core } = this.#parts;
    for (const tx of servers.open()) {
      const { flow } = tx.reply;
      if (flow.connectionId !== connectionId || tx.request.method !== 'INVITE') continue;
      if (tx.dialog !== undefined || !isBrowser(flow)) continue;
      this.#stranded.set(tx, contactKey(contactUri(tx.request)) ?? '');
      core.timers.after(core.options.flowGraceMs, () => {
        if (this.#stranded.delete(tx) && servers.isOpen(tx)) this.#abandon(tx);
      });
    }
  }

  #rescue(tx: ServerTransaction, flow: Flow): void {
    tx.reply.flow = flow;
    this.#stranded.delete(tx);
  }

  /** Our requests on that connection will not be answered, except calls that ring at a browser that may come back. */
  #failRequests(connectionId: number, lost: readonly DialogWork[]): void {
    const { clients } = this.#parts;
    const waiting = new Set(lost.map((work) => work.pendingClient));
    for (const tx of clients.all()) {
      if (tx.target.connectionId !== connectionId || waiting.has(tx) || !clients.isOpen(tx)) continue;
      clients.fail(tx, 'closed');
    }
  }

  /** The caller is gone for good: to the application that is a CANCEL. */
  #abandon(tx: ServerTransaction): void {
    this.#parts.servers.abandon(tx);
    tellCanceled(this.#parts, tx, 503, TEXT);
  }
}

function isBrowser(flow: Flow): boolean {
  return flow.transport === 'ws' || flow.transport === 'wss';
}
