/** One SIP connection over TCP or TLS, accepted or opened by us: RFC 3261 §18.3, RFC 5626 §4.4.1. */
import type { Socket } from 'node:net';
import type { Flow } from '../engine/index.ts';
import { type FramerEvent, StreamFramer } from '../message/index.ts';
import { type Connection, type ConnectionHealth, failLater, type OnFailed } from './connection.ts';
import { codeOf } from './errors.ts';
import type { Household } from './listener.ts';

const LINE_BREAK = Buffer.from('\r\n');
const PING = Buffer.from('\r\n\r\n');
/** A pong later than this is none (RFC 5626 §4.4.1). */
const PONG_MS = 10_000;
/** The system's own probes find a dead peer of any kind (RFC 9293 §3.8.4). */
const SYSTEM_KEEPALIVE_MS = 60_000;
/** After a stream has become unreadable, so long answers to what came before may take. */
const ANSWER_MS = 100;
/** A peer that keeps its half open after we ended ours is cut off after this long. */
const LINGER_MS = 2000;

interface Waiting {
  readonly data: Buffer;
  readonly onFailed: OnFailed;
}

export class TcpConnection implements Connection {
  readonly id: number;
  readonly flow: Flow;
  readonly #socket: Socket;
  readonly #home: Household;
  readonly #framer: StreamFramer;
  readonly #isOutbound: boolean;
  readonly #openedAt: number;
  #lastTrafficAt: number;
  #incompleteSince: number | undefined;
  #hasDelivered = false;
  /** When our last ping was sent, undefined when it is answered. */
  #pingedAt: number | undefined;
  #hasPonged = false;
  /** Messages for a peer that has not accepted yet; undefined once it has. */
  #waiting: Waiting[] | undefined;
  #waitingBytes = 0;
  #isClosed = false;

  constructor(socket: Socket, flow: Flow & { readonly connectionId: number }, home: Household) {
    this.id = flow.connectionId;
    this.flow = flow;
    this.#socket = socket;
    this.#home = home;
    this.#framer = new StreamFramer({ totalBytes: home.limits.messageBytes });
    this.#isOutbound = socket.connecting;
    this.#waiting = socket.connecting ? [] : undefined;
    this.#openedAt = home.clock.now();
    this.#lastTrafficAt = this.#openedAt;
  }

  /** Takes its place in the table and begins to read. */
  start(): void {
    this.#home.table.add(this);
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, SYSTEM_KEEPALIVE_MS);
    this.#socket.on('data', (chunk: Buffer) => this.#received(chunk));
    this.#socket.on('error', (error) => this.#failed(error));
    this.#socket.on('close', () => this.close());
    if (this.#waiting !== undefined) this.#awaitPeer();
  }

  get health(): ConnectionHealth {
    return {
      isOutbound: this.#isOutbound,
      openedAt: this.#openedAt,
      lastTrafficAt: this.#lastTrafficAt,
      hasDelivered: this.#hasDelivered,
      incompleteSince: this.#incompleteSince,
    };
  }

  send(data: Buffer, onFailed: OnFailed): void {
    if (this.#isClosed) return failLater(onFailed, 'closed');
    const { limits, tally, logger } = this.#home;
    if (this.#socket.writableLength + this.#waitingBytes + data.length > limits.sendBufferBytes) {
      logger.warn({ remoteAddress: this.flow.remoteAddress }, 'connection closed: its peer does not read');
      failLater(onFailed, 'closed');
      this.close();
      return;
    }
    if (this.#waiting !== undefined) {
      this.#waiting.push({ data, onFailed });
      this.#waitingBytes += data.length;
      return;
    }
    tally.messagesOut++;
    this.#lastTrafficAt = this.#home.clock.now();
    this.#socket.write(data, (error) => {
      if (error !== null && error !== undefined) failLater(onFailed, 'closed');
    });
  }

  /**
   * Keeps connections that we opened alive (RFC 5626 §4.4.1). Not every peer knows that a double line break wants an
   * answer: only one that has given it before is dead when it does not.
   */
  probe(now: number): boolean {
    if (!this.#isOutbound || this.#waiting !== undefined) return true;
    const since = now - (this.#pingedAt ?? this.#lastTrafficAt);
    if (this.#pingedAt === undefined) {
      if (since < this.#home.limits.pingMs) return true;
      this.#pingedAt = now;
      this.#socket.write(PING);
      return true;
    }
    if (since < PONG_MS) return true;
    if (this.#hasPonged) return false;
    if (since >= this.#home.limits.pingMs) this.#pingedAt = undefined;
    return true;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#failWaiting('unreachable');
    this.#socket.destroy();
    this.#home.table.remove(this);
    this.#home.intake.connectionClosed(this.id);
  }

  #awaitPeer(): void {
    const timeout = this.#home.clock.after(this.#home.limits.connectMs, () => this.close());
    this.#socket.on('close', () => timeout.cancel());
    this.#socket.on(this.flow.transport === 'tls' ? 'secureConnect' : 'connect', () => {
      timeout.cancel();
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      this.#waitingBytes = 0;
      for (const { data, onFailed } of waiting) this.send(data, onFailed);
    });
  }

  #failed(error: Error): void {
    this.#failWaiting(codeOf(error) === 'ECONNREFUSED' ? 'refused' : 'unreachable');
    this.close();
  }

  #failWaiting(why: 'refused' | 'unreachable'): void {
    for (const { onFailed } of this.#waiting ?? []) failLater(onFailed, why);
    this.#waiting = undefined;
    this.#waitingBytes = 0;
  }

  #received(chunk: Buffer): void {
    const now = this.#home.clock.now();
    this.#lastTrafficAt = now;
    this.#pingedAt = undefined;
    const events = this.#framer.push(chunk);
    for (const event of events) if (!this.#isClosed) this.#take(event);
    if (this.#framer.pendingBytes === 0) this.#incompleteSince = undefined;
    else if (events.length > 0 || this.#incompleteSince === undefined) this.#incompleteSince = now;
  }

  #take(event: FramerEvent): void {
    switch (event.kind) {
      case 'message':
        this.#hasDelivered = true;
        this.#home.intake.received(this.flow, event.data);
        return;
      case 'keepalive':
        this.#socket.write(LINE_BREAK);
        return;
      case 'pong':
        this.#hasPonged = true;
        return;
      case 'broken':
        this.#home.table.retire(this);
        this.#home.intake.broken(this.flow, event.data, event.status, event.reason);
        this.#endSoon();
    }
  }

  /** The refusal still goes out, and what is owed for the messages before it. */
  #endSoon(): void {
    const grace = this.#home.clock.after(ANSWER_MS, () => this.#end());
    this.#socket.on('close', () => grace.cancel());
  }

  #end(): void {
    if (this.#isClosed) return;
    const linger = this.#home.clock.after(LINGER_MS, () => this.close());
    this.#socket.on('close', () => linger.cancel());
    this.#socket.end();
  }
}
