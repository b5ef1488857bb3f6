/** A WebSocket to an agent: opened within a time, bounded in what it takes and in what waits to be sent. */
import { WebSocket } from 'ws';
import type { Clock, Timer } from '../kernel/index.ts';
import { agentErrors } from './errors.ts';

export interface AgentSocketOptions {
  readonly url: string;
  readonly protocols?: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly connectTimeoutMs: number;
  /** PEM text of the authorities its certificate may come from; undefined: those of the system. */
  readonly ca?: string | undefined;
  readonly clock: Clock;
  readonly onOpen: () => void;
  /** Text as text, a binary message as bytes. */
  readonly onMessage: (data: string | Buffer) => void;
  /** Once, unless we close it ourselves. Without an error when the agent closed it in good order. */
  readonly onClose: (error?: Error) => void;
}

/** Ten seconds of base64 audio are 215 kB; seconds at once are usual. */
const MAX_MESSAGE = 4_194_304;
/** An agent that stops reading is not waited for: of the caller's audio it gets what it would hear in time, bytes. */
const MAX_UNSENT = 262_144;
const CLOSE_TIMEOUT_MS = 2000;

export class AgentSocket {
  readonly #options: AgentSocketOptions;
  readonly #socket: WebSocket;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(options: AgentSocketOptions) {
    this.#options = options;
    const { url, protocols = [], headers, connectTimeoutMs, ca, clock } = options;
    this.#socket = new WebSocket(url, [...protocols], {
      headers,
      maxPayload: MAX_MESSAGE,
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: connectTimeoutMs,
      ...(ca === undefined ? {} : { ca }),
    });
    // Servers that choose no subprotocol are many, and platforms do not mind (RFC 6455 §4.1 would let us refuse it only
    // if one is chosen that we have not named).
    this.#socket.on('upgrade', ({ headers: answer }) => {
      if (protocols[0] !== undefined) answer['sec-websocket-protocol'] ??= protocols[0];
    });
    this.#timer = clock.after(connectTimeoutMs, () => this.#fail(agentErrors.AGENT_TIMEOUT([url, connectTimeoutMs])));
    this.#socket.on('open', () => {
      this.#timer?.cancel();
      if (!this.#isOver) options.onOpen();
    });
    this.#socket.on('message', (data, isBinary) => {
      if (!this.#isOver) options.onMessage(isBinary ? (data as Buffer) : (data as Buffer).toString('utf8'));
    });
    this.#socket.on('error', (cause) => this.#fail(agentErrors.AGENT_UNREACHABLE([url, cause.message], { cause })));
    this.#socket.on('close', (code) => this.#over(code === 1000 || code === 1005 ? undefined : lost(url, code)));
  }

  /** Nothing happens when it is not open. */
  send(data: string | Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  /** The same, but dropped when the agent does not read what was sent before. */
  sendAudio(data: string | Uint8Array): void {
    if (this.#socket.bufferedAmount < MAX_UNSENT) this.send(data);
  }

  /** Says goodbye; `onClose` is not called any more. */
  close(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    this.#timer = this.#options.clock.after(CLOSE_TIMEOUT_MS, () => this.#socket.terminate());
    this.#socket.once('close', () => this.#timer?.cancel());
    this.#socket.close(1000);
  }

  #fail(error: Error): void {
    this.#over(error);
    this.#socket.terminate();
  }

  #over(error: Error | undefined): void {
    this.#timer?.cancel();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onClose(error);
  }
}

function lost(url: string, code: number): Error {
  return agentErrors.AGENT_LOST([url, code]);
}
