/** What the peer of a muted end looks like to it: the same party, which hears nothing. */
import type { EdgeEnd, Hearer } from './end.ts';

export class Silenced implements Hearer {
  /** It must see every packet. */
  readonly isBusy = true;
  readonly #listener: EdgeEnd;

  constructor(listener: EdgeEnd) {
    this.#listener = listener;
  }

  get format() {
    return this.#listener.format;
  }

  send(): void {}

  restart(): void {
    this.#listener.restart();
  }
}
