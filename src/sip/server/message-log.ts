/**
 * The SIP messages of calls, as they came and went, for the time and the memory that they are given: what an operator
 * looks at when a call went wrong. It stands between net and engine, and neither knows of it.
 */
import type { Clock } from '../../kernel/index.ts';
import {
  bytesOf,
  type EngineInput,
  type EngineNet,
  keptBytes,
  keptText,
  type Received,
  type SendTarget,
  type SipTransport,
} from '../engine/index.ts';
import { header, type SipMessage } from '../message/index.ts';
import { type MessageLogLimits, MessageShelf, type ShelfEntry } from './message-shelf.ts';
import { redact } from './redact.ts';

/** One message on the wire. Credentials and keys in its text are masked. */
export interface LoggedMessage {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly direction: 'in' | 'out';
  readonly transport: SipTransport;
  /** `address:port`. */
  readonly local: string;
  readonly remote: string;
  readonly sipCallId: string;
  readonly text: string;
}

/** INVITEs that were not let in get this part of the memory and this time: a flood of them must not push out calls. */
const STRANGERS_PART = 1 / 16;
const STRANGERS_KEEP_MS = 60_000;
/** What those who are not let in are told; all else shows that a call has come about, or has been tried. */
const TURNED_AWAY = new Set([100, 400, 401, 403, 407, 420, 481, 482, 483, 503]);
const RESPONSE = Buffer.from('SIP/2.0 ');
const INVITE = Buffer.from('INVITE ');
const CALL_ID = Buffer.from('\r\nCall-ID: ');

export class MessageLog {
  readonly #clock: Clock;
  readonly #calls: MessageShelf;
  readonly #strangers: MessageShelf;
  #listeners: EngineNet['listeners'] = [];

  constructor(clock: Clock, { keepMs, bytes }: MessageLogLimits) {
    this.#clock = clock;
    this.#calls = new MessageShelf({ keepMs, bytes: bytes * (1 - STRANGERS_PART) });
    this.#strangers = new MessageShelf({ keepMs: Math.min(keepMs, STRANGERS_KEEP_MS), bytes: bytes * STRANGERS_PART });
  }

  /** The bytes kept. */
  get size(): number {
    return this.#calls.bytes + this.#strangers.bytes;
  }

  /** The same net; what is sent is noted. */
  watchNet(net: EngineNet): EngineNet {
    this.#listeners = net.listeners;
    return {
      listeners: net.listeners,
      send: (target, data, onFailed) => {
        this.#sent(target, data);
        net.send(target, data, onFailed);
      },
      resolve: (host) => net.resolve(host),
      vouch: (flow) => net.vouch(flow),
      probe: (address, port, onRefused) => net.probe(address, port, onRefused),
    };
  }

  /** The same engine; what it receives is noted. */
  watchInput(engine: EngineInput): EngineInput {
    return {
      received: (received) => {
        this.#received(received);
        engine.received(received);
      },
      refused: (refused) => engine.refused(refused),
      connectionClosed: (connectionId) => engine.connectionClosed(connectionId),
      appConnected: (app, tags) => engine.appConnected(app, tags),
      appCommand: (app, command) => engine.appCommand(app, command),
      appClosed: (app) => engine.appClosed(app),
    };
  }

  /** What is known of these dialogs, oldest first. */
  messagesOf(sipCallIds: readonly string[]): readonly LoggedMessage[] {
    return [...new Set(sipCallIds)]
      .flatMap((sipCallId) =>
        [...this.#calls.entriesOf(sipCallId), ...this.#strangers.entriesOf(sipCallId)].map((entry) =>
          this.#shown(sipCallId, entry),
        ),
      )
      .toSorted((a, b) => a.at - b.at);
  }

  #received({ flow, message, data }: Received): void {
    const sipCallId = keptText(header(message, 'Call-ID') ?? '');
    const entry = { at: this.#clock.wallTime(), flow, target: undefined, data: keptBytes(data) };
    if (this.#calls.has(sipCallId)) this.#calls.add(sipCallId, entry);
    // Registrations, keep-alives and strays are no calls.
    else if (this.#strangers.has(sipCallId) || isInvite(message)) this.#strangers.add(sipCallId, entry);
  }

  #sent(target: SendTarget, data: Buffer): void {
    const start = data.indexOf(CALL_ID);
    if (start < 0) return;
    const from = start + CALL_ID.length;
    const sipCallId = data.toString('latin1', from, data.indexOf(13, from));
    const entry = { at: this.#clock.wallTime(), flow: undefined, target, data: keptBytes(data) };
    if (this.#calls.has(sipCallId) || beginsWith(data, INVITE)) return this.#calls.add(sipCallId, entry);
    if (!this.#strangers.has(sipCallId)) return;
    if (!isLetIn(data)) return this.#strangers.add(sipCallId, entry);
    const call = this.#strangers.take(sipCallId);
    if (call !== undefined) this.#calls.put(sipCallId, call);
    this.#calls.add(sipCallId, entry);
  }

  #shown(sipCallId: string, { at, flow, target, data }: ShelfEntry): LoggedMessage {
    const text = redact(bytesOf(data).toString());
    if (flow !== undefined) {
      const { transport, localAddress, localPort, remoteAddress, remotePort } = flow;
      const local = placeOf(localAddress, localPort);
      return { at, direction: 'in', transport, local, remote: placeOf(remoteAddress, remotePort), sipCallId, text };
    }
    const listener = this.#listeners.find(({ id }) => id === target?.listenerId);
    return {
      at,
      direction: 'out',
      transport: target?.transport ?? 'udp',
      local: placeOf(listener?.advertisedAddress ?? '', listener?.port ?? 0),
      remote: placeOf(target?.address ?? '', target?.port ?? 0),
      sipCallId,
      text,
    };
  }
}

function isInvite(message: SipMessage): boolean {
  return message.kind === 'request' && message.method === 'INVITE';
}

/** Whether a response of ours says more than that somebody is not let in. */
function isLetIn(data: Buffer): boolean {
  if (!beginsWith(data, RESPONSE)) return true;
  return !TURNED_AWAY.has(Number(data.toString('latin1', RESPONSE.length, RESPONSE.length + 3)));
}

function beginsWith(data: Buffer, head: Buffer): boolean {
  return data.compare(head, 0, head.length, 0, head.length) === 0;
}

function placeOf(address: string, port: number): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]:${port}` : `${address}:${port}`;
}
