/** An application as people write it for Twilio Media Streams: a WebSocket server that is told what to say. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { until } from './until.ts';

export interface StreamMessage {
  readonly event: string;
  readonly sequenceNumber?: string;
  readonly streamSid?: string;
  readonly start?: {
    readonly callSid: string;
    readonly customParameters: Readonly<Record<string, string>>;
    readonly mediaFormat: object;
  };
  readonly media?: { readonly chunk: string; readonly timestamp: string; readonly payload: string };
  readonly mark?: { readonly name: string };
  readonly dtmf?: { readonly digit: string };
  /** performance.now() */
  readonly at: number;
}

/** One stream as its application sees it. */
export class Stream {
  readonly messages: StreamMessage[] = [];
  readonly request: IncomingMessage;
  closeCode: number | undefined;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.#socket = socket;
    this.request = request;
    socket.on('message', (data) =>
      this.messages.push({ ...JSON.parse((data as Buffer).toString()), at: performance.now() }),
    );
    socket.on('close', (code) => {
      this.closeCode = code;
    });
  }

  of(event: string): readonly StreamMessage[] {
    return this.messages.filter((message) => message.event === event);
  }

  /** What was heard so far. */
  get heard(): Buffer {
    return Buffer.concat(this.of('media').map(({ media }) => Buffer.from(media?.payload ?? '', 'base64')));
  }

  say(audio: Buffer): void {
    this.#send({ event: 'media', media: { payload: audio.toString('base64') } });
  }

  mark(name?: string): void {
    this.#send({ event: 'mark', ...(name === undefined ? {} : { mark: { name } }) });
  }

  clear(): void {
    this.#send({ event: 'clear' });
  }

  sendRaw(data: string | Buffer): void {
    this.#socket.send(data);
  }

  close(): void {
    this.#socket.close();
  }

  /** As when the application crashes. */
  kill(): void {
    this.#socket.terminate();
  }

  #send(message: object): void {
    this.#socket.send(JSON.stringify({ streamSid: this.messages[1]?.streamSid, ...message }));
  }
}

export class MediaStreamAgent {
  readonly streams: Stream[] = [];
  readonly #server: WebSocketServer;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket, request) => this.streams.push(new Stream(socket, request)));
  }

  static async start(): Promise<MediaStreamAgent> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    return new MediaStreamAgent(server);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The stream that comes `index`th, once it has started. */
  async stream(index: number): Promise<Stream> {
    return until(
      () => {
        const stream = this.streams[index];
        return stream !== undefined && stream.of('start').length > 0 ? stream : undefined;
      },
      { within: 5_000, what: `stream ${index}` },
    );
  }

  async stop(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
