/** A server that speaks OpenAI Realtime, told by a test what its model says. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { until } from './until.ts';

interface ClientEvent {
  readonly type: string;
  readonly audio?: string;
  readonly session?: { readonly audio: { readonly input: { readonly format: object } } };
  readonly item_id?: string;
  readonly audio_end_ms?: number;
  readonly item?: {
    readonly type: string;
    readonly call_id?: string;
    readonly output?: string;
    readonly role?: string;
    readonly content?: readonly { readonly type: string; readonly text: string }[];
  };
  /** performance.now() */
  readonly at: number;
}

/** One session. */
export class RealtimeSession {
  readonly events: ClientEvent[] = [];
  readonly request: IncomingMessage;
  isClosed = false;
  readonly #socket: WebSocket;
  #lastId = 0;

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.#socket = socket;
    this.request = request;
    socket.on('message', (data) => {
      const event = { ...JSON.parse((data as Buffer).toString()), at: performance.now() } as ClientEvent;
      this.events.push(event);
      if (event.type === 'session.update') this.send({ type: 'session.updated', session: event.session });
    });
    socket.on('close', () => {
      this.isClosed = true;
    });
    this.send({ type: 'session.created', session: { type: 'realtime' } });
  }

  of(type: string): readonly ClientEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  get heard(): Buffer {
    return Buffer.concat(this.of('input_audio_buffer.append').map(({ audio = '' }) => Buffer.from(audio, 'base64')));
  }

  send(event: object): void {
    this.#socket.send(JSON.stringify({ event_id: `event_${++this.#lastId}`, ...event }));
  }

  /** As when the network breaks. */
  kill(): void {
    this.#socket.terminate();
  }

  /** A response that says `audio` in deltas of 300 ms, as fast as it can. */
  respond(responseId: string, itemId: string, audio: Buffer): void {
    this.send({ type: 'response.created', response: { id: responseId, status: 'in_progress' } });
    for (let at = 0; at < audio.length; at += 2400) this.delta(responseId, itemId, audio.subarray(at, at + 2400));
  }

  delta(responseId: string, itemId: string, audio: Buffer): void {
    const where = { output_index: 0, content_index: 0 };
    const delta = audio.toString('base64');
    this.send({ type: 'response.output_audio.delta', response_id: responseId, item_id: itemId, ...where, delta });
  }

  done(responseId: string, status = 'completed'): void {
    this.send({ type: 'response.done', response: { id: responseId, status, output: [] } });
  }

  callFunction(responseId: string, name: string, callId: string, input: object = {}): void {
    const item = {
      id: `item_${callId}`,
      type: 'function_call',
      name,
      call_id: callId,
      arguments: JSON.stringify(input),
    };
    this.send({ type: 'response.output_item.done', response_id: responseId, output_index: 0, item });
  }
}

export class RealtimeServer {
  readonly sessions: RealtimeSession[] = [];
  readonly #server: WebSocketServer;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket, request) => this.sessions.push(new RealtimeSession(socket, request)));
  }

  static async start(): Promise<RealtimeServer> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    return new RealtimeServer(server);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/realtime?model=gpt-realtime`;
  }

  /** The session that comes `index`th, once it is configured. */
  async session(index: number): Promise<RealtimeSession> {
    return until(
      () => {
        const session = this.sessions[index];
        return session !== undefined && session.of('session.update').length > 0 ? session : undefined;
      },
      { within: 5_000, what: `session ${index}` },
    );
  }

  async stop(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
