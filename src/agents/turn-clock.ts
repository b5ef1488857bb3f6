/** Measures turns: the caller has stopped to speak, the agent's first byte is here, its first packet leaves. */
import type { TurnRecord } from '../calls/index.ts';

/** Whoever speaks still, or has done so within this time, is not being answered yet, ms. */
const LEAST_PAUSE_MS = 60;

export class TurnClock {
  /** The caller's turn: since when it is over, if it is. */
  #stoppedMs: number | undefined;
  #isSpeaking = false;
  #firstByteMs: number | undefined;

  callerSpeaks(): void {
    this.#isSpeaking = true;
    this.#firstByteMs = undefined;
  }

  /** `nowMs`: when voice, or a key, was heard last. */
  callerSpoke(atMs: number): void {
    this.#isSpeaking = false;
    this.#stoppedMs = atMs;
  }

  /** Audio of the agent has come. `silentMs`: how long the caller says nothing. */
  agentSpeaks(nowMs: number, silentMs: number): void {
    if (this.#firstByteMs !== undefined) return;
    if (this.#isSpeaking) {
      // The agent knows sooner than we that the caller has finished.
      if (silentMs < LEAST_PAUSE_MS) return;
      this.callerSpoke(nowMs - silentMs);
    }
    if (this.#stoppedMs !== undefined) this.#firstByteMs = nowMs;
  }

  /** A packet with the agent's words leaves. The answer: the turn that this completes; `wallTime` is now since 1970. */
  heard(nowMs: number, wallTime: number): TurnRecord | undefined {
    const [stoppedMs, firstByteMs] = [this.#stoppedMs, this.#firstByteMs];
    if (stoppedMs === undefined || firstByteMs === undefined) return undefined;
    this.#stoppedMs = undefined;
    this.#firstByteMs = undefined;
    return {
      stoppedAt: Math.round(wallTime - (nowMs - stoppedMs)),
      agentMs: Math.round(firstByteMs - stoppedMs),
      playoutMs: Math.round(nowMs - firstByteMs),
    };
  }
}
