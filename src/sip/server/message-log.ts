/**
 * The SIP messages of calls, as they came and went, for the time and the memory that they are given: what an operator
 * looks at when a call went wrong. It stands between net and engine, and neither knows of it.
 */
import type { Clock } from '../../kernel/index.ts';
import type { EngineInput, EngineNet, Flow, Received, SendTarget, SipTransport } from '../engine/index.ts';
import { header } from '../message/index.ts';
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

export interface MessageLogLimits {
  /** After a call's last message. */
  readonly keepMs: number;
  /** Of all messages together; the calls silent for longest go first. */
  readonly bytes: number;
}

interface Entry {
  readonly at: number;
  readonly flow: Flow | undefined;
  readonly target: SendTarget | undefined;
  readonly data: Buffer;
}

interface CallEntries {
  readonly entries: Entry[];
  bytes: number;
  lastAt: number;
}

/** More of one call are not kept: a call that loops must not push out the others. */
const MAX_MESSAGES = 500;
const INVITE = Buffer.from('INVITE ');
const CALL_ID = Buffer.from('\r\nCall-ID: ');

export class MessageLog {
  readonly #clock: Clock;
  readonly #limits: MessageLogLimits;
  /** By Call-ID, in the order of their last messages. */
  readonly #calls = new Map<string, CallEntries>();
  #listeners: EngineNet['listeners'] = [];
  #bytes = 0;

  constructor(clock: Clock, limits: MessageLogLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** The bytes kept. */
  get size(): number {
    return this.#bytes;
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
      .flatMap((sipCallId) => (this.#calls.get(sipCallId)?.entries ?? []).map((entry) => this.#shown(sipCallId, entry)))
      .toSorted((a, b) => a.at - b.at);
  }

  #received({ flow, message, data }: Received): void {
    const sipCallId = header(message, 'Call-ID') ?? '';
    const isFirst = message.kind === 'request' && message.method === 'INVITE';
    this.#add(sipCallId, isFirst, { at: this.#clock.wallTime(), flow, target: undefined, data });
  }

  #sent(target: SendTarget, data: Buffer): void {
    const start = data.indexOf(CALL_ID);
    if (start < 0) return;
    const from = start + CALL_ID.length;
    const sipCallId = data.toString('latin1', from, data.indexOf(13, from));
    const isFirst = data.compare(INVITE, 0, INVITE.length, 0, INVITE.length) === 0;
    this.#add(sipCallId, isFirst, { at: this.#clock.wallTime(), flow: undefined, target, data });
  }

  #add(sipCallId: string, isFirst: boolean, entry: Entry): void {
    const known = this.#calls.get(sipCallId);
    // Registrations, keep-alives and strays are no calls.
    if (known === undefined && !isFirst) return;
    const call = known ?? { entries: [], bytes: 0, lastAt: 0 };
    if (call.entries.length >= MAX_MESSAGES) return;
    call.entries.push(entry);
    call.bytes += entry.data.length;
    call.lastAt = entry.at;
    this.#bytes += entry.data.length;
    if (known !== undefined) this.#calls.delete(sipCallId);
    this.#calls.set(sipCallId, call);
    this.#forget(entry.at);
  }

  #forget(now: number): void {
    for (const [sipCallId, call] of this.#calls) {
      if (this.#bytes <= this.#limits.bytes && now - call.lastAt <= this.#limits.keepMs) return;
      this.#calls.delete(sipCallId);
      this.#bytes -= call.bytes;
    }
  }

  #shown(sipCallId: string, { at, flow, target, data }: Entry): LoggedMessage {
    const text = redact(data.toString());
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

function placeOf(address: string, port: number): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]:${port}` : `${address}:${port}`;
}
