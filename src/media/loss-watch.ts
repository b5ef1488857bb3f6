/** Looks at what a browser reports about the audio that it is sent: its RTCP ends at mediasoup. */
import type { types } from 'mediasoup';
import type { Clock, Timer } from '../kernel/index.ts';

/** Browsers report about every five seconds. */
const LOOK_MS = 2000;

export class LossWatch {
  readonly #clock: Clock;
  readonly #consumer: () => types.Consumer | undefined;
  readonly #tell: (fraction: number) => Promise<void>;
  #timer: Timer | undefined;
  #told = 0;

  /** `consumer`: what the browser hears now, while it is to be looked at. `tell`: the fraction lost (0 to 1) when it changes. */
  constructor(parts: {
    readonly clock: Clock;
    readonly consumer: () => types.Consumer | undefined;
    readonly tell: (fraction: number) => Promise<void>;
  }) {
    this.#clock = parts.clock;
    this.#consumer = parts.consumer;
    this.#tell = parts.tell;
    this.#next();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #next(): void {
    this.#timer = this.#clock.after(LOOK_MS, () => {
      this.#next();
      // A worker or thread that died meanwhile is reported on its own.
      this.#look().catch(() => {});
    });
  }

  async #look(): Promise<void> {
    const stats = await this.#consumer()?.getStats();
    const sent = stats?.find(({ type }) => type === 'outbound-rtp');
    const fraction = (sent?.fractionLost ?? 0) / 256;
    if (fraction === this.#told || this.#timer === undefined) return;
    this.#told = fraction;
    await this.#tell(fraction);
  }
}
