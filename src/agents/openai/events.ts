/**
 * OpenAI Realtime (the generally available shape): the server's events that concern us, and ours. The names of the beta
 * are accepted where compatible servers still use them.
 */
import { z } from 'zod';

const functionCall = z.object({
  type: z.literal('function_call'),
  call_id: z.string().max(256),
  name: z.string().max(128),
  arguments: z.string().max(65_536).default('{}'),
});

const serverEvent = z.object({
  type: z.string(),
  response_id: z.string().optional(),
  item_id: z.string().optional(),
  delta: z.string().optional(),
  transcript: z.string().optional(),
  response: z.object({ id: z.string().optional(), status: z.string().optional() }).optional(),
  item: z.union([functionCall, z.object({ type: z.string().optional() })]).optional(),
  error: z
    .object({ type: z.string().optional(), code: z.string().nullish(), message: z.string().optional() })
    .optional(),
});

export interface FunctionCall {
  readonly callId: string;
  readonly name: string;
  /** JSON, as the model wrote it. */
  readonly arguments: string;
}

export type TranscriptRole = 'user' | 'assistant';

/** A server event as far as we act on it. */
export type RealtimeEvent =
  | { readonly kind: 'created' | 'updated' | 'speech-started' }
  | { readonly kind: 'response-created' | 'response-done'; readonly responseId: string; readonly status: string }
  | { readonly kind: 'audio'; readonly responseId: string; readonly itemId: string; readonly audio: Uint8Array }
  /** What one side has said, as text. */
  | { readonly kind: 'transcript'; readonly role: TranscriptRole; readonly text: string }
  | { readonly kind: 'function-call'; readonly call: FunctionCall }
  | { readonly kind: 'error'; readonly code: string; readonly text: string };

type ServerEvent = z.infer<typeof serverEvent>;

const idOf = (event: ServerEvent): string => event.response_id ?? event.response?.id ?? '';
const audioOf = (event: ServerEvent): RealtimeEvent => ({
  kind: 'audio',
  responseId: idOf(event),
  itemId: event.item_id ?? '',
  audio: Buffer.from(event.delta ?? '', 'base64'),
});
const responseOf =
  (kind: 'response-created' | 'response-done') =>
  (event: ServerEvent): RealtimeEvent => ({ kind, responseId: idOf(event), status: event.response?.status ?? '' });

const transcriptOf =
  (role: TranscriptRole) =>
  (event: ServerEvent): RealtimeEvent => ({ kind: 'transcript', role, text: event.transcript ?? '' });

const readers: Readonly<Record<string, (event: ServerEvent) => RealtimeEvent | undefined>> = {
  'session.created': () => ({ kind: 'created' }),
  'session.updated': () => ({ kind: 'updated' }),
  'input_audio_buffer.speech_started': () => ({ kind: 'speech-started' }),
  'response.created': responseOf('response-created'),
  'response.done': responseOf('response-done'),
  'response.output_audio.delta': audioOf,
  'response.audio.delta': audioOf,
  'response.output_audio_transcript.done': transcriptOf('assistant'),
  'response.audio_transcript.done': transcriptOf('assistant'),
  'conversation.item.input_audio_transcription.completed': transcriptOf('user'),
  'response.output_item.done': ({ item }) => functionCallOf(item),
  error: ({ error }) => ({ kind: 'error', code: error?.code ?? error?.type ?? '', text: error?.message ?? '' }),
};

/** Undefined: an event that we need not know. Throws for what is none. */
export function readRealtimeEvent(text: string): RealtimeEvent | undefined {
  const event = serverEvent.parse(JSON.parse(text));
  return Object.hasOwn(readers, event.type) ? readers[event.type]?.(event) : undefined;
}

function functionCallOf(item: ServerEvent['item']): RealtimeEvent | undefined {
  if (item === undefined || !('call_id' in item)) return undefined;
  return { kind: 'function-call', call: { callId: item.call_id, name: item.name, arguments: item.arguments } };
}

/** By hand, because it is written fifty times a second for each call. */
export function appendAudio(audio: Uint8Array): string {
  const base64 = Buffer.from(audio.buffer, audio.byteOffset, audio.byteLength).toString('base64');
  return `{"type":"input_audio_buffer.append","audio":"${base64}"}`;
}

/** The server forgets what of its answer was not heard. `heardMs` must not exceed what it has sent. */
export function truncateItem(itemId: string, heardMs: number): string {
  return JSON.stringify({
    type: 'conversation.item.truncate',
    item_id: itemId,
    content_index: 0,
    audio_end_ms: Math.floor(heardMs),
  });
}

export function functionOutput(callId: string, output: object): string {
  const item = { type: 'function_call_output', call_id: callId, output: JSON.stringify(output) };
  return JSON.stringify({ type: 'conversation.item.create', item });
}

/** Something the caller did that is no speech. */
export function userText(text: string): string {
  return messageItem('user', text);
}

/** What was said, as if it had been written. */
export function messageItem(role: TranscriptRole, text: string): string {
  const type = role === 'user' ? 'input_text' : 'output_text';
  const item = { type: 'message', role, content: [{ type, text }] };
  return JSON.stringify({ type: 'conversation.item.create', item });
}

/** The server stops to make the answer that it is making. */
export const CANCEL_RESPONSE = JSON.stringify({ type: 'response.cancel' });

export function createResponse(instructions?: string): string {
  return JSON.stringify({
    type: 'response.create',
    ...(instructions === undefined ? {} : { response: { instructions } }),
  });
}
