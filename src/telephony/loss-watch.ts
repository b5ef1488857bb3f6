/** Looks now and then how many packets those Legs lose whose codec depends on it. */
import type { Clock, LegId, Timer } from '../kernel/index.ts';
import type { CallMediaWork } from './call-media.ts';
import { LossGauge } from './loss-gauge.ts';

export interface LossWatchOptions {
  readonly clock: Clock;
  readonly everyMs: number;
  /** Undefined until the call is routed. */
  readonly media: () => CallMediaWork | undefined;
  /** Another codec may be the better one now. */
  readonly onMeasured: () => void;
}

export class LossWatch {
  readonly #options: LossWatchOptions;
  readonly #gauges = new Map<LegId, LossGauge>();
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: LossWatchOptions) {
    this.#options = options;
  }

  /** Does nothing when no Leg's codec depends on its loss. */
  start(): void {
    const { media, clock, everyMs } = this.#options;
    if (this.#isStopped || this.#timer !== undefined || media()?.lossWatched.length === 0) return;
    this.#timer = clock.after(everyMs, () => void this.#look());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const media = this.#options.media();
    for (const legId of media?.lossWatched ?? []) {
      const report = await media?.quality(legId).catch(() => undefined);
      const gauge = this.#gauges.get(legId) ?? new LossGauge();
      this.#gauges.set(legId, gauge);
      const loss = report === undefined ? undefined : gauge.take(report);
      if (loss !== undefined) media?.setLoss(legId, loss);
    }
    this.#timer = undefined;
    if (this.#isStopped) return;
    this.#options.onMeasured();
    this.start();
  }
}
