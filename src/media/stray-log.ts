/**
 * Packets of an SSRC that no Producer was made for. mediasoup has no event for them, but it says so in its log at
 * once, without a word on which transport it was.
 */
import { setLogEventListeners, type types } from 'mediasoup';
import type { Unsubscribe } from '../kernel/index.ts';

/** What a worker has to be started with for this. */
export const strayLogSettings: Pick<types.WorkerSettings, 'logLevel' | 'logTags'> = {
  logLevel: 'warn',
  logTags: ['rtp'],
};

/** What a worker is set to while strays come in floods: each line of its log costs as much as many packets. */
export const deafLogSettings: typeof strayLogSettings = { logLevel: 'error', logTags: [] };

/** More strays than a peer's change of SSRC on every call brings. */
const floodPerSec = 500;

/** Tells a flood of strays from the few that a change of SSRC brings. Pure. */
export class StrayRate {
  #sinceMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  /** Counts a stray; true once when there are too many. */
  isFlood(nowMs: number): boolean {
    if (nowMs - this.#sinceMs >= 1000) {
      this.#sinceMs = nowMs;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count === floodPerSec;
  }
}

const pattern = /(?:no suitable Producer|no stream found).*\[ssrc:(\d+)/;
const listeners = new Set<(ssrc: number) => void>();

function onWarning(_namespace: string, text: string): void {
  const ssrc = pattern.exec(text)?.[1];
  if (ssrc !== undefined) for (const listener of listeners) listener(Number(ssrc));
}

export function onStray(listener: (ssrc: number) => void): Unsubscribe {
  if (listeners.size === 0) setLogEventListeners({ onwarn: onWarning });
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) setLogEventListeners(undefined);
  };
}
