/** The requests from the network that are being answered: found by key or by the id applications know, run by their machine. */
import type { Timer } from '../../kernel/index.ts';
import type { SipRequest } from '../message/index.ts';
import {
  createInviteServer,
  createNonInviteServer,
  type InviteServer,
  type InviteServerInput,
  type InviteServerOutput,
  type InviteServerTimer,
  type NonInviteServer,
  type NonInviteServerInput,
  type NonInviteServerOutput,
  stepInviteServer,
  stepNonInviteServer,
  transactionTimeout,
} from '../transaction/index.ts';
import { createTag, type EngineCore } from './core.ts';
import type { Dialog } from './dialog.ts';
import type { MessageFacts } from './message-facts.ts';
import type { AppId, Flow, SendTarget } from './ports.ts';
import type { ReliableAnswers } from './reliable-answers.ts';
import { formatPlainResponse } from './response-builder.ts';
import { TimerSet } from './timer-set.ts';
import { mergeKey, serverKey } from './transaction-key.ts';

export interface ServerTransaction {
  /** What the application calls it. */
  readonly id: string;
  readonly key: string;
  readonly request: SipRequest;
  readonly facts: MessageFacts;
  /** Where the request came from and responses go; a browser that reconnects brings a new one. */
  flow: Flow;
  machine: InviteServer | NonInviteServer;
  /** The last response, for retransmissions. */
  last: Buffer | undefined;
  /** Our To tag, the same in every response; '' until one carried it. */
  localTag: string;
  app: AppId | undefined;
  /** The dialog it is in or has made. */
  dialog: Dialog | undefined;
  /** The request came within the dialog; otherwise it made it. */
  isInDialog: boolean;
  /** Runs while the application says nothing at all. */
  silence: Timer | undefined;
  /** Of an INVITE, once there was one. */
  reliable: ReliableAnswers | undefined;
  readonly timers: TimerSet<InviteServerTimer | 'J'>;
}

type Output = InviteServerOutput | NonInviteServerOutput;
const ignoreFailure = (): void => {};

export class ServerTransactions {
  readonly #core: EngineCore;
  readonly #byKey = new Map<string, ServerTransaction>();
  readonly #byId = new Map<string, ServerTransaction>();
  readonly #byMerge = new Map<string, ServerTransaction>();
  #unanswered = 0;
  readonly #onAnswered: (tx: ServerTransaction) => void;

  /** `onAnswered` is called once per transaction: when it got its final response, or was given up. */
  constructor(core: EngineCore, onAnswered: (tx: ServerTransaction) => void) {
    this.#core = core;
    this.#onAnswered = onAnswered;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** INVITEs to which their application has not said a word yet. */
  get unanswered(): number {
    return this.#unanswered;
  }

  all(): IterableIterator<ServerTransaction> {
    return this.#byKey.values();
  }

  /** The transaction this request, ACK or (with method INVITE) CANCEL belongs to. */
  find(request: SipRequest, facts: MessageFacts, method = request.method): ServerTransaction | undefined {
    return this.#byKey.get(serverKey(request, facts, method));
  }

  byId(id: string): ServerTransaction | undefined {
    return this.#byId.get(id);
  }

  /** Whether the same request is already being served under another branch: it was forked on its way (§8.2.2.2). */
  isMerged(facts: MessageFacts): boolean {
    return facts.toTag === '' && this.#byMerge.has(mergeKey(facts));
  }

  create(request: SipRequest, facts: MessageFacts, flow: Flow): ServerTransaction {
    const reliable = flow.connectionId !== undefined;
    const isInvite = request.method === 'INVITE';
    const tx: ServerTransaction = {
      id: this.#core.random.uuid(),
      key: serverKey(request, facts),
      request,
      facts,
      flow,
      machine: isInvite ? createInviteServer(reliable, this.#core.options.timers) : createNonInviteServer(reliable),
      last: undefined,
      localTag: facts.toTag,
      app: undefined,
      dialog: undefined,
      isInDialog: false,
      silence: undefined,
      reliable: undefined,
      timers: new TimerSet(),
    };
    this.#byKey.set(tx.key, tx);
    this.#byId.set(tx.id, tx);
    if (facts.toTag === '' && request.method !== 'CANCEL' && !this.isMerged(facts))
      this.#byMerge.set(mergeKey(facts), tx);
    return tx;
  }

  /** Calls `onSilent` when the application has not answered for 64·T1; drachtio-server waits twice as long. */
  awaitApp(tx: ServerTransaction, onSilent: () => void): void {
    const { timers, strict } = this.#core.options;
    tx.silence = this.#core.timers.after(transactionTimeout(timers) * (strict ? 2 : 1), onSilent);
    if (tx.request.method === 'INVITE') this.#unanswered++;
  }

  /** Somebody else than an application will answer, in their own time. */
  takenOver(tx: ServerTransaction): void {
    this.#endSilence(tx);
  }

  #endSilence(tx: ServerTransaction): void {
    if (tx.silence === undefined) return;
    tx.silence.cancel();
    tx.silence = undefined;
    if (tx.request.method === 'INVITE') this.#unanswered--;
  }

  /** Whether a response can still be sent in it. */
  isOpen(tx: ServerTransaction): boolean {
    return tx.machine.phase === 'proceeding' || tx.machine.phase === 'trying';
  }

  /** The To tag of responses, made when first needed. */
  tagFor(tx: ServerTransaction): string {
    if (tx.localTag === '') tx.localTag = createTag(this.#core.random);
    return tx.localTag;
  }

  respond(tx: ServerTransaction, status: number, response: Buffer): void {
    this.#endSilence(tx);
    tx.last = response;
    this.#step(tx, { kind: 'respond', status });
  }

  /** Answers by the engine itself, without a body. 100 has no To tag. */
  respondPlain(tx: ServerTransaction, status: number, headers: readonly { name: string; value: string }[] = []): void {
    if (status > 100)
      return this.respond(tx, status, formatPlainResponse(tx.request, status, this.tagFor(tx), headers));
    tx.last = formatPlainResponse(tx.request, status, '', headers);
    this.#step(tx, { kind: 'respond', status });
  }

  retransmitted(tx: ServerTransaction): void {
    this.#step(tx, { kind: 'request' });
  }

  /** An ACK came; true when it is one to a 2xx and so the dialog's business. */
  acked(tx: ServerTransaction): boolean {
    const wasAccepted = tx.machine.phase === 'accepted';
    this.#step(tx, { kind: 'ack' });
    return wasAccepted;
  }

  /** Ends it without an answer. */
  abandon(tx: ServerTransaction): void {
    this.#step(tx, { kind: 'abandon' });
  }

  /** Sends bytes the way responses of `flow` go. */
  sendBack(flow: Flow, data: Buffer): void {
    this.#core.net.send(responseTarget(flow), data, ignoreFailure);
  }

  #step(tx: ServerTransaction, input: InviteServerInput | NonInviteServerInput): void {
    const timers = this.#core.options.timers;
    const { machine } = tx;
    const wasOpen = this.isOpen(tx);
    const { next, outputs } =
      machine.kind === 'invite-server'
        ? stepInviteServer(machine, input as InviteServerInput, timers)
        : stepNonInviteServer(machine, input as NonInviteServerInput, timers);
    tx.machine = next;
    for (const output of outputs) this.#perform(tx, output);
    if (wasOpen && !this.isOpen(tx)) this.#onAnswered(tx);
    if (next.phase === 'terminated' && machine.phase !== 'terminated') this.#end(tx);
  }

  #perform(tx: ServerTransaction, output: Output): void {
    switch (output.kind) {
      case 'send':
      case 'resend':
        if (tx.last !== undefined) this.sendBack(tx.flow, tx.last);
        return;
      case 'set-timer': {
        const { timer } = output;
        const fire = (): void => this.#step(tx, { kind: 'timer', timer });
        tx.timers.set(timer, this.#core.timers.after(output.ms, fire));
        return;
      }
      case 'clear-timers':
        tx.timers.clear();
        return;
      case 'deliver-ack':
        return;
      default:
        output satisfies never;
    }
  }

  #end(tx: ServerTransaction): void {
    this.#endSilence(tx);
    tx.timers.clear();
    this.#byKey.delete(tx.key);
    this.#byId.delete(tx.id);
    const merge = mergeKey(tx.facts);
    if (this.#byMerge.get(merge) === tx) this.#byMerge.delete(merge);
  }
}

/** Responses go back to where the request came from (RFC 3261 §18.2.2, RFC 3581 §4). */
export function responseTarget(flow: Flow): SendTarget {
  return {
    transport: flow.transport,
    listenerId: flow.listenerId,
    address: flow.remoteAddress,
    port: flow.remotePort,
    connectionId: flow.connectionId,
  };
}
