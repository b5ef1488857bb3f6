/**
 * How late packets come, measured against the earliest ones: a histogram that forgets, as receivers keep it to choose
 * their delay. Sender's clock drift moves the reference within seconds.
 */

const BIN_MS = 5;
const BINS = 48;
/** Weight that one packet takes from all before: what was 4 s ago counts a third. */
const FORGET = 0.995;
/** The share of packets that is to be in time. */
const IN_TIME = 0.97;
/** The earliest packet of this long is the reference. */
const WINDOW_MS = 3000;

export class Lateness {
  readonly #bins = new Float64Array(BINS);
  #waitMs = 0;
  // The smallest transit times of this window and of the one before, which together are the reference.
  #least = Number.POSITIVE_INFINITY;
  #leastBefore = Number.POSITIVE_INFINITY;
  #windowEndMs = 0;

  constructor() {
    this.reset();
  }

  /** Another stream: nothing is known of its delay, what is known of the network stays. */
  rebase(): void {
    this.#least = Number.POSITIVE_INFINITY;
    this.#leastBefore = Number.POSITIVE_INFINITY;
    this.#windowEndMs = 0;
  }

  reset(): void {
    this.rebase();
    this.#bins.fill(0);
    this.#bins[0] = 1;
    this.#waitMs = 0;
  }

  /** Takes note of a packet that left at `mediaMs` by its sender's clock and came at `nowMs`. */
  note(mediaMs: number, nowMs: number): void {
    const transit = nowMs - mediaMs;
    if (nowMs >= this.#windowEndMs) {
      this.#leastBefore = this.#least;
      this.#least = transit;
      this.#windowEndMs = nowMs + WINDOW_MS;
    } else if (transit < this.#least) this.#least = transit;
    const late = transit - Math.min(this.#least, this.#leastBefore);
    const bins = this.#bins;
    for (let bin = 0; bin < BINS; bin++) bins[bin] = (bins[bin] ?? 0) * FORGET;
    const bin = Math.min(BINS - 1, Math.floor(late / BIN_MS));
    bins[bin] = (bins[bin] ?? 0) + 1 - FORGET;
    this.#waitMs = this.#quantile();
  }

  /** When a packet that left at `mediaMs` would have come, had it come as fast as the fastest. */
  expected(mediaMs: number): number {
    return mediaMs + Math.min(this.#least, this.#leastBefore);
  }

  /** How long after that nearly all have come, ms; 0 while they come within 5 ms. */
  get waitMs(): number {
    return this.#waitMs;
  }

  #quantile(): number {
    let sum = 0;
    for (let bin = 0; bin < BINS; bin++) {
      sum += this.#bins[bin] ?? 0;
      if (sum >= IN_TIME) return bin * BIN_MS;
    }
    return (BINS - 1) * BIN_MS;
  }
}
