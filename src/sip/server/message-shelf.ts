/** Messages by Call-ID within bounds of time and memory: the call silent for longest goes first. */
import type { Flow, KeptBytes, SendTarget } from '../engine/index.ts';

/** A message that came (`flow`) or went (`target`). */
export interface ShelfEntry {
  readonly at: number;
  readonly flow: Flow | undefined;
  readonly target: SendTarget | undefined;
  readonly data: KeptBytes;
}

export interface MessageLogLimits {
  /** After a call's last message. */
  readonly keepMs: number;
  /** Of all messages together; the calls silent for longest go first. */
  readonly bytes: number;
}

export interface CallEntries {
  readonly entries: ShelfEntry[];
  bytes: number;
  lastAt: number;
}

/** More of one call are not kept: a call that loops must not push out the others. */
const MAX_MESSAGES = 500;
/** What a message costs beside its text, in bytes, roughly. */
const OVERHEAD = 500;

export class MessageShelf {
  readonly #limits: MessageLogLimits;
  /** In the order of their last messages. */
  readonly #calls = new Map<string, CallEntries>();
  #bytes = 0;

  constructor(limits: MessageLogLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(sipCallId: string): boolean {
    return this.#calls.has(sipCallId);
  }

  entriesOf(sipCallId: string): readonly ShelfEntry[] {
    return this.#calls.get(sipCallId)?.entries ?? [];
  }

  add(sipCallId: string, entry: ShelfEntry): void {
    const call = this.take(sipCallId) ?? { entries: [], bytes: 0, lastAt: 0 };
    if (call.entries.length < MAX_MESSAGES) {
      call.entries.push(entry);
      call.bytes += entry.data.length + OVERHEAD;
    }
    call.lastAt = entry.at;
    this.put(sipCallId, call);
    this.#forget(entry.at);
  }

  /** Takes a call off. */
  take(sipCallId: string): CallEntries | undefined {
    const call = this.#calls.get(sipCallId);
    if (call === undefined) return undefined;
    this.#calls.delete(sipCallId);
    this.#bytes -= call.bytes;
    return call;
  }

  put(sipCallId: string, call: CallEntries): void {
    this.#calls.set(sipCallId, call);
    this.#bytes += call.bytes;
  }

  #forget(now: number): void {
    for (const [sipCallId, call] of this.#calls) {
      if (this.#bytes <= this.#limits.bytes && now - call.lastAt <= this.#limits.keepMs) return;
      this.take(sipCallId);
    }
  }
}
