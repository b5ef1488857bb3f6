/**
 * The pairs of ports that SIP peers send to: RTP on the even, RTCP on the odd one (RFC 3550 §11). A pair given back
 * rests for a while, because the old peer may not have noticed yet that the call is over. What its stream looked like
 * is remembered longer, for a peer that does not notice at all.
 */
import type { Clock, Random, Timer } from '../../kernel/index.ts';
import type { KnownStream } from '../../rtp/index.ts';

export interface PortRangeOptions {
  readonly min: number;
  readonly max: number;
  readonly quarantineMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

export class PortRange {
  readonly #first: number;
  readonly #pairs: number;
  readonly #options: PortRangeOptions;
  readonly #taken = new Set<number>();
  readonly #resting = new Map<number, Timer>();
  readonly #formerStreams = new Map<number, KnownStream>();

  constructor(options: PortRangeOptions) {
    this.#options = options;
    this.#first = options.min + (options.min % 2);
    this.#pairs = Math.max(0, Math.floor((options.max - this.#first + 1) / 2));
  }

  get resting(): number {
    return this.#resting.size;
  }

  /** The free RTP ports, each once, from a random one on: where the next call will be must not be predictable. */
  *candidates(): Generator<number> {
    const start = this.#pairs === 0 ? 0 : this.#options.random.uint32() % this.#pairs;
    for (let i = 0; i < this.#pairs; i++) {
      const port = this.#first + 2 * ((start + i) % this.#pairs);
      if (!this.#taken.has(port) && !this.#resting.has(port)) yield port;
    }
  }

  take(rtpPort: number): void {
    this.#taken.add(rtpPort);
  }

  /** A pair that could not be had after all: it does not rest. */
  giveUp(rtpPort: number): void {
    this.#taken.delete(rtpPort);
  }

  /** Ends the use of a pair; it is free again after the quarantine. */
  release(rtpPort: number, stream: KnownStream | undefined): void {
    if (!this.#taken.delete(rtpPort)) return;
    if (stream) this.#formerStreams.set(rtpPort, stream);
    const { clock, quarantineMs } = this.#options;
    this.#resting.set(
      rtpPort,
      clock.after(quarantineMs, () => this.#resting.delete(rtpPort)),
    );
  }

  /** The stream of the last call that had this pair. */
  formerStream(rtpPort: number): KnownStream | undefined {
    return this.#formerStreams.get(rtpPort);
  }

  stop(): void {
    for (const timer of this.#resting.values()) timer.cancel();
    this.#resting.clear();
  }
}
