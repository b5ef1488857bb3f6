/** One WebSocket to the gateway: requests with their responses, and notifications. */
import {
  type Method,
  type NotificationName,
  notifications,
  type ReplyData,
  type RequestData,
  requests,
  type SignalNotification,
  SUBPROTOCOL,
  signalFromGateway,
} from '../../signaling/protocol/index.ts';
import { RoomError } from './room-error.ts';

interface Waiting {
  readonly method: Method;
  readonly resolve: (data: never) => void;
  readonly reject: (error: RoomError) => void;
}

export interface SignalLinkListener {
  onNotification(notification: SignalNotification): void;
  /** Once: `code` is that of the close frame, 1006 when there was none. */
  onClosed(code: number, reason: string): void;
}

/** For one response: a gateway that says nothing for longer is as good as gone. */
const responseMs = 10_000;

export class SignalLink {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #listener: SignalLinkListener | undefined;

  private constructor(socket: WebSocket, listener: SignalLinkListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.addEventListener('message', ({ data }) => this.#onText(String(data)));
    socket.addEventListener('close', ({ code, reason }) => this.#onClose(code, reason));
  }

  /** Resolves when the WebSocket is open. Rejects with CONNECTION_LOST when it cannot be. */
  static open(url: string, listener: SignalLinkListener): Promise<SignalLink> {
    const socket = new WebSocket(url, SUBPROTOCOL);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => socket.close(), responseMs);
      const fail = (): void => {
        clearTimeout(timer);
        reject(new RoomError('CONNECTION_LOST', `no connection to ${url}`, true));
      };
      socket.addEventListener('close', fail, { once: true });
      socket.addEventListener(
        'open',
        () => {
          clearTimeout(timer);
          socket.removeEventListener('close', fail);
          resolve(new SignalLink(socket, listener));
        },
        { once: true },
      );
    });
  }

  request<M extends Method>(method: M, data: RequestData<M>): Promise<ReplyData<M>> {
    if (this.#socket.readyState !== WebSocket.OPEN)
      return Promise.reject(new RoomError('CONNECTION_LOST', 'the connection is lost', true));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#socket.close(), responseMs);
      const settled = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
      };
      this.#waiting.set(id, {
        method,
        resolve: (reply) => {
          settled();
          resolve(reply);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      this.#socket.send(JSON.stringify({ type: 'request', id, method, data }));
    });
  }

  close(): void {
    this.#listener = undefined;
    this.#socket.close(1000);
    this.#rejectAll('CLOSED');
  }

  #onText(text: string): void {
    const message = signalFromGateway.parse(JSON.parse(text));
    if (message.type === 'notification') return this.#onNotification(message.name, message.data);
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    if (message.type === 'failure') {
      const { code, message: words, isRetryable } = message.error;
      waiting.reject(new RoomError(code, words, isRetryable));
    } else {
      waiting.resolve(requests[waiting.method].reply.parse(message.data) as never);
    }
  }

  /** One of a later version means nothing to us. */
  #onNotification(name: string, data: unknown): void {
    if (!isKnown(name)) return;
    this.#listener?.onNotification({ name, data: notifications[name].parse(data) } as SignalNotification);
  }

  #onClose(code: number, reason: string): void {
    this.#rejectAll('CONNECTION_LOST');
    this.#listener?.onClosed(code, reason);
    this.#listener = undefined;
  }

  #rejectAll(code: string): void {
    for (const { reject } of this.#waiting.values()) reject(new RoomError(code, 'the connection is lost', true));
  }
}

function isKnown(name: string): name is NotificationName {
  return Object.hasOwn(notifications, name);
}
