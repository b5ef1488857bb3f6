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

/** For `createPulse` and `readPulse`. */
export type Pulse = Int32Array<SharedArrayBuffer>;

export function createPulse(): Pulse {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
}

/** Beats until told to stop. */
export function startPulse(pulse: Pulse): () => void {
  let memoryAt = 0;
  const beat = (): void => {
    const now = monotonicMs();
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
export function readPulse(pulse: Pulse): LoadSample {
  // Both are 31 bits of the same clock; the difference is right across their wrap.
  const age = (monotonicMs() - Atomics.load(pulse, AT)) & 0x7fff_ffff;
  return { lagMs: Math.max(0, age - BEAT_MS), isMemoryShort: Atomics.load(pulse, IS_SHORT) === 1 };
}

/** Of this thread's JavaScript. */
export function isMemoryShort(): boolean {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return used > limit * SHORT_OF_MEMORY;
}

/** The machine's clock, the same in every thread, in 31 bits. */
function monotonicMs(): number {
  return Number((process.hrtime.bigint() / 1_000_000n) & 0x7fff_ffffn);
}
