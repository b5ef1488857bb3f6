/**
 * Twilio Media Streams, bidirectional (`<Connect><Stream>`): the messages as text. Every counter is a string, the first
 * two messages are `connected` and `start` in this order, and `media` follows every 20 ms: applications depend on it.
 */
import { z } from 'zod';

export interface StreamIds {
  /** MZ and 32 hexadecimal digits. */
  readonly streamSid: string;
  readonly accountSid: string;
  readonly callSid: string;
}

export interface StreamStart extends StreamIds {
  readonly customParameters: Readonly<Record<string, string>>;
}

/** Writes the platform's messages of one stream, with their counters. */
export class StreamWriter {
  readonly #start: StreamStart;
  #sequence = 0;
  #chunk = 0;

  constructor(start: StreamStart) {
    this.#start = start;
  }

  connected(): string {
    return JSON.stringify({ event: 'connected', protocol: 'Call', version: '1.0.0' });
  }

  start(): string {
    const { streamSid, accountSid, callSid, customParameters } = this.#start;
    return this.#write('start', {
      start: {
        streamSid,
        accountSid,
        callSid,
        tracks: ['inbound'],
        mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
        customParameters,
      },
    });
  }

  /** `timestampMs`: since the start of the stream. By hand, because it is written fifty times a second for each call. */
  media(audio: Uint8Array, timestampMs: number): string {
    this.#sequence++;
    this.#chunk++;
    const payload = Buffer.from(audio.buffer, audio.byteOffset, audio.byteLength).toString('base64');
    return `{"event":"media","sequenceNumber":"${this.#sequence}","streamSid":"${this.#start.streamSid}","media":{"track":"inbound","chunk":"${this.#chunk}","timestamp":"${timestampMs}","payload":"${payload}"}}`;
  }

  dtmf(digit: string): string {
    return this.#write('dtmf', { dtmf: { track: 'inbound_track', digit } });
  }

  mark(name: string): string {
    return this.#write('mark', { mark: { name } });
  }

  /** A mark that came without a name goes back without one. */
  unnamedMark(): string {
    return this.#write('mark', {});
  }

  stop(): string {
    const { accountSid, callSid } = this.#start;
    return this.#write('stop', { stop: { accountSid, callSid } });
  }

  #write(event: string, body: object): string {
    this.#sequence++;
    return JSON.stringify({
      event,
      sequenceNumber: String(this.#sequence),
      streamSid: this.#start.streamSid,
      ...body,
    });
  }
}

/** What an agent may say. */
export type StreamMessage =
  | { readonly event: 'media'; readonly audio: Uint8Array }
  | { readonly event: 'mark'; readonly name: string | undefined }
  | { readonly event: 'clear' };

const messageSchema = z.object({
  event: z.string(),
  media: z.object({ payload: z.string() }).optional(),
  mark: z.object({ name: z.string().max(1024).optional() }).optional(),
});

/** Undefined: an event that we need not know. Throws for what is no message of this protocol. */
export function readStreamMessage(text: string): StreamMessage | undefined {
  const { event, media, mark } = messageSchema.parse(JSON.parse(text));
  switch (event) {
    case 'media':
      if (media === undefined) throw new TypeError('media without payload');
      return { event, audio: Buffer.from(media.payload, 'base64') };
    case 'mark':
      return { event, name: mark?.name };
    case 'clear':
      return { event };
    default:
      return undefined;
  }
}
