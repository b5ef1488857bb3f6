/** Wrong passwords of an address: a few each minute, and none is looked at beyond. */
const perMinute = 10;
const minuteMs = 60_000;
/** An attacker with more addresses than this is forgotten in part; memory is not. */
const maxAddresses = 10_000;

export class AttemptLimit {
  readonly #failures = new Map<string, { count: number; readonly since: number }>();

  isExhausted(address: string): boolean {
    const known = this.#failures.get(address);
    if (known === undefined) return false;
    if (performance.now() - known.since < minuteMs) return known.count >= perMinute;
    this.#failures.delete(address);
    return false;
  }

  fail(address: string): void {
    const known = this.#failures.get(address);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    const [oldest] = this.#failures.keys();
    if (this.#failures.size >= maxAddresses && oldest !== undefined) this.#failures.delete(oldest);
    this.#failures.set(address, { count: 1, since: performance.now() });
  }
}
