/** The requests sent to the network: their machines, retransmissions, ACKs to failures, and CANCEL. */
import { formatMessage, type SipHeader, type SipRequest, type SipResponse } from '../message/index.ts';
import {
  createInviteClient,
  createNonInviteClient,
  type InviteClient,
  type InviteClientInput,
  type InviteClientOutput,
  type InviteClientTimer,
  type NonInviteClient,
  type NonInviteClientInput,
  type NonInviteClientOutput,
  type NonInviteClientTimer,
  stepInviteClient,
  stepNonInviteClient,
} from '../transaction/index.ts';
import type { EngineCore } from './core.ts';
import { bytesOf, type KeptBytes, keptBytes, keptText } from './kept.ts';
import type { MessageFacts } from './message-facts.ts';
import type { Received, SendFailure, SendTarget } from './ports.ts';
import { NO_BODY } from './response-builder.ts';
import { type SizedRequest, SizeRule } from './size-rule.ts';
import { TimerSet } from './timer-set.ts';
import { clientKey } from './transaction-key.ts';

/** Why no final response came. */
export type ClientFailure = 'timeout' | 'canceled' | SendFailure;

/** A response with what was read from it on arrival. */
export interface Heard {
  readonly response: SipResponse;
  readonly facts: MessageFacts;
  readonly received: Received;
}

/** Whoever wants to know how a request ends. */
export interface ClientUser {
  onResponse(tx: ClientTransaction, heard: Heard): void;
  onFailure(tx: ClientTransaction, failure: ClientFailure): void;
  onEnded(tx: ClientTransaction): void;
}

export interface ClientTransaction {
  readonly id: string;
  readonly key: string;
  readonly branch: string;
  /** Once it is answered only what the ACK to a 2xx takes from it. */
  request: SipRequest;
  /** Empty once it is answered. */
  data: Buffer;
  target: SendTarget;
  /** How it goes when the way it was sent for its size alone is closed. */
  fallback: SizedRequest | undefined;
  readonly user: ClientUser;
  machine: InviteClient | NonInviteClient;
  /** The ACK to its failure, sent again for each retransmission of that. */
  ack: KeptBytes | undefined;
  failure: SendFailure;
  /** Whether somebody listens there has been asked for. */
  isProbed: boolean;
  readonly timers: TimerSet<InviteClientTimer | NonInviteClientTimer>;
}

const ignoreFailure = (): void => {};

export class ClientTransactions {
  readonly #core: EngineCore;
  readonly #sizes: SizeRule;
  readonly #byKey = new Map<string, ClientTransaction>();
  readonly #byId = new Map<string, ClientTransaction>();

  constructor(core: EngineCore) {
    this.#core = core;
    this.#sizes = new SizeRule(core);
  }

  get size(): number {
    return this.#byKey.size;
  }

  all(): IterableIterator<ClientTransaction> {
    return this.#byKey.values();
  }

  byId(id: string): ClientTransaction | undefined {
    return this.#byId.get(id);
  }

  /** Registers a request whose Via carries `branch`; it is sent by `start`. */
  create(request: SipRequest, branch: string, target: SendTarget, user: ClientUser): ClientTransaction {
    const { sent, fallback } = this.#sizes.choose({ request, target, data: formatMessage(request) }, branch);
    const { timers: values, strict } = this.#core.options;
    // drachtio-server sends again after 1 s first, not after T1 (drachtio-protocol §6.10).
    const timers = strict ? { ...values, t1: values.t1 * 2 } : values;
    const reliable = sent.target.transport !== 'udp';
    const tx: ClientTransaction = {
      id: this.#core.random.uuid(),
      key: clientKey(branch, request.method),
      branch,
      ...sent,
      fallback,
      user,
      machine:
        request.method === 'INVITE' ? createInviteClient(reliable, timers) : createNonInviteClient(reliable, timers),
      ack: undefined,
      failure: 'unreachable',
      isProbed: false,
      timers: new TimerSet(),
    };
    this.#byKey.set(tx.key, tx);
    this.#byId.set(tx.id, tx);
    return tx;
  }

  start(tx: ClientTransaction): void {
    this.#step(tx, { kind: 'start' });
  }

  /** Ends a request that cannot be sent at all. */
  fail(tx: ClientTransaction, failure: SendFailure): void {
    tx.failure = failure;
    if (!this.#fallBack(tx)) this.#step(tx, { kind: 'transport-error' });
  }

  /** Again over UDP, when TCP was taken for the size alone and nobody answers there (RFC 3261 §18.1.1). */
  #fallBack(tx: ClientTransaction): boolean {
    const { fallback } = tx;
    const isUnheard = tx.machine.phase === 'calling' || tx.machine.phase === 'trying';
    if (fallback === undefined || !isUnheard || tx.failure === 'closed') return false;
    const { timers } = this.#core.options;
    this.#sizes.refused(tx.target);
    tx.timers.clear();
    Object.assign(tx, fallback, { fallback: undefined });
    tx.machine =
      tx.request.method === 'INVITE' ? createInviteClient(false, timers) : createNonInviteClient(false, timers);
    this.start(tx);
    return true;
  }

  /** True when the response belongs to one of ours. */
  received(heard: Heard): boolean {
    const tx = this.#byKey.get(clientKey(heard.facts.branch, heard.facts.cseq.method));
    if (tx === undefined) return false;
    this.#step(tx, { kind: 'response', response: heard.response }, heard);
    return true;
  }

  isOpen(tx: ClientTransaction): boolean {
    const { phase } = tx.machine;
    return phase === 'calling' || phase === 'trying' || phase === 'proceeding';
  }

  /** Whether a provisional response has come and no final one: only then a CANCEL may be sent (RFC 3261 §9.1). */
  isCancelable(tx: ClientTransaction): boolean {
    return tx.machine.kind === 'invite-client' && tx.machine.phase === 'proceeding';
  }

  /** The CANCEL for an INVITE: everything of the INVITE that names it, and what the application adds. */
  buildCancel(tx: ClientTransaction, headers: readonly SipHeader[]): SipRequest {
    const own = headersFor(tx.request, 'CANCEL', undefined);
    const added = headers.filter((line) => !NOT_IN_CANCEL.has(line.name));
    const all = [...own, ...added, { name: 'Content-Length', value: '0' }];
    return { kind: 'request', method: 'CANCEL', uri: tx.request.uri, headers: all, body: NO_BODY };
  }

  /** Sends a CANCEL built for `tx`. It goes the way the INVITE went last, which may have changed since (RFC 3261 §9.1). */
  cancel(tx: ClientTransaction, cancel: SipRequest): void {
    const via = tx.request.headers.find((line) => line.name === 'Via');
    const headers = cancel.headers.map((line) => (line.name === 'Via' ? (via ?? line) : line));
    const own = this.create({ ...cancel, headers }, tx.branch, tx.target, SILENT);
    this.start(own);
    this.#step(tx, { kind: 'canceled' });
  }

  #step(tx: ClientTransaction, input: InviteClientInput | NonInviteClientInput, heard?: Heard): void {
    const { timers } = this.#core.options;
    const { machine } = tx;
    const wasOpen = this.isOpen(tx);
    const { next, outputs } =
      machine.kind === 'invite-client'
        ? stepInviteClient(machine, input as InviteClientInput, timers)
        : stepNonInviteClient(machine, input as NonInviteClientInput, timers);
    tx.machine = next;
    for (const output of outputs) this.#perform(tx, output, heard);
    if (wasOpen && !this.isOpen(tx)) letGo(tx);
    if (next.phase === 'terminated' && machine.phase !== 'terminated') this.#end(tx);
  }

  #perform(tx: ClientTransaction, output: InviteClientOutput | NonInviteClientOutput, heard: Heard | undefined): void {
    switch (output.kind) {
      case 'send':
        return this.#send(tx);
      case 'ack':
        tx.ack ??= keptBytes(formatMessage(buildFailureAck(tx.request, output.response)));
        return this.#core.net.send(tx.target, bytesOf(tx.ack), ignoreFailure);
      case 'deliver':
        if (heard !== undefined) tx.user.onResponse(tx, heard);
        return;
      case 'cancel':
        return this.cancel(tx, this.buildCancel(tx, []));
      case 'set-timer': {
        const { timer } = output;
        const fire = (): void => {
          if (timer === 'A' || timer === 'E') this.#probe(tx);
          this.#step(tx, { kind: 'timer', timer });
        };
        tx.timers.set(timer, this.#core.timers.after(output.ms, fire));
        return;
      }
      case 'clear-timers':
        return tx.timers.clear();
      case 'failed':
        return tx.user.onFailure(tx, output.reason === 'transport' ? tx.failure : output.reason);
      default:
        output satisfies never;
    }
  }

  /** What is repeated has perhaps been refused: sockets that listen do not learn of it, so it is asked for. */
  #probe(tx: ClientTransaction): void {
    const { transport, address, port } = tx.target;
    if (tx.isProbed || transport !== 'udp') return;
    tx.isProbed = true;
    this.#core.net.probe(address, port, () => {
      const { phase } = tx.machine;
      if (phase === 'calling' || phase === 'trying') this.fail(tx, 'refused');
    });
  }

  #send(tx: ClientTransaction): void {
    this.#core.net.send(tx.target, tx.data, (why) => this.fail(tx, why));
  }

  #end(tx: ClientTransaction): void {
    tx.timers.clear();
    this.#byKey.delete(tx.key);
    this.#byId.delete(tx.id);
    tx.user.onEnded(tx);
  }
}

/** It is answered, and everybody has been told: what is left waits for repetitions of the answer, by the thousand. */
function letGo(tx: ClientTransaction): void {
  const headers = tx.request.headers
    .filter((line) => IN_SUCCESS_ACK.has(line.name))
    .map(({ name, value }) => ({ name, value: keptText(value) }));
  tx.request = { kind: 'request', method: tx.request.method, uri: '', headers, body: NO_BODY };
  tx.data = NO_BODY;
  tx.fallback = undefined;
}

/** What the ACK to a 2xx takes from its INVITE (RFC 3261 §13.2.2.4). */
const IN_SUCCESS_ACK = new Set(['CSeq', 'Authorization', 'Proxy-Authorization']);

/** For requests the engine sends of its own accord and whose outcome changes nothing. */
export const SILENT: ClientUser = { onResponse: () => {}, onFailure: () => {}, onEnded: () => {} };

const NOT_IN_CANCEL = new Set([
  'From',
  'To',
  'Call-ID',
  'CSeq',
  'Contact',
  'P-Asserted-Identity',
  'Max-Forwards',
  'Content-Type',
]);

/** The ACK to a response ≥ 300 is part of the INVITE's transaction: same Via, same route (RFC 3261 §17.1.1.3). */
function buildFailureAck(invite: SipRequest, response: SipResponse): SipRequest {
  const to = response.headers.find((line) => line.name === 'To')?.value;
  const headers = [...headersFor(invite, 'ACK', to), { name: 'Content-Length', value: '0' }];
  return { kind: 'request', method: 'ACK', uri: invite.uri, headers, body: NO_BODY };
}

/** Via, Max-Forwards, Route, From, To, Call-ID and the number of CSeq, as the INVITE has them. */
function headersFor(invite: SipRequest, method: string, to: string | undefined): SipHeader[] {
  const headers: SipHeader[] = [];
  for (const line of invite.headers) {
    switch (line.name) {
      case 'Via':
      case 'Max-Forwards':
      case 'Route':
      case 'From':
      case 'Call-ID':
        headers.push(line);
        break;
      case 'To':
        headers.push(to === undefined ? line : { name: 'To', value: to });
        break;
      case 'CSeq':
        headers.push({ name: 'CSeq', value: `${Number.parseInt(line.value, 10)} ${method}` });
        break;
      default:
    }
  }
  return headers;
}

/** A response nobody sent: what the network owed and did not bring (drachtio-protocol §6.10). */
export function synthesize(request: SipRequest, status: number, reason: string): Buffer {
  const headers = request.headers.filter((line) => MIRRORED.has(line.name));
  headers.push({ name: 'Content-Length', value: '0' });
  return formatMessage({ kind: 'response', status, reason, headers, body: NO_BODY });
}

const MIRRORED = new Set(['Via', 'From', 'To', 'Call-ID', 'CSeq']);
