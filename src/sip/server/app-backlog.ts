/**
 * How long what the engine tells an application waits before it is read: the queue between two threads that neither of
 * their event loops shows, because the system's buffers of a connection hold seconds of it. Pure.
 */

interface Mark {
  readonly at: number;
  /** All that had been written by then, in bytes. */
  readonly written: number;
}

/** Marks kept; beyond them every second one is dropped. */
const MAX_MARKS = 256;

export class AppBacklog {
  /** What was written when and may not have been read yet, oldest first. */
  #marks: Mark[] = [];

  /** Takes both counts at a moment and returns how long the oldest byte not yet read has waited, in milliseconds. */
  note(now: number, { written, read }: { readonly written: number; readonly read: number }): number {
    const last = this.#marks.at(-1);
    // A new connection counts from zero.
    if (last !== undefined && written < last.written) this.#marks = [];
    if (last === undefined || written !== last.written) this.#marks.push({ at: now, written });
    const waiting = this.#marks.findIndex((mark) => mark.written > read);
    this.#marks = waiting < 0 ? [] : this.#marks.slice(waiting);
    if (this.#marks.length > MAX_MARKS) this.#marks = this.#marks.filter((_, at) => at % 2 === 0);
    return now - (this.#marks[0]?.at ?? now);
  }
}
