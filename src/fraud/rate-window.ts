/** How many different calls were made within the last span of time, for many keys; keys at rest are forgotten. */
interface Seen {
  readonly id: string;
  readonly at: number;
}

export class RateWindow {
  readonly #spanMs: number;
  readonly #seen = new Map<string, readonly Seen[]>();
  #sweptAt = 0;

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  /** Those other than `id`. */
  count(key: string, now: number, id: string): number {
    return this.#recent(key, now).filter((each) => each.id !== id).length;
  }

  add(key: string, id: string, now: number): void {
    this.#sweep(now);
    const others = this.#recent(key, now).filter((each) => each.id !== id);
    this.#seen.set(key, [...others, { id, at: now }]);
  }

  #recent(key: string, now: number): readonly Seen[] {
    return (this.#seen.get(key) ?? []).filter(({ at }) => at > now - this.#spanMs);
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < this.#spanMs) return;
    this.#sweptAt = now;
    for (const [key, seen] of this.#seen) if ((seen.at(-1)?.at ?? 0) <= now - this.#spanMs) this.#seen.delete(key);
  }
}
