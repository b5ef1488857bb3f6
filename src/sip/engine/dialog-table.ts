/** The dialogs and what is under way in each. Whatever ends one ends here. */
import type { Timer } from '../../kernel/index.ts';
import type { AppTable } from './app-table.ts';
import type { ClientTransaction } from './client-transactions.ts';
import { contactKey } from './connections.ts';
import type { EngineCore } from './core.ts';
import { type Dialog, dialogId } from './dialog.ts';
import type { SentAck } from './kept.ts';
import type { MessageFacts } from './message-facts.ts';
import type { AppId, Flow } from './ports.ts';
import type { ReliableAnswers } from './reliable-answers.ts';
import type { ServerTransaction } from './server-transactions.ts';
import { type SessionWork, stopSession } from './session-work.ts';
import type { Unacknowledged } from './unacknowledged.ts';

/** A reliable provisional response of a peer. */
export interface HeardProvisional {
  readonly tag: string;
  /** Its RSeq. */
  readonly number: number;
  /** Of the INVITE. */
  readonly cseq: number;
}

/** What is under way in one dialog; not part of its state as data. */
export interface DialogWork {
  readonly dialog: Dialog;
  /** Our 2xx that waits for its ACK, or has just got it. */
  unacknowledged: Unacknowledged | undefined;
  /** What waits for that ACK: a BYE must not overtake it (RFC 3261 §15). */
  readonly afterAck: (() => void)[];
  /** Our INVITE that was answered with 2xx, and the application's ACK to it, once it gave one. */
  answered: { readonly tx: ClientTransaction; ack: SentAck | undefined } | undefined;
  /** INVITEs without a final response, theirs and ours. */
  pendingServer: ServerTransaction | undefined;
  pendingClient: ClientTransaction | undefined;
  /** UPDATEs, the last of theirs and of ours. */
  updateServer: ServerTransaction | undefined;
  updateClient: ClientTransaction | undefined;
  /** Our reliable provisional responses. */
  reliable: ReliableAnswers | undefined;
  /** Theirs that the application has been told of and has not acknowledged, oldest first. */
  unacknowledgedProvisionals: HeardProvisional[] | undefined;
  /** Early dialogs of other phones that the same INVITE reached, by their tags. */
  forks: Map<string, Dialog> | undefined;
  session: SessionWork | undefined;
  /** Runs until a subscription has ended by itself. */
  subscription: Timer | undefined;
  /** Runs after the connection closed, or after the application went away. */
  grace: Timer | undefined;
}

export class DialogTable {
  readonly #core: EngineCore;
  readonly #apps: AppTable;
  readonly #byId = new Map<string, DialogWork>();
  readonly #byConnection = new Map<number, Set<DialogWork>>();
  /** Dialogs whose connection closed, by the Contact that may come back. */
  readonly #lost = new Map<string, Set<DialogWork>>();

  constructor(core: EngineCore, apps: AppTable) {
    this.#core = core;
    this.#apps = apps;
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): DialogWork | undefined {
    return this.#byId.get(id);
  }

  /** The dialog a request from the network is in: the initiator's tag may be either of the two. */
  match(facts: MessageFacts): DialogWork | undefined {
    const work =
      this.#byId.get(dialogId(facts.callId, facts.fromTag)) ?? this.#byId.get(dialogId(facts.callId, facts.toTag));
    if (work === undefined || work.dialog.localTag !== facts.toTag) return undefined;
    const isKnown = work.dialog.remoteTag === facts.fromTag || !work.dialog.isConfirmed;
    return isKnown ? work : undefined;
  }

  add(dialog: Dialog): DialogWork {
    const work: DialogWork = {
      dialog,
      unacknowledged: undefined,
      afterAck: [],
      answered: undefined,
      pendingServer: undefined,
      pendingClient: undefined,
      updateServer: undefined,
      updateClient: undefined,
      reliable: undefined,
      unacknowledgedProvisionals: undefined,
      forks: undefined,
      session: undefined,
      subscription: undefined,
      grace: undefined,
    };
    const former = this.#byId.get(dialog.id);
    if (former !== undefined) this.remove(former);
    this.#byId.set(dialog.id, work);
    this.#apps.countDialog(dialog.app, 1);
    this.#follow(work);
    return work;
  }

  remove(work: DialogWork): void {
    const { dialog } = work;
    if (this.#byId.get(dialog.id) !== work) return;
    this.#byId.delete(dialog.id);
    this.#apps.countDialog(dialog.app, -1);
    this.#unfollow(work);
    this.#forgetLost(work);
    work.grace?.cancel();
    work.unacknowledged?.stop();
    work.subscription?.cancel();
    if (work.session !== undefined) stopSession(work.session);
    work.afterAck.length = 0;
  }

  /** The peer was heard on `flow`: it is where requests go from now on. */
  rebind(work: DialogWork, flow: Flow): void {
    const { dialog } = work;
    const isSame =
      flow.connectionId === undefined ? dialog.flow === flow : dialog.flow.connectionId === flow.connectionId;
    if (isSame) return;
    this.#unfollow(work);
    dialog.flow = flow;
    this.#follow(work);
    if (this.#forgetLost(work)) work.grace?.cancel();
  }

  /** Takes the dialogs off a connection that closed. */
  takeConnection(connectionId: number): readonly DialogWork[] {
    const works = [...(this.#byConnection.get(connectionId) ?? [])];
    this.#byConnection.delete(connectionId);
    return works;
  }

  /** Gives the same Contact some time to come back. */
  awaitReturn(work: DialogWork, onGone: () => void): void {
    const key = contactKey(work.dialog.remoteTarget);
    if (key !== undefined) {
      const works = this.#lost.get(key) ?? new Set();
      this.#lost.set(key, works);
      works.add(work);
    }
    work.grace?.cancel();
    work.grace = this.#core.timers.after(this.#core.options.flowGraceMs, onGone);
  }

  /** A Contact registered anew: its dialogs continue over `flow`. Returns them. */
  returned(key: string, flow: Flow): readonly DialogWork[] {
    const works = [...(this.#lost.get(key) ?? [])];
    for (const work of works) this.rebind(work, flow);
    return works;
  }

  /**
   * A browser's Contact registered anew while its former connection is still taken for open: a network that vanished
   * closes nothing, and only its peer knows (RFC 5626 §5.3). Returns the dialogs that go on over `flow`.
   */
  leave(former: Flow, key: string, flow: Flow): readonly DialogWork[] {
    if (former.connectionId === undefined || former.connectionId === flow.connectionId) return [];
    const followed = this.#byConnection.get(former.connectionId) ?? [];
    const works = [...followed].filter((work) => contactKey(work.dialog.remoteTarget) === key);
    for (const work of works) this.rebind(work, flow);
    return works;
  }

  /** The application is gone: its dialogs are kept for a while, to be answered 481. */
  orphan(app: AppId): readonly DialogWork[] {
    const orphans = [...this.#byId.values()].filter((work) => work.dialog.app === app);
    for (const work of orphans) {
      work.dialog.app = undefined;
      work.unacknowledged?.stop();
      if (work.session !== undefined) stopSession(work.session);
      work.grace?.cancel();
      work.grace = this.#core.timers.after(this.#core.options.orphanMs, () => this.remove(work));
    }
    return orphans;
  }

  #follow(work: DialogWork): void {
    const id = work.dialog.flow.connectionId;
    if (id === undefined) return;
    const works = this.#byConnection.get(id) ?? new Set();
    this.#byConnection.set(id, works);
    works.add(work);
  }

  #unfollow(work: DialogWork): void {
    const id = work.dialog.flow.connectionId;
    const works = id === undefined ? undefined : this.#byConnection.get(id);
    if (id === undefined || works === undefined) return;
    works.delete(work);
    if (works.size === 0) this.#byConnection.delete(id);
  }

  #forgetLost(work: DialogWork): boolean {
    const key = contactKey(work.dialog.remoteTarget);
    const works = key === undefined ? undefined : this.#lost.get(key);
    if (key === undefined || works === undefined || !works.delete(work)) return false;
    if (works.size === 0) this.#lost.delete(key);
    return true;
  }
}
