/**
 * Whether a remote is silent or dead, by when it was last heard and what may be expected of it. Pure.
 *
 * - Everything that it says counts, RTP and RTCP: a muted phone still reports (RFC 3550 §6.2).
 * - Who is on hold need not send, and neither need who has announced a pause by comfort noise (RFC 3389 §5).
 * - Who was never heard is told apart: it may listen only, or be behind something that lets nothing through.
 */

/** How long a remote may be silent, ms; 0: for any time. */
export interface SilenceBounds {
  /** That is to send. */
  readonly talkingMs: number;
  /** That need not: on hold, or in a pause. */
  readonly restingMs: number;
}

export interface Silence {
  /** Of the bound that has passed. */
  readonly silentMs: number;
  /** Whether anything came before it, ever. */
  readonly wasHeard: boolean;
}

const FOREVER: SilenceBounds = { talkingMs: 0, restingMs: 0 };

export class SilenceWatch {
  #bounds = FOREVER;
  #isOnHold = false;
  #isPausing = false;
  #wasHeard = false;
  #sinceMs: number;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** What was agreed, first or again: the remote has all its time from now on. */
  expect(bounds: SilenceBounds | undefined, isOnHold: boolean, nowMs: number): void {
    this.#bounds = bounds ?? FOREVER;
    this.#isOnHold = isOnHold;
    this.#sinceMs = nowMs;
  }

  /** RTP. `isNoise`: comfort noise, after which nothing need come until somebody speaks. */
  heard(nowMs: number, isNoise: boolean): void {
    this.#sinceMs = nowMs;
    this.#wasHeard = true;
    this.#isPausing = isNoise;
  }

  /** RTCP, or what else shows that somebody is there, though not whether it speaks. */
  sensed(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#wasHeard = true;
  }

  /** Whether half of the time is over: who cannot hear everything should begin to. */
  isHalfOver(nowMs: number): boolean {
    return this.#boundMs > 0 && nowMs - this.#sinceMs >= this.#boundMs / 2;
  }

  /** The silence that is too long now. It is told once, and again when it has lasted as long once more. */
  due(nowMs: number): Silence | undefined {
    const boundMs = this.#boundMs;
    if (boundMs === 0 || nowMs - this.#sinceMs < boundMs) return undefined;
    this.#sinceMs = nowMs;
    // Nobody is missed whom nothing is expected of.
    return this.#wasHeard || !this.#isResting ? { silentMs: boundMs, wasHeard: this.#wasHeard } : undefined;
  }

  get #isResting(): boolean {
    return this.#isOnHold || this.#isPausing;
  }

  get #boundMs(): number {
    return this.#isResting ? this.#bounds.restingMs : this.#bounds.talkingMs;
  }
}
