/**
 * Finds the lag of a speaker in real time: what waits in its queue all the time serves nobody but comes from a stall, of
 * ours or of the network, that is long over. Who speaks ahead of time has a deep queue on purpose and is left alone.
 */

/** So long the speaker is watched before anything is done about a lag, ms. */
const WATCH_MS = 2000;
/** A lag up to this much above the prebuffer is not worth it, ms. */
const LEAST_LAG_MS = 60;
/** Whoever is further ahead than a live connection ever falls behind has meant it, ms. */
const MAX_LAG_MS = 2000;
/**
 * How much the depth may move while the supply counts as real time, ms. Within the time of watching it bounds what came
 * to 0.9 to 1.1 times what was played, and no single piece of it is longer.
 */
const MAX_MOVE_MS = 200;

export class CatchUp {
  readonly #frameMs: number;
  /** What waits, a frame included that is about to be played, of somebody who does not lag. */
  readonly #enoughMs: number;
  #watchedMs = 0;
  #leastMs = 0;
  #mostMs = 0;
  #lagMs = 0;

  constructor(frameMs: number, prebufferMs: number) {
    this.#frameMs = frameMs;
    this.#enoughMs = Math.max(prebufferMs, frameMs);
  }

  /** Of a frame that is about to be played, with so much waiting, it included. True: it may be left out if it is silent. */
  mayDrop(depthMs: number): boolean {
    if (this.#lagMs > 0) return this.#goesOn(depthMs);
    if (depthMs < this.#enoughMs + LEAST_LAG_MS) {
      this.restart();
      return false;
    }
    this.#watch(depthMs);
    if (this.#watchedMs < WATCH_MS) return false;
    this.#lagMs = this.#leastMs - this.#enoughMs;
    this.#mostMs = depthMs;
    return this.#goesOn(depthMs);
  }

  /** A frame was left out. */
  dropped(): void {
    this.#lagMs -= this.#frameMs;
    this.#mostMs -= this.#frameMs;
    if (this.#lagMs < this.#frameMs) this.restart();
  }

  /** The speech has paused, or what waited was thrown away. */
  restart(): void {
    this.#watchedMs = 0;
    this.#lagMs = 0;
  }

  #watch(depthMs: number): void {
    if (this.#watchedMs === 0) this.#leastMs = this.#mostMs = depthMs;
    this.#leastMs = Math.min(this.#leastMs, depthMs);
    this.#mostMs = Math.max(this.#mostMs, depthMs);
    this.#watchedMs += this.#frameMs;
    const isSteady = this.#mostMs - this.#leastMs <= MAX_MOVE_MS && this.#leastMs <= MAX_LAG_MS;
    if (!isSteady) this.restart();
  }

  /** Until the lag is gone, unless the speaker gets ahead, or behind. */
  #goesOn(depthMs: number): boolean {
    const isSteady = Math.abs(depthMs - this.#mostMs) <= MAX_MOVE_MS;
    if (!isSteady) this.restart();
    return isSteady && depthMs >= this.#enoughMs + this.#frameMs;
  }
}
