import type { Timer } from '../../kernel/index.ts';

/** The running timers of one transaction, by their RFC names. */
export class TimerSet<Name extends string> {
  #running: Map<Name, Timer> | undefined;

  /** Takes the place of a running timer of that name. */
  set(name: Name, timer: Timer): void {
    this.#running ??= new Map();
    this.#running.get(name)?.cancel();
    this.#running.set(name, timer);
  }

  clear(): void {
    if (this.#running === undefined) return;
    for (const timer of this.#running.values()) timer.cancel();
    this.#running.clear();
  }
}
