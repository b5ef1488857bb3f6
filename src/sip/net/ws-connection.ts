/** One SIP connection over WebSocket: RFC 7118 §5, one message per frame; keep-alive RFC 7118 §6, RFC 5626 §3.5.1. */
import { isUtf8 } from 'node:buffer';
import type { RawData, WebSocket } from 'ws';
import type { Flow } from '../engine/index.ts';
import { type Connection, type ConnectionHealth, failLater, type OnFailed } from './connection.ts';
import type { Household } from './listener.ts';

export class WsConnection implements Connection {
  readonly id: number;
  readonly flow: Flow;
  readonly #socket: WebSocket;
  readonly #home: Household;
  readonly #openedAt: number;
  #lastTrafficAt: number;
  #lastPingAt: number;
  #awaitsPong = false;
  #hasDelivered = false;
  #isClosed = false;

  constructor(socket: WebSocket, flow: Flow & { readonly connectionId: number }, home: Household) {
    this.id = flow.connectionId;
    this.flow = flow;
    this.#socket = socket;
    this.#home = home;
    this.#openedAt = home.clock.now();
    this.#lastTrafficAt = this.#openedAt;
    this.#lastPingAt = this.#openedAt;
  }

  /** Takes its place in the table and begins to read. */
  start(): void {
    this.#home.table.add(this);
    this.#socket.on('message', (data) => this.#received(data));
    this.#socket.on('pong', () => {
      this.#awaitsPong = false;
      this.#lastTrafficAt = this.#home.clock.now();
    });
    // A frame too large or malformed: ws closes the connection by itself.
    this.#socket.on('error', (error) => this.#home.logger.debug({ error }, 'websocket error'));
    this.#socket.on('close', () => this.close());
  }

  get health(): ConnectionHealth {
    return {
      isOutbound: false,
      openedAt: this.#openedAt,
      lastTrafficAt: this.#lastTrafficAt,
      hasDelivered: this.#hasDelivered,
      incompleteSince: undefined,
    };
  }

  send(data: Buffer, onFailed: OnFailed): void {
    if (this.#isClosed || this.#socket.readyState !== this.#socket.OPEN) return failLater(onFailed, 'closed');
    if (this.#socket.bufferedAmount + data.length > this.#home.limits.sendBufferBytes) {
      const { remoteAddress } = this.flow;
      this.#home.logger.warn({ remoteAddress }, 'connection closed: its peer does not read');
      failLater(onFailed, 'closed');
      this.close();
      return;
    }
    this.#home.tally.messagesOut++;
    this.#lastTrafficAt = this.#home.clock.now();
    // Browsers' stacks expect text; a body that is not UTF-8 may travel in a binary frame only (RFC 7118 §5).
    this.#socket.send(data, { binary: !isUtf8(data) }, (error) => {
      if (error !== null && error !== undefined) failLater(onFailed, 'closed');
    });
  }

  /** Browsers cannot ping; we do, and a peer that missed the last one is gone. */
  probe(now: number): boolean {
    if (now - this.#lastPingAt < this.#home.limits.pingMs) return true;
    if (this.#awaitsPong) return false;
    this.#lastPingAt = now;
    this.#awaitsPong = true;
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
    return true;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.terminate();
    this.#home.table.remove(this);
    this.#home.intake.connectionClosed(this.id);
  }

  #received(raw: RawData): void {
    if (this.#isClosed || !Buffer.isBuffer(raw)) return;
    this.#lastTrafficAt = this.#home.clock.now();
    if (raw.length <= 4 && raw.toString('latin1').trim() === '') {
      if (raw.length === 4) this.#socket.send('\r\n');
      return;
    }
    this.#hasDelivered = true;
    this.#home.intake.received(this.flow, raw);
  }
}
