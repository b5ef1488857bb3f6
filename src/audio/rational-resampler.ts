/**
 * PCM at a rate that is a simple fraction of its own (8 to 24 kHz, 24 to 16 kHz): a windowed sinc, of which each output
 * sample needs one phase. What is above 0.42 of the lower rate is cut, and it delays by 12 samples of the lower rate.
 */

/** Zero crossings of the sinc on either side, at the lower of the two rates. */
const CROSSINGS = 12;
/** Of half the lower rate. */
const PASSED = 0.9;
/** A ratio with more phases than this is not for us. */
const MAX_PHASES = 8;

export class RationalResampler {
  readonly #up: number;
  readonly #down: number;
  /** One filter for each place between two samples that an output sample can have. */
  readonly #phases: readonly Float32Array[];
  readonly #taps: number;
  #past: Int16Array;
  /** Where the next output sample is after the beginning of the next piece, in input samples times `up`. */
  #phase = 0;

  /** Throws a RangeError for a ratio that is no simple one. */
  constructor(fromHz: number, toHz: number) {
    const divisor = commonDivisor(fromHz, toHz);
    this.#up = toHz / divisor;
    this.#down = fromHz / divisor;
    if (Math.max(this.#up, this.#down) > MAX_PHASES) throw new RangeError(`no way from ${fromHz} Hz to ${toHz} Hz`);
    this.#taps = 2 * Math.ceil(CROSSINGS * Math.max(1, fromHz / toHz));
    const cutoff = PASSED * Math.min(1, toHz / fromHz);
    this.#phases = Array.from({ length: this.#up }, (_, phase) => filter(phase / this.#up, this.#taps, cutoff));
    this.#past = new Int16Array(this.#taps);
  }

  process(pcm: Int16Array): Int16Array {
    const line = new Int16Array(this.#taps + pcm.length);
    line.set(this.#past);
    line.set(pcm, this.#taps);
    const end = pcm.length * this.#up;
    const out = new Int16Array(Math.max(0, Math.ceil((end - this.#phase) / this.#down)));
    for (let i = 0; i < out.length; i++, this.#phase += this.#down) {
      const phase = this.#phase % this.#up;
      out[i] = this.#at(line, (this.#phase - phase) / this.#up, this.#phases[phase]);
    }
    this.#phase -= end;
    this.#past = line.slice(pcm.length);
    return out;
  }

  #at(line: Int16Array, from: number, phase: Float32Array | undefined): number {
    let sum = 0;
    for (let tap = 0; tap < this.#taps; tap++) sum += (line[from + tap] ?? 0) * (phase?.[tap] ?? 0);
    return Math.max(-32_768, Math.min(32_767, Math.round(sum)));
  }
}

/** For an output sample `offset` (0 to 1) after the middle one; normalized to pass a constant unchanged. */
function filter(offset: number, taps: number, cutoff: number): Float32Array {
  const half = taps / 2;
  const raw = Float32Array.from({ length: taps }, (_, tap) => {
    const distance = tap - (half - 1) - offset;
    const x = Math.PI * cutoff * distance;
    const sinc = x === 0 ? 1 : Math.sin(x) / x;
    return (
      sinc * (0.42 + 0.5 * Math.cos((Math.PI * distance) / half) + 0.08 * Math.cos((2 * Math.PI * distance) / half))
    );
  });
  const sum = raw.reduce((total, each) => total + each, 0);
  return raw.map((each) => each / sum);
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
