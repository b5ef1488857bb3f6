/** Keeps account of what was heard of an agent's speech, from the notices of its playout queue. */
import type { MarkRecord, PlayoutNotice, UtteranceRecord } from '../calls/index.ts';

/** The last of either are kept whole, so that a record stays one that can be read. */
const MAX_UTTERANCES = 100;
const MAX_MARKS = 20;

interface Entry {
  startedAt: number | undefined;
  readonly marks: MarkRecord[];
}

export interface LedgerSums {
  readonly utteranceCount: number;
  readonly receivedMs: number;
  readonly playedMs: number;
  readonly flushedMs: number;
}

const NOTHING: LedgerSums = { utteranceCount: 0, receivedMs: 0, playedMs: 0, flushedMs: 0 };

export class HeardLedger {
  readonly #closed: UtteranceRecord[] = [];
  readonly #open = new Map<string, Entry>();
  #last: string | undefined;
  #sums = NOTHING;

  get utterances(): readonly UtteranceRecord[] {
    return this.#closed;
  }

  get sums(): LedgerSums {
    return this.#sums;
  }

  /** The answer: an utterance whose account is closed by this. `at`: milliseconds since 1970. */
  take(notice: PlayoutNotice, at: number): UtteranceRecord | undefined {
    switch (notice.kind) {
      case 'started':
        this.#last = notice.utterance;
        this.#entry(notice.utterance).startedAt ??= at;
        return undefined;
      case 'resumed':
        return undefined;
      case 'mark':
        this.#mark(notice);
        return undefined;
      case 'over':
        return this.#close(notice);
    }
  }

  /** A mark belongs to the speech that was heard, or was to be heard, last. */
  #mark({ name, isCleared }: MarkRecord): void {
    if (this.#last === undefined) return;
    const { marks } = this.#entry(this.#last);
    if (marks.length < MAX_MARKS) marks.push({ name, isCleared });
  }

  #close({ utterance, receivedMs, playedMs, flushedMs }: Extract<PlayoutNotice, { kind: 'over' }>): UtteranceRecord {
    const { startedAt, marks } = this.#open.get(utterance) ?? { startedAt: undefined, marks: [] };
    this.#open.delete(utterance);
    const closed = { utterance, startedAt, receivedMs, playedMs, flushedMs, marks };
    this.#closed.push(closed);
    if (this.#closed.length > MAX_UTTERANCES) this.#closed.shift();
    const sums = this.#sums;
    this.#sums = {
      utteranceCount: sums.utteranceCount + 1,
      receivedMs: sums.receivedMs + receivedMs,
      playedMs: sums.playedMs + playedMs,
      flushedMs: sums.flushedMs + flushedMs,
    };
    return closed;
  }

  #entry(utterance: string): Entry {
    const known = this.#open.get(utterance);
    if (known !== undefined) return known;
    const entry: Entry = { startedAt: undefined, marks: [] };
    this.#open.set(utterance, entry);
    return entry;
  }
}
