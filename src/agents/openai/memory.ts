/** What was said in a Realtime session, for the one that takes over when its connection breaks: sessions cannot be resumed. */
import type { TranscriptRole } from './events.ts';

export interface Remembered {
  readonly role: TranscriptRole;
  readonly text: string;
}

const MAX_LINES = 40;
const MAX_TEXT = 2000;

export class ConversationMemory {
  readonly #lines: Remembered[];

  constructor(earlier: readonly Remembered[] = []) {
    this.#lines = [...earlier];
  }

  get lines(): readonly Remembered[] {
    return this.#lines;
  }

  add(role: TranscriptRole, text: string): void {
    if (text === '') return;
    this.#lines.push({ role, text: text.slice(0, MAX_TEXT) });
    if (this.#lines.length > MAX_LINES) this.#lines.shift();
  }
}
