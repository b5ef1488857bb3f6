/** The chance of one message: made of the seed, the transport and the message's number, so that any one can be had again. */
export class Chance {
  #state: number;

  constructor(seed: number, salt: string, index: number) {
    let state = seed >>> 0;
    for (let at = 0; at < salt.length; at++) state = Math.imul(state ^ salt.charCodeAt(at), 0x0100_0193);
    this.#state = Math.imul(state ^ index, 0x9e37_79b1) >>> 0;
  }

  /** A whole number from 0 to below `limit` (mulberry32). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}
