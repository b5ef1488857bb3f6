/** An application that takes calls as 16-bit samples over WebSocket, told by a test what to say: Vonage's or jambonz' server. */
import { once } from 'node:events';
import { createServer as createHttp, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { until } from './until.ts';

/** One call as its application sees it. */
export class LinearCall {
  readonly request: IncomingMessage;
  readonly texts: Readonly<Record<string, unknown>>[] = [];
  readonly frames: Buffer[] = [];
  /** Whether the first message of all was text. */
  firstIs: 'text' | 'binary' | undefined;
  closeCode: number | undefined;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.#socket = socket;
    this.request = request;
    socket.on('message', (data, isBinary) => {
      this.firstIs ??= isBinary ? 'binary' : 'text';
      if (isBinary) this.frames.push(data as Buffer);
      else this.texts.push(JSON.parse((data as Buffer).toString()) as Record<string, unknown>);
    });
    socket.on('close', (code) => {
      this.closeCode = code;
    });
  }

  /** What was heard so far, the last `ms` of it. */
  heard(rateHz: number, ms: number): Int16Array {
    const bytes = Buffer.concat(this.frames.slice(-ms / 20));
    return Int16Array.from({ length: Math.min(bytes.length / 2, (rateHz * ms) / 1000) }, (_, at) =>
      bytes.readInt16LE(2 * at),
    );
  }

  say(pcm: Int16Array, chunkBytes = 640): void {
    const bytes = littleEndian(pcm);
    for (let at = 0; at < bytes.length; at += chunkBytes) this.#socket.send(bytes.subarray(at, at + chunkBytes));
  }

  send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  sendRaw(data: string | Buffer): void {
    this.#socket.send(data);
  }

  close(): void {
    this.#socket.close();
  }
}

export interface LinearAgentOptions {
  /** As a server of TLS. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** It chooses none of the subprotocols it is offered. */
  readonly ignoresSubprotocols?: boolean;
  /** The upgrade is refused with this status. */
  readonly refuseWith?: number;
}

export class LinearAgent {
  readonly calls: LinearCall[] = [];
  readonly #http: Server;
  readonly #server: WebSocketServer;
  readonly #scheme: 'ws' | 'wss';

  private constructor(http: Server, { tls, ignoresSubprotocols, refuseWith }: LinearAgentOptions) {
    this.#http = http;
    this.#scheme = tls === undefined ? 'ws' : 'wss';
    this.#server = new WebSocketServer({
      server: http,
      verifyClient: (_info, answer) => answer(refuseWith === undefined, refuseWith),
      ...(ignoresSubprotocols === true ? { handleProtocols: () => false as const } : {}),
    });
    this.#server.on('connection', (socket, request) => this.calls.push(new LinearCall(socket, request)));
  }

  static async start(options: LinearAgentOptions = {}): Promise<LinearAgent> {
    const { tls } = options;
    const http = tls === undefined ? createHttp() : createHttps({ cert: tls.certificate, key: tls.key });
    const agent = new LinearAgent(http, options);
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    return agent;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** The call that comes next, once its first message is there. */
  next(): () => Promise<LinearCall> {
    const index = this.calls.length;
    return () =>
      until(
        () => {
          const call = this.calls[index];
          return call !== undefined && call.texts.length > 0 ? call : undefined;
        },
        { within: 5_000, what: `call ${index} of the agent` },
      );
  }

  async stop(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
    this.#http.closeAllConnections();
    const closed = once(this.#http, 'close');
    this.#http.close();
    await closed;
  }
}

export function littleEndian(pcm: Int16Array): Buffer {
  const bytes = Buffer.alloc(2 * pcm.length);
  for (const [at, sample] of pcm.entries()) bytes.writeInt16LE(sample, 2 * at);
  return bytes;
}
