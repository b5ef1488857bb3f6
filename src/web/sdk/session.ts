/**
 * The session of one participant: keeps a connection to the gateway, and makes a new one that resumes it when one is
 * lost.
 */
import {
  closeCodes,
  isWorthRetrying,
  type Method,
  type ReplyData,
  type RequestData,
  type SignalNotification,
} from '../../signaling/protocol/index.ts';
import { RoomError } from './room-error.ts';
import { SignalLink } from './signal-link.ts';

/** Brings an access token; with `sessionId` a new one of that session. */
export type TokenSource = (sessionId?: string) => Promise<string>;

export interface SessionOptions {
  /** As wss://gateway.example/rtc. */
  readonly url: string;
  readonly room: string;
  readonly token: TokenSource;
}

export type Hello = ReplyData<'hello'>;

export interface SessionListener {
  /** A connection is there; the session is ready when this resolves. */
  onHello(hello: Hello): Promise<void>;
  onNotification(notification: SignalNotification): void;
  /** The connection is lost; `onHello` follows, or `onEnded`. */
  onLost(): void;
  /** For good: the gateway said so, or it could not be reached for too long. */
  onEnded(reason: RoomError): void;
}

const firstWaitMs = 200;
const lastWaitMs = 5000;
/** A gateway that is away for longer has forgotten us. */
const giveUpMs = 120_000;

export class Session {
  readonly #options: SessionOptions;
  readonly #listener: SessionListener;
  #link: SignalLink | undefined;
  #resumeSecret: string | undefined;
  #sessionId: string | undefined;
  #token: string | undefined;
  #isEnded = false;
  #wake: (() => void) | undefined;
  readonly #onOnline = (): void => this.#wake?.();

  constructor(options: SessionOptions, listener: SessionListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** Connects for the first time; rejects when that fails. */
  async start(): Promise<void> {
    globalThis.addEventListener?.('online', this.#onOnline);
    try {
      await this.#connect();
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  request<M extends Method>(method: M, data: RequestData<M>): Promise<ReplyData<M>> {
    if (this.#link === undefined)
      return Promise.reject(new RoomError('CONNECTION_LOST', 'the connection is lost', true));
    return this.#link.request(method, data);
  }

  /** Ends the session at the gateway, too. */
  async leave(): Promise<void> {
    // The gateway closes the connection instead of answering.
    await this.#link?.request('leave', {}).catch(() => {});
    this.#end();
  }

  async #connect(): Promise<void> {
    const token = (this.#token ??= await this.#options.token(this.#sessionId));
    let closed: { readonly code: number; readonly reason: string } | undefined;
    const link = await SignalLink.open(this.#options.url, {
      onNotification: (notification) => this.#onNotification(notification),
      onClosed: (code, reason) => {
        closed = { code, reason };
        if (this.#link === link) this.#onClosed(code, reason);
      },
    });
    const { room } = this.#options;
    const resume = this.#resumeSecret === undefined ? {} : { resumeSecret: this.#resumeSecret };
    try {
      const hello = await link.request('hello', { token, room, ...resume });
      this.#resumeSecret = hello.resumeSecret;
      this.#sessionId = hello.sessionId;
      this.#link = link;
      await this.#listener.onHello(hello);
    } catch (error) {
      if (this.#link === link) this.#link = undefined;
      link.close();
      throw closed === undefined ? error : refusal(closed.code, closed.reason);
    }
  }

  #onClosed(code: number, reason: string): void {
    this.#link = undefined;
    if (this.#isEnded) return;
    if (!isWorthRetrying(code)) return this.#fail(refusal(code, reason));
    this.#listener.onLost();
    void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    const until = performance.now() + giveUpMs;
    let waitMs = 0;
    while (!this.#isEnded && performance.now() < until) {
      try {
        return await this.#connect();
      } catch (error) {
        if (error instanceof RoomError && !error.isRetryable) return this.#fail(error);
      }
      // Not all at the same instant: a gateway that restarts has everybody coming back.
      waitMs = Math.min(lastWaitMs, Math.max(firstWaitMs, waitMs * 1.6));
      await this.#pause(waitMs * (0.75 + Math.random() / 2));
    }
    this.#fail(new RoomError('CONNECTION_LOST', 'the gateway cannot be reached', true));
  }

  /** A network that is there again ends the wait. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #onNotification(notification: SignalNotification): void {
    if (notification.name === 'tokenExpires') void this.#refresh();
    else this.#listener.onNotification(notification);
  }

  async #refresh(): Promise<void> {
    try {
      const token = await this.#options.token(this.#sessionId);
      await this.request('refreshToken', { token });
      this.#token = token;
    } catch {
      // The gateway ends the session when the old token has expired, and says so.
    }
  }

  #fail(reason: RoomError): void {
    if (this.#isEnded) return;
    this.#end();
    this.#listener.onEnded(reason);
  }

  #end(): void {
    this.#isEnded = true;
    globalThis.removeEventListener?.('online', this.#onOnline);
    this.#wake?.();
    this.#link?.close();
    this.#link = undefined;
  }
}

function refusal(code: number, reason: string): RoomError {
  const isRetryable = isWorthRetrying(code);
  if (isRetryable) return new RoomError('CONNECTION_LOST', 'the connection is lost', true);
  // The gateway gives the code of its error as the reason where it refuses; a moderator's verb has a word of its own.
  if (code === closeCodes.unauthenticated || code === closeCodes.forbidden)
    return new RoomError(reason, `the gateway refused: ${reason}`);
  return new RoomError('CLOSED', `the gateway closed the connection: ${code} ${reason}`);
}
