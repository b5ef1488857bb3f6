/** How many calls a trunk may carry, and how many may begin in a second, both directions together. */
import type { Clock } from '../kernel/index.ts';

export interface TrunkLimits {
  /** Calls at the same time. */
  readonly calls?: number | undefined;
  /** New calls each second, on average; a burst of one second's worth is allowed. */
  readonly callsPerSec?: number | undefined;
}

export type CallDirection = 'inbound' | 'outbound';

/** A place for one call. Giving it back twice does nothing. */
export type TrunkPass = () => void;

export interface TrunkLoad {
  readonly inbound: number;
  readonly outbound: number;
  /** Calls refused for a limit since the start. */
  readonly refusedInbound: number;
  readonly refusedOutbound: number;
}

/** A token bucket: full at first, filled at a constant rate. */
export interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/** Pure: the bucket after taking one token; undefined when there is none. */
export function takeToken(bucket: Bucket, perSec: number, now: number): Bucket | undefined {
  const filled = Math.min(burstOf(perSec), bucket.tokens + ((now - bucket.at) / 1000) * perSec);
  return filled < 1 ? undefined : { tokens: filled - 1, at: now };
}

function burstOf(perSec: number): number {
  return Math.max(1, perSec);
}

export class TrunkGate {
  /** May change while calls run; those are counted on. */
  limits: TrunkLimits = {};
  readonly #clock: Clock;
  readonly #calls = { inbound: 0, outbound: 0 };
  readonly #refused = { inbound: 0, outbound: 0 };
  #bucket: Bucket;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#bucket = { tokens: Number.POSITIVE_INFINITY, at: clock.now() };
  }

  get load(): TrunkLoad {
    const { inbound, outbound } = this.#calls;
    return { inbound, outbound, refusedInbound: this.#refused.inbound, refusedOutbound: this.#refused.outbound };
  }

  /** Undefined: over a limit. An emergency call is counted and never refused. */
  enter(direction: CallDirection, isEmergency: boolean): TrunkPass | undefined {
    if (!this.#hasRoom() && !isEmergency) {
      this.#refused[direction] += 1;
      return undefined;
    }
    this.#calls[direction] += 1;
    let isOut = false;
    return () => {
      if (isOut) return;
      isOut = true;
      this.#calls[direction] -= 1;
    };
  }

  #hasRoom(): boolean {
    const { calls, callsPerSec } = this.limits;
    if (calls !== undefined && this.#calls.inbound + this.#calls.outbound >= calls) return false;
    if (callsPerSec === undefined) return true;
    const bucket = takeToken(this.#bucket, callsPerSec, this.#clock.now());
    if (bucket !== undefined) this.#bucket = bucket;
    return bucket !== undefined;
  }
}
