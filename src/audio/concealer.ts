/**
 * Makes up for lost PCM by repeating the last pitch period, after ITU-T G.711 Appendix I: a longer stretch is repeated
 * as the loss goes on, from 10 ms on it fades, and after 60 ms there is silence. Unlike the recommendation nothing is
 * delayed to join the ends smoothly: the seam at the start is bent away instead, the one at the end is faded over.
 */

const HISTORY_SEC = 0.05;
const SHORTEST_PITCH_SEC = 0.005;
const LONGEST_PITCH_SEC = 0.015;
/** The stretch that two candidates are compared over. */
const COMPARED_SEC = 0.02;
const FADE_FROM_SEC = 0.01;
const SILENT_FROM_SEC = 0.06;
/** Of the fade into what comes after the loss: this, and as much again for every 10 ms lost, up to 10 ms. */
const JOIN_SEC = 0.004;
const LONGEST_JOIN_SEC = 0.01;

export class Concealer {
  readonly #rateHz: number;
  /** The last 50 ms heard or made up. */
  readonly #history: Int16Array;
  /** At the beginning of the loss: the last three pitch periods and how long one is. */
  #source: Int16Array = new Int16Array(0);
  #period = 0;
  #seam = 0;
  /** Samples made up so far in this loss; 0: none is going on. */
  #lost = 0;

  constructor(rateHz: number) {
    this.#rateHz = rateHz;
    this.#history = new Int16Array(Math.round(rateHz * HISTORY_SEC));
  }

  /** Takes note of what was received; after a loss it is faded into, in place. */
  heard(pcm: Int16Array): Int16Array {
    if (this.#lost > 0) this.#join(pcm);
    this.#remember(pcm);
    return pcm;
  }

  /** Makes up the next `samples` samples. */
  conceal(samples: number): Int16Array {
    if (this.#lost === 0) this.#begin();
    const pcm = new Int16Array(samples);
    for (let i = 0; i < samples; i++) pcm[i] = this.#sampleAt(this.#lost + i);
    this.#lost += samples;
    this.#remember(pcm);
    return pcm;
  }

  #begin(): void {
    const history = this.#history;
    this.#period = pitchOf(history, this.#rateHz);
    this.#source = history.slice(history.length - 3 * this.#period);
    // What the repetition begins with follows the sample one period back, not the last one: the step between them.
    this.#seam = (history.at(-1) ?? 0) - (history.at(-1 - this.#period) ?? 0);
  }

  /** One period is repeated for the first 10 ms, then two, then three, so that it does not buzz (Appendix I §I.2.5). */
  #sampleAt(at: number): number {
    const seconds = at / this.#rateHz;
    if (seconds >= SILENT_FROM_SEC || this.#period === 0) return 0;
    const periods = seconds < 0.01 ? 1 : seconds < 0.02 ? 2 : 3;
    const span = periods * this.#period;
    const sample = this.#source[this.#source.length - span + (at % span)] ?? 0;
    const bend = this.#period / 4;
    const bent = at < bend ? sample + this.#seam * (1 - (at + 1) / bend) : sample;
    const gain = seconds < FADE_FROM_SEC ? 1 : 1 - (seconds - FADE_FROM_SEC) / (SILENT_FROM_SEC - FADE_FROM_SEC);
    return Math.max(-32_768, Math.min(32_767, bent * gain));
  }

  /** The repetition goes on under the beginning of the real thing. */
  #join(pcm: Int16Array): void {
    const lostSec = this.#lost / this.#rateHz;
    const joinSec = Math.min(LONGEST_JOIN_SEC, JOIN_SEC * (1 + Math.floor(lostSec / 0.01)));
    const length = Math.min(pcm.length, Math.round(joinSec * this.#rateHz));
    for (let i = 0; i < length; i++) {
      const share = (i + 1) / (length + 1);
      pcm[i] = (pcm[i] ?? 0) * share + this.#sampleAt(this.#lost + i) * (1 - share);
    }
    this.#lost = 0;
  }

  #remember(pcm: Int16Array): void {
    const history = this.#history;
    if (pcm.length >= history.length) {
      history.set(pcm.subarray(pcm.length - history.length));
      return;
    }
    history.copyWithin(0, pcm.length);
    history.set(pcm, history.length - pcm.length);
  }
}

/** The lag at which the last 20 ms resemble what was before them most, in samples. */
function pitchOf(history: Int16Array, rateHz: number): number {
  // A quarter of the samples suffices to find the neighbourhood at 16 kHz, half of them at 8 kHz.
  const stride = Math.max(1, Math.round(rateHz / 4000));
  const shortest = Math.round(rateHz * SHORTEST_PITCH_SEC);
  const longest = Math.round(rateHz * LONGEST_PITCH_SEC);
  const coarse = bestLag(history, { from: shortest, to: longest, step: stride, stride, rateHz });
  const from = Math.max(shortest, coarse - stride + 1);
  const to = Math.min(longest, coarse + stride - 1);
  return bestLag(history, { from, to, step: 1, stride: 1, rateHz });
}

interface LagSearch {
  readonly from: number;
  readonly to: number;
  /** Between the lags tried. */
  readonly step: number;
  /** Between the samples compared. */
  readonly stride: number;
  readonly rateHz: number;
}

function bestLag(history: Int16Array, { from, to, step, stride, rateHz }: LagSearch): number {
  const end = history.length;
  const begin = end - Math.round(rateHz * COMPARED_SEC);
  let best = from;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (let lag = from; lag <= to; lag += step) {
    let product = 0;
    let energy = 1;
    for (let i = begin; i < end; i += stride) {
      const earlier = history[i - lag] ?? 0;
      product += (history[i] ?? 0) * earlier;
      energy += earlier * earlier;
    }
    const score = product / Math.sqrt(energy);
    if (score > bestScore) {
      bestScore = score;
      best = lag;
    }
  }
  return best;
}
