/**
 * How long the machine itself stood still: a measure of sound over real time says nothing about the gateway while
 * nobody got the processor. A timer every 5 ms sees it.
 */
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
