/** What is kept of a message when the message itself is let go: copies, for every part of one holds on to the whole. */

import type { SendTarget } from './ports.ts';

/** Text that holds nothing but its own characters. */
export function keptText(text: string): string {
  return text === '' ? '' : Buffer.from(text).toString();
}

/** Bytes as Latin-1 text: a Buffer costs three times as much, and one of the common pool keeps its neighbours too. */
export type KeptBytes = string;

export function keptBytes(data: Buffer): KeptBytes {
  return data.toString('latin1');
}

export function bytesOf(kept: KeptBytes): Buffer {
  return Buffer.from(kept, 'latin1');
}

/** An ACK that can be sent again. */
export interface SentAck {
  readonly data: KeptBytes;
  readonly target: SendTarget;
}
