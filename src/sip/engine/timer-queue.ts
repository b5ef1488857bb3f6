/**
 * Timers for very many transactions. They last a handful of different durations (T1 and its doublings, T4, 64·T1), and
 * within one duration they fire in the order they were set: so each duration is a linked list with one Clock timer.
 */
import type { Clock, Timer } from '../../kernel/index.ts';

class Entry implements Timer {
  readonly due: number;
  fire: (() => void) | undefined;
  next: Entry | undefined;
  previous: Entry | undefined;
  readonly lane: Lane;

  constructor(lane: Lane, due: number, fire: () => void) {
    this.lane = lane;
    this.due = due;
    this.fire = fire;
  }

  cancel(): void {
    if (this.fire === undefined) return;
    this.fire = undefined;
    this.lane.unlink(this);
  }
}

/** All timers of one duration, oldest first. */
class Lane {
  first: Entry | undefined;
  last: Entry | undefined;
  isArmed = false;
  size = 0;

  append(entry: Entry): void {
    this.size++;
    entry.previous = this.last;
    if (this.last === undefined) this.first = entry;
    else this.last.next = entry;
    this.last = entry;
  }

  unlink(entry: Entry): void {
    this.size--;
    if (entry.previous === undefined) this.first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) this.last = entry.previous;
    else entry.next.previous = entry.previous;
    entry.next = undefined;
    entry.previous = undefined;
  }
}

export class TimerQueue {
  readonly #clock: Clock;
  readonly #lanes = new Map<number, Lane>();

  readonly #onFailure: (error: unknown) => void;

  /** `onFailure` hears what a timer throws: one transaction's mistake must not stop the others. */
  constructor(clock: Clock, onFailure: (error: unknown) => void) {
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  /** Calls `fire` once after `ms` milliseconds. */
  after(ms: number, fire: () => void): Timer {
    let lane = this.#lanes.get(ms);
    if (lane === undefined) {
      lane = new Lane();
      this.#lanes.set(ms, lane);
    }
    const entry = new Entry(lane, this.#clock.now() + ms, fire);
    lane.append(entry);
    if (!lane.isArmed) this.#arm(lane, ms, ms);
    return entry;
  }

  /** How many timers are pending. */
  get size(): number {
    let count = 0;
    for (const lane of this.#lanes.values()) count += lane.size;
    return count;
  }

  #arm(lane: Lane, ms: number, delay: number): void {
    lane.isArmed = true;
    this.#clock.after(delay, () => this.#expire(lane, ms));
  }

  #expire(lane: Lane, ms: number): void {
    const now = this.#clock.now();
    // It counts as armed meanwhile: what a timer sets anew comes after those that wait already.
    for (let entry = lane.first; entry !== undefined && entry.due <= now; entry = lane.first) {
      const fire = entry.fire;
      entry.cancel();
      try {
        fire?.();
      } catch (error) {
        this.#onFailure(error);
      }
    }
    lane.isArmed = false;
    if (lane.first === undefined) this.#lanes.delete(ms);
    else this.#arm(lane, ms, Math.max(lane.first.due - now, 0));
  }
}
