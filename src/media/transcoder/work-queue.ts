/**
 * What takes long, one piece in each turn of the event loop: packets that only pass through are carried in between, and
 * wait for one frame's coding at most.
 */

/** Seconds of work: whoever is this far behind does not catch up, and its packets count as lost. */
const MOST_WAITING = 2048;

export class WorkQueue {
  #waiting: (() => void)[] = [];
  #first = 0;

  /** False: there is too much to do, and it will not be done. */
  add(work: () => void): boolean {
    if (this.#waiting.length - this.#first >= MOST_WAITING) return false;
    this.#waiting.push(work);
    if (this.#waiting.length - this.#first === 1) setImmediate(this.#next);
    return true;
  }

  readonly #next = (): void => {
    const work = this.#waiting[this.#first];
    this.#first++;
    if (this.#first === this.#waiting.length) {
      this.#waiting = [];
      this.#first = 0;
    } else setImmediate(this.#next);
    work?.();
  };
}
