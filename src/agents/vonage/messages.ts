/** Vonage's Voice WebSocket: audio is binary, everything else text with JSON in it. */
import { z } from 'zod';

/** First of all: the format, and beside it whatever the operator wants its application to know. */
export function connected(rateHz: number, parameters: Readonly<Record<string, string>>): string {
  return JSON.stringify({
    ...parameters,
    event: 'websocket:connected',
    'content-type': `audio/l16;rate=${rateHz}`,
  });
}

export function dtmf(digit: string, durationMs: number): string {
  return JSON.stringify({ event: 'websocket:dtmf', digit, duration: durationMs });
}

export function cleared(): string {
  return JSON.stringify({ event: 'websocket:cleared' });
}

/** What the application wanted to be told of has been reached. */
export function notified(payload: unknown): string {
  return JSON.stringify({ event: 'websocket:notify', payload });
}

export type VonageCommand =
  | { readonly action: 'clear' }
  /** `payload` comes back when everything before it has been played. */
  | { readonly action: 'notify'; readonly payload: unknown };

const commandSchema = z.object({ action: z.string(), payload: z.unknown().optional() });

/** Undefined: a command that we need not know. Throws for what is none. */
export function readCommand(text: string): VonageCommand | undefined {
  const { action, payload } = commandSchema.parse(JSON.parse(text));
  if (action === 'clear') return { action };
  return action === 'notify' ? { action, payload: payload ?? {} } : undefined;
}
