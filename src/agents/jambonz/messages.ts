/** jambonz' `listen` over WebSocket: audio is binary both ways (`streaming`), everything else text with JSON in it. */
import { z } from 'zod';

export interface ListenStart {
  /** A UUID. */
  readonly callSid: string;
  readonly callId: string;
  readonly from: string;
  readonly to: string;
  readonly sampleRate: number;
  /** The operator's own, beside the others. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** First of all: what is known of the call, and the format. */
export function preamble({ parameters, ...call }: ListenStart): string {
  return JSON.stringify({
    ...parameters,
    ...call,
    direction: 'inbound',
    callStatus: 'in-progress',
    mixType: 'mono',
  });
}

/** Counted in samples at 8 kHz, as telephone-event does. */
export function dtmf(digit: string, durationMs: number): string {
  return JSON.stringify({ event: 'dtmf', dtmf: digit, duration: String(durationMs * 8) });
}

export function mark(name: string, event: 'playout' | 'cleared'): string {
  return JSON.stringify({ type: 'mark', data: { name, event } });
}

export function playDone(id: string): string {
  return JSON.stringify({ type: 'playDone', data: { id } });
}

export interface PlayAudio {
  readonly isWav: boolean;
  /** Of raw audio, Hz; undefined: the call's own. */
  readonly rateHz: number | undefined;
  readonly audio: Buffer;
  readonly id: string;
  /** False: it takes the place of what is being played. */
  readonly isQueued: boolean;
}

export type ListenCommand =
  | { readonly type: 'killAudio' | 'clearMarks' | 'disconnect' }
  | { readonly type: 'mark'; readonly name: string }
  | { readonly type: 'playAudio'; readonly play: PlayAudio };

const playSchema = z.object({
  audioContent: z.string(),
  audioContentType: z.enum(['raw', 'wav', 'wave']).default('raw'),
  sampleRate: z.coerce.number().int().positive().optional(),
  id: z.string().max(256).default(''),
  queuePlay: z.boolean().default(false),
});
const markSchema = z.object({ name: z.string().max(1024) });
const commandSchema = z.object({ type: z.string(), data: z.unknown().optional() });

/** Undefined: a command that we need not know. Throws for what is none. */
export function readCommand(text: string): ListenCommand | undefined {
  const { type, data } = commandSchema.parse(JSON.parse(text));
  switch (type) {
    case 'killAudio':
    case 'clearMarks':
    case 'disconnect':
      return { type };
    case 'mark':
      return { type, name: markSchema.parse(data).name };
    case 'playAudio':
      return { type, play: playOf(playSchema.parse(data)) };
    default:
      return undefined;
  }
}

function playOf({ audioContent, audioContentType, sampleRate, id, queuePlay }: z.infer<typeof playSchema>): PlayAudio {
  return {
    isWav: audioContentType !== 'raw',
    rateHz: sampleRate,
    audio: Buffer.from(audioContent, 'base64'),
    id,
    isQueued: queuePlay,
  };
}
