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
import { bytesOf, type KeptBytes, keptBytes, keptText } from './kept.ts';
import type { MessageFacts } from './message-facts.ts';
import type { AppId, Flow, SendTarget } from './ports.ts';
import type { ReliableAnswers } from './reliable-answers.ts';
import { formatPlainResponse } from './response-builder.ts';
import { TimerSet } from './timer-set.ts';
import { mergeKey, serverKey } from './transaction-key.ts';

/**
 * How a request is being answered. Once it has its final answer this is all that is kept of it, for as long as its sender
 * may repeat it: a flood of requests that are refused must not fill the memory.
 */
export interface ServerReply {
  readonly key: string;
  /** '' when nobody else can have sent the same request (§8.2.2.2). */
  readonly mergeKey: string;
  /** Where the request came from and responses go; a browser that reconnects brings a new one. */
  flow: Flow;
  machine: InviteServer | NonInviteServer;
  /** The last response, for retransmissions. */
  last: Buffer | KeptBytes | undefined;
  /** Our To tag, the same in every response; '' until one carried it. */
  localTag: string;
  readonly timers: TimerSet<InviteServerTimer | 'J'>;
  /** Undefined once it has its final answer. */
  open: ServerTransaction | undefined;
}

/** A request that is being served. */
export interface ServerTransaction {
  /** What the application calls it. */
  readonly id: string;
  readonly request: SipRequest;
  readonly facts: MessageFacts;
  readonly reply: ServerReply;
  app: AppId | undefined;
  /** The dialog it is in or has made. */
  dialog: Dialog | undefined;
  /** The request came within the dialog; otherwise it made it. */
  isInDialog: boolean;
  /** Runs while the application says nothing at all. */
  silence: Timer | undefined;
  /** Of an INVITE, once there was one. */
  reliable: ReliableAnswers | undefined;
}

type Output = InviteServerOutput | NonInviteServerOutput;
const ignoreFailure = (): void => {};

export class ServerTransactions {
  readonly #core: EngineCore;
  readonly #byKey = new Map<string, ServerReply>();
  readonly #byMerge = new Map<string, ServerReply>();
  /** Those without a final answer. */
  readonly #open = new Map<string, ServerTransaction>();
  #unanswered = 0;
  readonly #onAnswered: (tx: ServerTransaction) => void;

  /** `onAnswered` is called once per transaction: when it got its final response, or was given up. */
  constructor(core: EngineCore, onAnswered: (tx: ServerTransaction) => void) {
    this.#core = core;
    this.#onAnswered = onAnswered;
  }

  /** Those that are answered and still remembered count too. */
  get size(): number {
    return this.#byKey.size;
  }

  /** INVITEs to which their application has not said a word yet. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Those without a final answer. */
  open(): IterableIterator<ServerTransaction> {
    return this.#open.values();
  }

  /** How the request is being answered that this request, ACK or (with method INVITE) CANCEL belongs to. */
  find(request: SipRequest, facts: MessageFacts, method = request.method): ServerReply | undefined {
    return this.#byKey.get(serverKey(request, facts, method));
  }

  /** The one the application calls so, while it has no final answer. */
  byId(id: string): ServerTransaction | undefined {
    return this.#open.get(id);
  }

  /** Whether the same request is already being served under another branch: it was forked on its way (§8.2.2.2). */
  isMerged(facts: MessageFacts): boolean {
    return facts.toTag === '' && this.#byMerge.has(mergeKey(facts));
  }

  create(request: SipRequest, facts: MessageFacts, flow: Flow): ServerTransaction {
    const reliable = flow.connectionId !== undefined;
    const isInvite = request.method === 'INVITE';
    const merge = facts.toTag === '' && request.method !== 'CANCEL' ? mergeKey(facts) : '';
    const reply: ServerReply = {
      key: keptText(serverKey(request, facts)),
      mergeKey: this.#byMerge.has(merge) ? '' : keptText(merge),
      flow,
      machine: isInvite ? createInviteServer(reliable, this.#core.options.timers) : createNonInviteServer(reliable),
      last: undefined,
      localTag: keptText(facts.toTag),
      timers: new TimerSet(),
      open: undefined,
    };
    const tx: ServerTransaction = {
      id: this.#core.random.uuid(),
      request,
      facts,
      reply,
      app: undefined,
      dialog: undefined,
      isInDialog: false,
      silence: undefined,
      reliable: undefined,
    };
    reply.open = tx;
    this.#byKey.set(reply.key, reply);
    this.#open.set(tx.id, tx);
    if (reply.mergeKey !== '') this.#byMerge.set(reply.mergeKey, reply);
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
  isOpen({ reply }: ServerTransaction): boolean {
    return reply.open !== undefined;
  }

  /** The To tag of responses, made when first needed. */
  tagFor(reply: ServerReply): string {
    if (reply.localTag === '') reply.localTag = createTag(this.#core.random);
    return reply.localTag;
  }

  respond(tx: ServerTransaction, status: number, response: Buffer): void {
    const { reply } = tx;
    this.#endSilence(tx);
    reply.last = response;
    this.#step(reply, { kind: 'respond', status });
    if (reply.open === undefined) reply.last = keptOf(reply, response);
  }

  /** Answers by the engine itself, without a body. 100 has no To tag. */
  respondPlain(tx: ServerTransaction, status: number, headers: readonly { name: string; value: string }[] = []): void {
    const { request, reply } = tx;
    if (status > 100)
      return this.respond(tx, status, formatPlainResponse(request, status, this.tagFor(reply), headers));
    reply.last = formatPlainResponse(request, status, '', headers);
    this.#step(reply, { kind: 'respond', status });
  }

  retransmitted(reply: ServerReply): void {
    this.#step(reply, { kind: 'request' });
  }

  /** An ACK came; true when it is one to a 2xx and so the dialog's business. */
  acked(reply: ServerReply): boolean {
    const wasAccepted = reply.machine.phase === 'accepted';
    this.#step(reply, { kind: 'ack' });
    if (reply.machine.phase === 'confirmed') reply.last = undefined;
    return wasAccepted;
  }

  /** Ends it without an answer. */
  abandon({ reply }: ServerTransaction): void {
    this.#step(reply, { kind: 'abandon' });
  }

  /** Sends bytes the way responses of `flow` go. */
  sendBack(flow: Flow, data: Buffer): void {
    this.#core.net.send(responseTarget(flow), data, ignoreFailure);
  }

  #step(reply: ServerReply, input: InviteServerInput | NonInviteServerInput): void {
    const timers = this.#core.options.timers;
    const { machine } = reply;
    const { next, outputs } =
      machine.kind === 'invite-server'
        ? stepInviteServer(machine, input as InviteServerInput, timers)
        : stepNonInviteServer(machine, input as NonInviteServerInput, timers);
    reply.machine = next;
    for (const output of outputs) this.#perform(reply, output);
    const tx = reply.open;
    if (tx !== undefined && next.phase !== 'proceeding' && next.phase !== 'trying') this.#letGo(reply, tx);
    if (next.phase === 'terminated' && machine.phase !== 'terminated') this.#forget(reply);
  }

  #perform(reply: ServerReply, output: Output): void {
    switch (output.kind) {
      case 'send':
      case 'resend': {
        const { last, flow } = reply;
        if (last !== undefined) this.sendBack(flow, typeof last === 'string' ? bytesOf(last) : last);
        return;
      }
      case 'set-timer': {
        const { timer } = output;
        const fire = (): void => this.#step(reply, { kind: 'timer', timer });
        reply.timers.set(timer, this.#core.timers.after(output.ms, fire));
        return;
      }
      case 'clear-timers':
        reply.timers.clear();
        return;
      case 'deliver-ack':
        return;
      default:
        output satisfies never;
    }
  }

  /** It has its final answer, or will have none: of the request itself nothing is needed any more. */
  #letGo(reply: ServerReply, tx: ServerTransaction): void {
    reply.open = undefined;
    this.#open.delete(tx.id);
    this.#endSilence(tx);
    this.#onAnswered(tx);
  }

  #forget(reply: ServerReply): void {
    reply.timers.clear();
    this.#byKey.delete(reply.key);
    if (reply.mergeKey !== '') this.#byMerge.delete(reply.mergeKey);
  }
}

/** What may have to be sent again of a final response: a 2xx to an INVITE is repeated by its dialog (RFC 6026 §7.1). */
function keptOf({ machine }: ServerReply, response: Buffer): KeptBytes | undefined {
  return machine.phase === 'completed' ? keptBytes(response) : undefined;
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
