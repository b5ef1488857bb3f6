/** Measures, in the engine's thread, how the threads keep up, and tells the engine. */
import type { Clock, Timer } from '../../kernel/index.ts';
import type { LoadSample } from '../engine/index.ts';
import { AppBacklog } from './app-backlog.ts';
import { isMemoryShort, type Pulse, readBacklog, readPulse } from './pulse.ts';

const TICK_MS = 20;
const MEMORY_EVERY = 50;

export interface LoadGaugeSetup {
  readonly clock: Clock;
  /** Of the thread that started the engine; undefined: applications live elsewhere. */
  readonly pulse: Pulse | undefined;
  /** What an application was sent so far, by its port; undefined: none is connected from there. */
  readonly bytesWritten: (port: number) => number | undefined;
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
  #sampledAt = 0;
  readonly #backlog = new AppBacklog();
  #isShort = false;
  #cpuMs = 0;
  #worstStallMs = 0;

  constructor(setup: LoadGaugeSetup) {
    this.#setup = setup;
  }

  start(): void {
    const { clock, cpuMs } = this.#setup;
    this.#cpuMs = cpuMs();
    const now = clock.now();
    this.#dueAt = now + TICK_MS;
    if (this.#ticks === 0) this.#sampledAt = now;
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
    const { pulse, queueDelayMs, cpuMs, onSample, clock } = this.#setup;
    const now = clock.now();
    this.#worstStallMs = Math.max(this.#worstStallMs, Math.min(ownLagMs, cpuMs() - this.#cpuMs));
    if (this.#ticks++ % MEMORY_EVERY === 0) this.#isShort = isMemoryShort();
    const other = pulse === undefined ? { lagMs: 0, isMemoryShort: false } : readPulse(pulse);
    onSample({
      lagMs: Math.max(ownLagMs, other.lagMs, queueDelayMs(), this.#appLagMs(now)),
      sinceMs: now - this.#sampledAt,
      isMemoryShort: this.#isShort || other.isMemoryShort,
    });
    this.#sampledAt = now;
  }

  #appLagMs(now: number): number {
    const { pulse, bytesWritten } = this.#setup;
    const counts = pulse === undefined ? undefined : readBacklog(pulse, bytesWritten);
    return counts === undefined ? 0 : this.#backlog.note(now, counts);
  }
}
