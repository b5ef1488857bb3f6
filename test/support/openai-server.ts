/**
 * A server that speaks OpenAI Realtime in the event types of OpenAI's own SDK, complete and in the order of the real one,
 * strict with what it is sent. A test tells what its model says; it answers in audio of 8000 bytes a second.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type {
  ConversationItem,
  RealtimeClientEvent,
  RealtimeServerEvent,
  RealtimeSessionCreateRequest,
} from 'openai/resources/realtime/realtime';
import { type WebSocket, WebSocketServer } from 'ws';
import { until } from './until.ts';

type Unnumbered<Event> = Event extends unknown ? Omit<Event, 'event_id'> : never;
type OwnEvent = Unnumbered<Extract<RealtimeServerEvent, { type: ServerEventType }>>;
type ServerEventType =
  | 'session.created'
  | 'session.updated'
  | 'error'
  | 'input_audio_buffer.speech_started'
  | 'input_audio_buffer.speech_stopped'
  | 'conversation.item.added'
  | 'conversation.item.done'
  | 'conversation.item.truncated'
  | 'response.created'
  | 'response.output_item.added'
  | 'response.output_item.done'
  | 'response.content_part.added'
  | 'response.content_part.done'
  | 'response.output_audio.delta'
  | 'response.output_audio.done'
  | 'response.output_audio_transcript.done'
  | 'response.function_call_arguments.done'
  | 'response.done';

/** Of one delta, as the real one sends them. */
const DELTA_BYTES = 1999;
const CLIENT_EVENTS = new Set<RealtimeClientEvent['type']>([
  'session.update',
  'input_audio_buffer.append',
  'input_audio_buffer.commit',
  'input_audio_buffer.clear',
  'conversation.item.create',
  'conversation.item.truncate',
  'conversation.item.delete',
  'conversation.item.retrieve',
  'response.create',
  'response.cancel',
]);

export class OpenAiSession {
  readonly events: RealtimeClientEvent[] = [];
  /** What the server had to object to. */
  readonly objections: string[] = [];
  isClosed = false;
  readonly #socket: WebSocket;
  /** Item → bytes of audio sent. */
  readonly #sent = new Map<string, number>();
  #config: RealtimeSessionCreateRequest = { type: 'realtime' };
  #responding: string | undefined;
  #lastEvent = 0;
  #lastItem = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data, isBinary) => this.#onMessage((data as Buffer).toString(), isBinary));
    socket.on('close', () => {
      this.isClosed = true;
    });
    this.#send({ type: 'session.created', session: this.#config });
  }

  of<Type extends RealtimeClientEvent['type']>(type: Type): readonly Extract<RealtimeClientEvent, { type: Type }>[] {
    return this.events.filter((event): event is Extract<RealtimeClientEvent, { type: Type }> => event.type === type);
  }

  get config(): RealtimeSessionCreateRequest {
    return this.#config;
  }

  get heard(): Buffer {
    return Buffer.concat(this.of('input_audio_buffer.append').map(({ audio }) => Buffer.from(audio, 'base64')));
  }

  /** A whole response, as fast as it can. The answer: its item. */
  say(audio: Buffer, transcript = 'words'): string {
    const where = this.#begin();
    for (let at = 0; at < audio.length; at += DELTA_BYTES) this.#delta(where, audio.subarray(at, at + DELTA_BYTES));
    const { response_id, item_id, output_index, content_index } = where;
    const place = { response_id, item_id, output_index, content_index };
    this.#send({ type: 'response.output_audio.done', ...place });
    this.#send({ type: 'response.output_audio_transcript.done', ...place, transcript });
    this.#send({ type: 'response.content_part.done', ...place, part: { type: 'audio', transcript } });
    const item = assistantItem(item_id, 'completed', transcript);
    this.#send({ type: 'response.output_item.done', response_id, output_index, item });
    this.#send({ type: 'conversation.item.done', item });
    this.#done('completed', [item]);
    return item_id;
  }

  /** Notices that the caller speaks, as server VAD does, and gives up the response that runs. */
  noticeSpeech(): void {
    this.#send({ type: 'input_audio_buffer.speech_started', audio_start_ms: 0, item_id: `item_${++this.#lastItem}` });
    if (this.#responding !== undefined) this.#done('cancelled', []);
  }

  callFunction(name: string, args: string): string {
    const call_id = `call_${++this.#lastItem}`;
    const item_id = `item_${++this.#lastItem}`;
    const response_id = this.#startResponse();
    const item: ConversationItem = {
      id: item_id,
      type: 'function_call',
      status: 'completed',
      name,
      call_id,
      arguments: args,
    };
    const place = { response_id, output_index: 0 };
    this.#send({
      type: 'response.output_item.added',
      ...place,
      item: { ...item, status: 'in_progress', arguments: '' },
    });
    this.#send({ type: 'response.function_call_arguments.done', ...place, item_id, call_id, name, arguments: args });
    this.#send({ type: 'response.output_item.done', ...place, item });
    this.#done('completed', [item]);
    return call_id;
  }

  drop(): void {
    this.#socket.terminate();
  }

  #begin() {
    const item_id = `item_${++this.#lastItem}`;
    const response_id = this.#startResponse();
    const item = assistantItem(item_id, 'in_progress');
    this.#send({ type: 'response.output_item.added', response_id, output_index: 0, item });
    this.#send({ type: 'conversation.item.added', previous_item_id: null, item });
    const place = { response_id, item_id, output_index: 0, content_index: 0 };
    this.#send({ type: 'response.content_part.added', ...place, part: { type: 'audio', transcript: '' } });
    return place;
  }

  #startResponse(): string {
    const id = `resp_${++this.#lastItem}`;
    this.#responding = id;
    this.#send({
      type: 'response.created',
      response: { id, object: 'realtime.response', status: 'in_progress', output: [] },
    });
    return id;
  }

  #delta(
    place: { response_id: string; item_id: string; output_index: number; content_index: number },
    audio: Buffer,
  ): void {
    this.#sent.set(place.item_id, (this.#sent.get(place.item_id) ?? 0) + audio.length);
    this.#send({ type: 'response.output_audio.delta', ...place, delta: audio.toString('base64') });
  }

  #done(status: 'completed' | 'cancelled', output: ConversationItem[]): void {
    const id = this.#responding ?? '';
    this.#responding = undefined;
    this.#send({ type: 'response.done', response: { id, object: 'realtime.response', status, output } });
  }

  #onMessage(text: string, isBinary: boolean): void {
    if (isBinary) return this.#object('invalid_request_error', 'a binary message');
    const event = JSON.parse(text) as RealtimeClientEvent;
    this.events.push(event);
    if (!CLIENT_EVENTS.has(event.type)) return this.#object('unknown_event', event.type);
    if (event.type === 'session.update') {
      if (event.session.type !== 'realtime') return this.#object('missing_type', 'session.type');
      this.#config = { ...this.#config, ...event.session };
      this.#send({ type: 'session.updated', session: this.#config });
    } else if (event.type === 'conversation.item.truncate') this.#truncate(event);
    else if (event.type === 'response.cancel' && this.#responding !== undefined) this.#done('cancelled', []);
    else if (event.type === 'response.create' && this.#responding !== undefined)
      this.#object('conversation_already_has_active_response', 'one at a time');
  }

  /** No more than was said can have been heard. */
  #truncate({
    item_id,
    content_index,
    audio_end_ms,
  }: Extract<RealtimeClientEvent, { type: 'conversation.item.truncate' }>): void {
    const sentMs = (this.#sent.get(item_id) ?? 0) / 8;
    if (!Number.isInteger(audio_end_ms) || audio_end_ms > sentMs)
      return this.#object('invalid_value', `audio of ${sentMs} ms is already shorter than ${audio_end_ms} ms`);
    this.#send({ type: 'conversation.item.truncated', item_id, content_index, audio_end_ms });
  }

  #object(code: string, message: string): void {
    this.objections.push(`${code}: ${message}`);
    this.#send({ type: 'error', error: { type: 'invalid_request_error', code, message, param: null } });
  }

  #send(event: OwnEvent): void {
    this.#socket.send(JSON.stringify({ ...event, event_id: `event_${++this.#lastEvent}` }));
  }
}

function assistantItem(id: string, status: 'completed' | 'in_progress', transcript?: string): ConversationItem {
  const content = transcript === undefined ? [] : [{ type: 'output_audio' as const, transcript }];
  return { id, object: 'realtime.item', type: 'message', role: 'assistant', status, content };
}

export class OpenAiServer {
  readonly sessions: OpenAiSession[] = [];
  /** Of the upgrades. */
  readonly authorizations: (string | undefined)[] = [];
  readonly #server: WebSocketServer;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket, request) => {
      this.authorizations.push(request.headers.authorization);
      this.sessions.push(new OpenAiSession(socket));
    });
  }

  static async start(): Promise<OpenAiServer> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    return new OpenAiServer(server);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/realtime?model=gpt-realtime`;
  }

  /** The session that comes `index`th, once it is configured. */
  async session(index: number): Promise<OpenAiSession> {
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
