/** Measures, in the engine's thread, how the threads keep up, and tells the engine. */
import type { Clock, Timer } from '../../kernel/index.ts';
import type { LoadSample } from '../engine/index.ts';
import { isMemoryShort, type Pulse, readPulse } from './pulse.ts';

const TICK_MS = 20;
const MEMORY_EVERY = 50;

export interface LoadGaugeSetup {
  readonly clock: Clock;
  /** Of the thread that started the engine; undefined: applications live elsewhere. */
  readonly pulse: Pulse | undefined;
  /** How long what comes from the network waits before it is read, in milliseconds. */
  readonly queueDelayMs: () => number;
  /** Processor time this thread has used, in milliseconds. */
  readonly cpuMs: () => number;
  readonly onSample: (sample: LoadSample) => void;
}

export class LoadGauge {
  readonly #setup: LoadGaugeSetup;
  #timer: Timer | undefined;
  #ticks = 0;
  #dueAt = 0;
  #isShort = false;
  #cpuMs = 0;
  #worstStallMs = 0;

  constructor(setup: LoadGaugeSetup) {
    this.#setup = setup;
  }

  start(): void {
    const { clock, cpuMs } = this.#setup;
    this.#cpuMs = cpuMs();
    this.#dueAt = clock.now() + TICK_MS;
    this.#timer = clock.after(TICK_MS, () => {
      this.#tick(clock.now() - this.#dueAt);
      this.start();
    });
  }

  /**
   * The longest this thread was late by its own doing since the last time it was asked, in milliseconds: while the
   * machine had no processor for it, it used none.
   */
  takeWorstStallMs(): number {
    const worst = this.#worstStallMs;
    this.#worstStallMs = 0;
    return worst;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #tick(ownLagMs: number): void {
    const { pulse, queueDelayMs, cpuMs, onSample } = this.#setup;
    this.#worstStallMs = Math.max(this.#worstStallMs, Math.min(ownLagMs, cpuMs() - this.#cpuMs));
    if (this.#ticks++ % MEMORY_EVERY === 0) this.#isShort = isMemoryShort();
    const other = pulse === undefined ? { lagMs: 0, isMemoryShort: false } : readPulse(pulse);
    onSample({
      lagMs: Math.max(ownLagMs, other.lagMs, queueDelayMs()),
      isMemoryShort: this.#isShort || other.isMemoryShort,
    });
  }
}
