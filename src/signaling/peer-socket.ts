/** One WebSocket of a browser: JSON texts in and out, within limits. */
import type { WebSocket } from 'ws';
import type { Clock, Timer } from '../kernel/index.ts';
import type { SignalingLimits } from './limits.ts';
import { type CloseCode, closeCodes } from './protocol/index.ts';
import { TokenBucket } from './token-bucket.ts';

/** How long a client may take to answer a close. */
const closeMs = 2000;

export interface PeerSocketOptions {
  readonly webSocket: WebSocket;
  readonly limits: SignalingLimits;
  readonly clock: Clock;
}

export interface PeerSocketListener {
  onText(text: string): void;
  /** Once; nothing comes after it. `code` is what we closed with; undefined: the client or the network did. */
  onClosed(code: CloseCode | undefined): void;
}

export class PeerSocket {
  readonly #webSocket: WebSocket;
  readonly #limits: SignalingLimits;
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  #listener: PeerSocketListener | undefined;
  #closedWith: CloseCode | undefined;
  #ping: Timer | undefined;
  #ending: Timer | undefined;
  #isHeard = true;

  constructor({ webSocket, limits, clock }: PeerSocketOptions) {
    this.#webSocket = webSocket;
    this.#limits = limits;
    this.#clock = clock;
    this.#bucket = new TokenBucket(limits.messagesPerSec, limits.messagesBurst, clock.now());
  }

  /** `onGone` is told whoever listens by then. */
  start(listener: PeerSocketListener, onGone: () => void): void {
    this.#listener = listener;
    const webSocket = this.#webSocket;
    webSocket.on('message', (data, isBinary) => {
      if (!this.#admits()) return;
      if (isBinary) return this.close(closeCodes.unsupported, 'text only');
      // With one fragment or many, ws hands over one Buffer.
      this.#listener?.onText((data as Buffer).toString('utf8'));
    });
    webSocket.on('ping', () => void this.#admits());
    webSocket.on('pong', () => {
      this.#isHeard = true;
    });
    // ws has closed with 1009 or 1002 by itself then; a connection that breaks says 'close', too.
    webSocket.on('error', () => {});
    webSocket.once('close', () => {
      onGone();
      this.#closed();
    });
    this.#pingLater();
  }

  /** Another one listens from now on. */
  hand(listener: PeerSocketListener): void {
    this.#listener = listener;
  }

  send(text: string): void {
    if (this.#closedWith !== undefined || this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    this.#webSocket.send(text);
    this.#checkQueue();
  }

  close(code: CloseCode, reason: string): void {
    if (this.#closedWith !== undefined) return;
    this.#closedWith = code;
    this.#ping?.cancel();
    this.#webSocket.close(code, reason);
    this.#ending = this.#clock.after(closeMs, () => this.#webSocket.terminate());
  }

  #admits(): boolean {
    if (this.#closedWith !== undefined) return false;
    this.#isHeard = true;
    this.#checkQueue();
    if (this.#bucket.take(this.#clock.now())) return true;
    this.close(closeCodes.tooMany, 'too many messages');
    return false;
  }

  /** What is not read is kept in our memory: whoever reads too slowly gets a fresh start instead. */
  #checkQueue(): void {
    if (this.#webSocket.bufferedAmount <= this.#limits.queueBytes) return;
    this.close(closeCodes.slowReader, 'does not read');
    this.#webSocket.terminate();
  }

  #pingLater(): void {
    this.#ping = this.#clock.after(this.#limits.pingMs, () => {
      if (!this.#isHeard) {
        this.close(closeCodes.silent, 'no pong');
        this.#webSocket.terminate();
        return;
      }
      this.#isHeard = false;
      this.#webSocket.ping();
      this.#pingLater();
    });
  }

  #closed(): void {
    this.#ping?.cancel();
    this.#ending?.cancel();
    this.#listener?.onClosed(this.#closedWith);
    this.#listener = undefined;
  }
}
