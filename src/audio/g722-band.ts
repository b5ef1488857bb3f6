/** The adaptive predictor of one G.722 sub-band (ITU-T G.722 §3.6 and figures 4 to 6), in its integer arithmetic. */

export function saturate(value: number): number {
  return value > 32767 ? 32767 : value < -32768 ? -32768 : value;
}

const INVERSE_LOG = Int16Array.of(
  2048,
  2093,
  2139,
  2186,
  2233,
  2282,
  2332,
  2383,
  2435,
  2489,
  2543,
  2599,
  2656,
  2714,
  2774,
  2834,
  2896,
  2960,
  3025,
  3091,
  3158,
  3228,
  3298,
  3371,
  3444,
  3520,
  3597,
  3676,
  3756,
  3838,
  3922,
  4008,
);

/** What differs between the lower and the higher band. */
export interface BandShape {
  /** The first scale factor. */
  readonly scale: number;
  /** The ceiling of the logarithmic scale factor. */
  readonly maxLog: number;
  /** The shift of the scale factor's exponent. */
  readonly exponent: number;
}

export const LOWER_BAND: BandShape = { scale: 32, maxLog: 18432, exponent: 8 };
export const HIGHER_BAND: BandShape = { scale: 8, maxLog: 22528, exponent: 10 };

export class Band {
  /** The prediction of the next sample. */
  prediction = 0;
  /** The quantizer's scale factor. */
  scale: number;
  readonly #shape: BandShape;
  #log = 0;
  #zeroPart = 0;
  #reconstructed1 = 0;
  #partial1 = 0;
  #partial2 = 0;
  #pole1 = 0;
  #pole2 = 0;
  readonly #zeros = new Int32Array(6);
  readonly #differences = new Int32Array(6);

  constructor(shape: BandShape) {
    this.#shape = shape;
    this.scale = shape.scale;
  }

  /** Adapts the scale factor (blocks LOGSC and SCALE) by the weight of the code just used. */
  rescale(weight: number): void {
    const { maxLog, exponent } = this.#shape;
    const log = ((this.#log * 127) >> 7) + weight;
    this.#log = log < 0 ? 0 : log > maxLog ? maxLog : log;
    const shift = exponent - (this.#log >> 11);
    const mantissa = INVERSE_LOG[(this.#log >> 6) & 31] ?? 0;
    this.scale = (shift < 0 ? mantissa << -shift : mantissa >> shift) << 2;
  }

  /** Adapts the predictor (block 4) by the quantized difference. */
  adapt(difference: number): void {
    const reconstructed = saturate(this.prediction + difference);
    const partial = saturate(this.#zeroPart + difference);
    this.#adaptPoles(partial);
    const zeroPart = this.#adaptZeros(difference);
    const poles =
      ((this.#pole1 * saturate(2 * reconstructed)) >> 15) + ((this.#pole2 * saturate(2 * this.#reconstructed1)) >> 15);
    this.#reconstructed1 = reconstructed;
    this.#partial2 = this.#partial1;
    this.#partial1 = partial;
    this.#zeroPart = zeroPart;
    this.prediction = saturate(saturate(poles) + zeroPart);
  }

  #adaptPoles(partial: number): void {
    const sign = partial >> 15;
    const sameAsLast = sign === this.#partial1 >> 15;
    const lead = saturate(this.#pole1 << 2);
    const turned = Math.min(sameAsLast ? -lead : lead, 32767);
    const second = (turned >> 7) + (sign === this.#partial2 >> 15 ? 128 : -128) + ((this.#pole2 * 32512) >> 15);
    this.#pole2 = second > 12288 ? 12288 : second < -12288 ? -12288 : second;
    const first = saturate((sameAsLast ? 192 : -192) + ((this.#pole1 * 32640) >> 15));
    const limit = saturate(15360 - this.#pole2);
    this.#pole1 = first > limit ? limit : first < -limit ? -limit : first;
  }

  #adaptZeros(difference: number): number {
    const zeros = this.#zeros;
    const differences = this.#differences;
    const step = difference === 0 ? 0 : 128;
    const sign = difference >> 15;
    let sum = 0;
    for (let i = 5; i >= 0; i--) {
      const past = differences[i] ?? 0;
      zeros[i] = saturate((past >> 15 === sign ? step : -step) + (((zeros[i] ?? 0) * 32640) >> 15));
      const shifted = i === 0 ? difference : (differences[i - 1] ?? 0);
      differences[i] = shifted;
      sum += ((zeros[i] ?? 0) * saturate(2 * shifted)) >> 15;
    }
    return saturate(sum);
  }
}
