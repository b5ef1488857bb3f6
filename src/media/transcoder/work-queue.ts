/**
 * What takes long, a little in each turn of the event loop: packets that only pass through are carried in between.
 *
 * When all is done the thread rests for two milliseconds, so that the packets that come meanwhile are taken together: to
 * fall asleep and be woken for each of them costs as much as to code it. That is little beside the look-ahead of the codecs
 * (6.5 ms in Opus), and a thread without such work never rests.
 */

/** Seconds of work: whoever is this far behind does not catch up, and its packets count as lost. */
const MOST_WAITING = 2048;
/** Of work in one turn, ms: three or four frames. */
const TURN_MS = 0.25;
const REST_MS = 2;
/** Who had more to do than this since the last rest has enough that comes together. */
const BUSY = 16;

/** Nobody ever wakes who waits for this: it is a sleep. */
const bell = new Int32Array(new SharedArrayBuffer(4));

export class WorkQueue {
  #waiting: (() => void)[] = [];
  #first = 0;
  #doneSinceRest = 0;

  /** False: there is too much to do, and it will not be done. */
  add(work: () => void): boolean {
    if (this.#waiting.length - this.#first >= MOST_WAITING) return false;
    this.#waiting.push(work);
    if (this.#waiting.length - this.#first === 1) setImmediate(this.#next);
    return true;
  }

  readonly #next = (): void => {
    const endMs = performance.now() + TURN_MS;
    do this.#doOne();
    while (this.#first < this.#waiting.length && performance.now() < endMs);
    if (this.#first < this.#waiting.length) {
      setImmediate(this.#next);
      return;
    }
    this.#waiting = [];
    this.#first = 0;
    if (this.#doneSinceRest <= BUSY) Atomics.wait(bell, 0, 0, REST_MS);
    this.#doneSinceRest = 0;
  };

  #doOne(): void {
    const work = this.#waiting[this.#first];
    this.#first++;
    this.#doneSinceRest++;
    work?.();
  }
}
