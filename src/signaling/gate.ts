/** From an upgrade request to a connection with a session: who may not have one gets nothing made for it. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Clock, Logger } from '../kernel/index.ts';
import { parseData, parseRequest } from './dispatch.ts';
import type { SignalingLimits } from './limits.ts';
import { isOriginAllowed } from './origin.ts';
import { PeerSocket, type PeerSocketListener } from './peer-socket.ts';
import { closeCodes, type RequestData, SUBPROTOCOL } from './protocol/index.ts';

export interface GateOptions {
  readonly limits: SignalingLimits;
  /** Beside the one of our own pages; `*`: all. */
  readonly allowedOrigins: readonly string[];
  /** Without TLS only this machine itself may come, unless something in front of us does TLS. */
  readonly allowPlain: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onHello: (hello: Hello) => void;
  readonly onRefused: (why: string) => void;
}

export interface Hello {
  readonly socket: PeerSocket;
  readonly id: number;
  readonly data: RequestData<'hello'>;
  readonly userAgent: string | undefined;
}

/** A message in a thousand pieces is an attack: each piece costs more than the bytes in it. */
const pieces: object = { maxFragments: 64, maxBufferedChunks: 1024 };

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

export class Gate {
  readonly #options: GateOptions;
  readonly #server: WebSocketServer;
  readonly #sockets = new Set<PeerSocket>();
  /** Address → connections without a token so far. */
  readonly #waiting = new Map<string, number>();
  #waitingInAll = 0;
  #isClosed = false;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.limits.messageBytes,
      ...pieces,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Takes an upgrade request, or answers it with the HTTP status that it deserves. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, isSecure: boolean): void {
    const refusal = this.#refusalOf(request, isSecure);
    if (refusal !== undefined) {
      this.#options.onRefused(refusal.why);
      socket.end(`HTTP/1.1 ${refusal.status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const { limits, clock } = this.#options;
      this.#accept(new PeerSocket({ webSocket, limits, clock }), request);
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.close(closeCodes.goingAway, 'restarting');
    this.#server.close();
  }

  #refusalOf(request: IncomingMessage, isSecure: boolean): { status: string; why: string } | undefined {
    const { allowedOrigins, allowPlain } = this.#options;
    const address = request.socket.remoteAddress ?? '';
    if (!isSecure && !allowPlain && !LOOPBACK.test(address)) return { status: '426 Upgrade Required', why: 'plain' };
    if (!isOriginAllowed(request.headers.origin, request.headers.host, allowedOrigins))
      return { status: '403 Forbidden', why: 'origin' };
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
    if (!offered.includes(SUBPROTOCOL)) return { status: '400 Bad Request', why: 'subprotocol' };
    return this.#isFull(address) ? { status: '503 Service Unavailable', why: 'full' } : undefined;
  }

  #isFull(address: string): boolean {
    const { limits } = this.#options;
    return (
      this.#isClosed ||
      this.#sockets.size >= limits.connections ||
      this.#waitingInAll >= limits.unauthenticated ||
      (this.#waiting.get(address) ?? 0) >= limits.unauthenticatedPerAddress
    );
  }

  #accept(socket: PeerSocket, request: IncomingMessage): void {
    const { clock, limits, onHello, onRefused } = this.#options;
    this.#sockets.add(socket);
    const settle = this.#wait(request.socket.remoteAddress ?? '');
    const timer = clock.after(limits.authenticateMs, () => {
      onRefused('timeout');
      socket.close(closeCodes.tooLate, 'no token came');
    });
    const settled = (): void => {
      timer.cancel();
      settle();
    };
    const first: PeerSocketListener = {
      onText: (text) => {
        settled();
        const hello = parseHello(text);
        if (hello !== undefined) return onHello({ socket, ...hello, userAgent: request.headers['user-agent'] });
        onRefused('malformed');
        socket.close(closeCodes.malformed, 'hello first');
      },
      onClosed: settled,
    };
    socket.start(first, () => this.#sockets.delete(socket));
  }

  #wait(address: string): () => void {
    this.#waitingInAll += 1;
    this.#waiting.set(address, (this.#waiting.get(address) ?? 0) + 1);
    let isSettled = false;
    return () => {
      if (isSettled) return;
      isSettled = true;
      this.#waitingInAll -= 1;
      const left = (this.#waiting.get(address) ?? 1) - 1;
      if (left > 0) this.#waiting.set(address, left);
      else this.#waiting.delete(address);
    };
  }
}

function parseHello(text: string): { readonly id: number; readonly data: RequestData<'hello'> } | undefined {
  const request = parseRequest(text);
  if (request?.method !== 'hello') return undefined;
  try {
    return { id: request.id, data: parseData('hello', request.data) };
  } catch {
    return undefined;
  }
}
