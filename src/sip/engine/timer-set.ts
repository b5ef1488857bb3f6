import type { Timer } from '../../kernel/index.ts';

interface Named<Name> {
  readonly name: Name;
  readonly timer: Timer;
}

const NONE: readonly never[] = [];

/** The running timers of one transaction, by their RFC names: one or two, so a list is smaller than a map and as fast. */
export class TimerSet<Name extends string> {
  #running: readonly Named<Name>[] = NONE;

  /** Takes the place of a running timer of that name. */
  set(name: Name, timer: Timer): void {
    this.#running.find((one) => one.name === name)?.timer.cancel();
    this.#running = [...this.#running.filter((one) => one.name !== name), { name, timer }];
  }

  clear(): void {
    for (const { timer } of this.#running) timer.cancel();
    this.#running = NONE;
  }
}
