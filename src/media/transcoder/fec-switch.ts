/**
 * How much loss an encoder is to expect, by what the receiver reports: redundancy comes at once and goes only when the
 * loss has been gone for a while, because it costs bits and time and losses come in bouts. Pure.
 */

/** Less is not worth the redundancy, which takes half as many bits again. */
const ON_FROM = 0.02;
/** Once it is on: less is none. */
const OFF_BELOW = 0.005;
const CALM_MS = 10_000;
/** An encoder that is told of every percent is never at rest. */
const STEPS: readonly number[] = [0.05, 0.1, 0.2, 0.3];

export class FecSwitch {
  #expected = 0;
  /** When at least as much as expected was lost for the last time. */
  #lostAtMs = 0;

  /** Takes the fraction (0 to 1) lost of late; answers with the one to expect: 0, no redundancy. */
  take(lost: number, nowMs: number): number {
    const threshold = this.#expected > 0 ? OFF_BELOW : ON_FROM;
    const wanted = lost < threshold ? 0 : (STEPS.find((step) => lost <= step) ?? 0.3);
    if (wanted >= this.#expected || nowMs - this.#lostAtMs >= CALM_MS) {
      this.#expected = wanted;
      this.#lostAtMs = nowMs;
    }
    return this.#expected;
  }
}
