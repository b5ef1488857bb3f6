/** A WebSocket to an agent: opened within a time, bounded in what it takes and in what waits to be sent. */
import { WebSocket } from 'ws';
import { publicLookup, refusePrivate } from '../http-client/index.ts';
import type { Clock, Timer } from '../kernel/index.ts';
import { agentErrors } from './errors.ts';

export interface AgentSocketOptions {
  readonly url: string;
  readonly protocols?: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly connectTimeoutMs: number;
  /** PEM text of the authorities its certificate may come from; undefined: those of the system. */
  readonly ca?: string | undefined;
  /** False: its server must be at a public address, whatever its name resolves to. */
  readonly mayBePrivate?: boolean;
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
/** Of everything, bytes: an agent that makes us write without reading is given up. */
const MAX_UNREAD = 2_097_152;
const CLOSE_TIMEOUT_MS = 2000;
/** So often an agent is asked whether it is alive (RFC 6455 §5.5.2), and so long it may say nothing at all, ms. */
const PING_MS = 10_000;
const MAX_SILENCE_MS = 30_000;

export class AgentSocket {
  readonly #options: AgentSocketOptions;
  readonly #socket: WebSocket;
  /** The server, without what may be secret in a URL. */
  readonly #host: string;
  #timer: Timer | undefined;
  #ping: Timer | undefined;
  #heardAtMs = 0;
  #isOver = false;

  constructor(options: AgentSocketOptions) {
    this.#options = options;
    const { url, protocols = [], headers, connectTimeoutMs, ca, mayBePrivate = true, clock } = options;
    if (!mayBePrivate) refusePrivate(url);
    this.#host = URL.parse(url)?.host ?? '';
    this.#socket = new WebSocket(url, [...protocols], {
      headers,
      maxPayload: MAX_MESSAGE,
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: connectTimeoutMs,
      ...(ca === undefined ? {} : { ca }),
      ...(mayBePrivate ? {} : { lookup: publicLookup }),
    });
    // Servers that choose no subprotocol are many, and platforms do not mind (RFC 6455 §4.1 would let us refuse it only
    // if one is chosen that we have not named).
    this.#socket.on('upgrade', ({ headers: answer }) => {
      if (protocols[0] !== undefined) answer['sec-websocket-protocol'] ??= protocols[0];
    });
    const host = this.#host;
    this.#timer = clock.after(connectTimeoutMs, () => this.#fail(agentErrors.AGENT_TIMEOUT([host, connectTimeoutMs])));
    this.#socket.on('open', () => this.#onOpen());
    this.#socket.on('message', (data, isBinary) => {
      this.#heardAtMs = clock.now();
      if (!this.#isOver) options.onMessage(isBinary ? (data as Buffer) : (data as Buffer).toString('utf8'));
    });
    this.#socket.on('pong', () => {
      this.#heardAtMs = clock.now();
    });
    this.#socket.on('error', (cause) => this.#fail(agentErrors.AGENT_UNREACHABLE([host, cause.message], { cause })));
    this.#socket.on('close', (code) =>
      this.#over(code === 1000 || code === 1005 ? undefined : agentErrors.AGENT_LOST([host, code])),
    );
  }

  /** False: the agent has not read what was sent before, and the caller's audio is better dropped than late. */
  get takesAudio(): boolean {
    return this.#socket.bufferedAmount < MAX_UNSENT;
  }

  /** Nothing happens when it is not open. */
  send(data: string | Uint8Array): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_UNREAD) this.#fail(agentErrors.AGENT_DEAF([this.#host, MAX_UNREAD]));
    else this.#socket.send(data);
  }

  /**
   * The same, but dropped when the agent does not read what was sent before. As bytes even when it is text: they go out in
   * one write with their header.
   */
  sendAudio(data: string | Uint8Array): void {
    if (this.#socket.readyState !== WebSocket.OPEN || !this.takesAudio) return;
    const isText = typeof data === 'string';
    this.#socket.send(isText ? Buffer.from(data) : data, { binary: !isText });
  }

  /** Says goodbye; `onClose` is not called any more. */
  close(): void {
    this.#isOver = true;
    this.#stopTimers();
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    this.#timer = this.#options.clock.after(CLOSE_TIMEOUT_MS, () => this.#socket.terminate());
    this.#socket.once('close', () => this.#timer?.cancel());
    this.#socket.close(1000);
  }

  #onOpen(): void {
    this.#timer?.cancel();
    if (this.#isOver) return;
    this.#heardAtMs = this.#options.clock.now();
    this.#ping = this.#options.clock.after(PING_MS, () => this.#isAlive());
    this.#options.onOpen();
  }

  #isAlive(): void {
    const { clock } = this.#options;
    const silenceMs = clock.now() - this.#heardAtMs;
    if (silenceMs >= MAX_SILENCE_MS) {
      this.#fail(agentErrors.AGENT_SILENT([this.#host, MAX_SILENCE_MS]));
      return;
    }
    this.#socket.ping();
    this.#ping = clock.after(PING_MS, () => this.#isAlive());
  }

  #stopTimers(): void {
    this.#timer?.cancel();
    this.#ping?.cancel();
  }

  #fail(error: Error): void {
    this.#over(error);
    this.#socket.terminate();
  }

  #over(error: Error | undefined): void {
    this.#stopTimers();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onClose(error);
  }
}
