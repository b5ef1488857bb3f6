/**
 * How long the machine itself stood still: a measure of sound over real time says nothing about the gateway while
 * nobody got the processor. A timer every 5 ms sees it.
 */
import { readFileSync } from 'node:fs';
import { longestGapMs, type Sound } from './sound.ts';

export interface StallWatch {
  /** Longest delay of the timer so far, in milliseconds. */
  longestMs(): number;
  stop(): void;
}

const TICK_MS = 5;

export function watchStalls(): StallWatch {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - TICK_MS);
    last = now;
  }, TICK_MS);
  return {
    longestMs: () => Math.max(longest, performance.now() - last - TICK_MS),
    stop: () => clearInterval(timer),
  };
}

/** A machine that stood still this long has made gaps at both ends. */
const STALL_MS = 100;
/** A stall that is seen in times of a few frames. */
const SHORT_STALL_MS = 20;
/** Times that a standing machine may spoil. */
const TIMES = 3;

/** Of the time, how much somebody may have waited for a processor before gaps are the machine's. */
const CROWDED_SHARE = 0.5;

/** How long anybody on this machine has waited for a processor, in milliseconds since it started; 0: it does not say. */
function waitedMs(): number {
  try {
    return Number(/^some .*total=(\d+)/m.exec(readFileSync('/proc/pressure/cpu', 'utf8'))?.[1] ?? 0) / 1_000;
  } catch {
    return 0;
  }
}

/** Watches the machine from now on; `stop` says whether it stood still or was so crowded that short times say nothing. */
export function watchMachine(): { stop(): boolean } {
  const stalls = watchStalls();
  const [since, waited] = [performance.now(), waitedMs()];
  return {
    stop: () => {
      stalls.stop();
      const isCrowded = waitedMs() - waited > CROWDED_SHARE * (performance.now() - since);
      return isCrowded || stalls.longestMs() > SHORT_STALL_MS;
    },
  };
}

/**
 * Listens, and once more when the machine stood still or was so crowded that a gap of more than `gapMs` in the tone of
 * `hz` says nothing about anybody. What was heard last is given in any case, gaps and all.
 */
export async function hearUndisturbed(
  hear: () => Promise<Sound>,
  { hz, gapMs }: { readonly hz: number; readonly gapMs: number },
): Promise<Sound> {
  for (let time = 1; ; time++) {
    const stalls = watchStalls();
    const [since, waited] = [performance.now(), waitedMs()];
    const heard = await hear();
    stalls.stop();
    const stoodMs = stalls.longestMs();
    const isCrowded = waitedMs() - waited > CROWDED_SHARE * (performance.now() - since);
    const mayHaveGaps = stoodMs > gapMs || isCrowded;
    const isSpoilt = stoodMs > STALL_MS || (mayHaveGaps && longestGapMs(heard, hz) > gapMs);
    if (!isSpoilt || time === TIMES) return heard;
  }
}
