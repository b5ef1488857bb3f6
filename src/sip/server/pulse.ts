/**
 * How the threads keep up, told through memory they share: the thread that started the engine beats, and the engine sees
 * at any moment how long ago, even while that thread is stuck and could send no message.
 */
import { getHeapStatistics } from 'node:v8';
import type { LoadSample } from '../engine/index.ts';

const BEAT_MS = 20;
const MEMORY_EVERY_MS = 1000;
/** Above it a thread is about to die of its memory. */
const SHORT_OF_MEMORY = 0.9;

const AT = 0;
const IS_SHORT = 1;
const APP_PORT = 2;
const APP_READ = 3;
/** Counts travel in as many bits as a cell holds without a sign. */
const MASK = 0x7fff_ffff;

/** For `createPulse` and `readPulse`. */
export type Pulse = Int32Array<SharedArrayBuffer>;

/** The application's end of its connection to the engine. */
export interface AppReading {
  /** Its own port. */
  readonly port: number;
  /** All it has read from there so far, in bytes. */
  readonly bytesRead: number;
}

export function createPulse(): Pulse {
  return new Int32Array(new SharedArrayBuffer(4 * Int32Array.BYTES_PER_ELEMENT));
}

/** Beats until told to stop. `reading` is asked at each beat; undefined: there is no connection. */
export function startPulse(pulse: Pulse, reading: () => AppReading | undefined): () => void {
  let memoryAt = 0;
  const beat = (): void => {
    const now = monotonicMs();
    const app = reading();
    Atomics.store(pulse, APP_PORT, app?.port ?? 0);
    Atomics.store(pulse, APP_READ, (app?.bytesRead ?? 0) & MASK);
    Atomics.store(pulse, AT, now);
    if (now - memoryAt < MEMORY_EVERY_MS) return;
    memoryAt = now;
    Atomics.store(pulse, IS_SHORT, isMemoryShort() ? 1 : 0);
  };
  beat();
  const timer = setInterval(beat, BEAT_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** How late the other thread is, in milliseconds, and whether it is short of memory. */
export function readPulse(pulse: Pulse): Pick<LoadSample, 'lagMs' | 'isMemoryShort'> {
  // Both are 31 bits of the same clock; the difference is right across their wrap.
  const age = (monotonicMs() - Atomics.load(pulse, AT)) & MASK;
  return { lagMs: Math.max(0, age - BEAT_MS), isMemoryShort: Atomics.load(pulse, IS_SHORT) === 1 };
}

/** What the application there had read at the last beat; `bytesWritten` tells how much it was sent, by its port. */
export function readBacklog(
  pulse: Pulse,
  bytesWritten: (port: number) => number | undefined,
): { readonly written: number; readonly read: number } | undefined {
  const port = Atomics.load(pulse, APP_PORT);
  const written = port === 0 ? undefined : bytesWritten(port);
  if (written === undefined) return undefined;
  return { written, read: written - ((written - Atomics.load(pulse, APP_READ)) & MASK) };
}

/** Of this thread's JavaScript. */
export function isMemoryShort(): boolean {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return used > limit * SHORT_OF_MEMORY;
}

/** The machine's clock, the same in every thread, in 31 bits. */
function monotonicMs(): number {
  return Number((process.hrtime.bigint() / 1_000_000n) & BigInt(MASK));
}
