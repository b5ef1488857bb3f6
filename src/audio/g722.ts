/**
 * G.722 at 64 kbit/s (ITU-T G.722 mode 1): 16 kHz audio split into two bands of 8 kHz, each coded by adaptive
 * differences, six bits for the lower and two for the higher one. Two samples make one byte.
 */
import { Band, HIGHER_BAND, LOWER_BAND, saturate } from './g722-band.ts';

/** The quadrature mirror filter that splits and joins the bands. */
const QMF = Int16Array.of(3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11);
const DECISIONS = Int16Array.of(
  0,
  35,
  72,
  110,
  150,
  190,
  233,
  276,
  323,
  370,
  422,
  473,
  530,
  587,
  650,
  714,
  786,
  858,
  940,
  1023,
  1121,
  1219,
  1339,
  1458,
  1612,
  1765,
  1980,
  2195,
  2557,
  2919,
);
const HIGHER_DECISION = 564;
const LOWER_LEVELS_4 = Int16Array.of(
  0,
  -20456,
  -12896,
  -8968,
  -6288,
  -4240,
  -2584,
  -1200,
  20456,
  12896,
  8968,
  6288,
  4240,
  2584,
  1200,
  0,
);
const LOWER_LEVELS_6 = Int16Array.of(
  -136,
  -136,
  -136,
  -136,
  -24808,
  -21904,
  -19008,
  -16704,
  -14984,
  -13512,
  -12280,
  -11192,
  -10232,
  -9360,
  -8576,
  -7856,
  -7192,
  -6576,
  -6000,
  -5456,
  -4944,
  -4464,
  -4008,
  -3576,
  -3168,
  -2776,
  -2400,
  -2032,
  -1688,
  -1360,
  -1040,
  -728,
  24808,
  21904,
  19008,
  16704,
  14984,
  13512,
  12280,
  11192,
  10232,
  9360,
  8576,
  7856,
  7192,
  6576,
  6000,
  5456,
  4944,
  4464,
  4008,
  3576,
  3168,
  2776,
  2400,
  2032,
  1688,
  1360,
  1040,
  728,
  432,
  136,
  -432,
  -136,
);
const HIGHER_LEVELS = Int16Array.of(-7408, -1616, 7408, 1616);
/** How much a code of the lower band moves the logarithm of its scale factor: WL of RL42. */
const LOWER_WEIGHTS = Int16Array.of(-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60);
const HIGHER_WEIGHTS = Int16Array.of(798, -214, 798, -214);

export class G722Encoder {
  readonly #lower = new Band(LOWER_BAND);
  readonly #higher = new Band(HIGHER_BAND);
  readonly #history = new Int32Array(24);

  /** Takes an even number of samples of 16 kHz, gives half as many bytes. */
  encode(samples: Int16Array): Uint8Array {
    const codes = new Uint8Array(samples.length >> 1);
    const history = this.#history;
    for (let i = 0; i < codes.length; i++) {
      history.copyWithin(0, 2);
      history[22] = samples[2 * i] ?? 0;
      history[23] = samples[2 * i + 1] ?? 0;
      let even = 0;
      let odd = 0;
      for (let tap = 0; tap < 12; tap++) {
        odd += (history[2 * tap] ?? 0) * (QMF[tap] ?? 0);
        even += (history[2 * tap + 1] ?? 0) * (QMF[11 - tap] ?? 0);
      }
      codes[i] = (this.#encodeHigher((even - odd) >> 14) << 6) | this.#encodeLower((even + odd) >> 14);
    }
    return codes;
  }

  #encodeLower(sample: number): number {
    const band = this.#lower;
    const difference = saturate(sample - band.prediction);
    const magnitude = difference >= 0 ? difference : -(difference + 1);
    let index = 1;
    while (index < 30 && magnitude >= ((DECISIONS[index] ?? 0) * band.scale) >> 12) index++;
    const code = difference >= 0 ? 62 - index : index <= 2 ? 64 - index : 34 - index;
    const coarse = code >> 2;
    const quantized = (band.scale * (LOWER_LEVELS_4[coarse] ?? 0)) >> 15;
    band.rescale(LOWER_WEIGHTS[coarse] ?? 0);
    band.adapt(quantized);
    return code;
  }

  #encodeHigher(sample: number): number {
    const band = this.#higher;
    const difference = saturate(sample - band.prediction);
    const magnitude = difference >= 0 ? difference : -(difference + 1);
    const isLarge = magnitude >= (HIGHER_DECISION * band.scale) >> 12;
    const code = (difference >= 0 ? 2 : 0) + (isLarge ? 0 : 1);
    const quantized = (band.scale * (HIGHER_LEVELS[code] ?? 0)) >> 15;
    band.rescale(HIGHER_WEIGHTS[code] ?? 0);
    band.adapt(quantized);
    return code;
  }
}

export class G722Decoder {
  readonly #lower = new Band(LOWER_BAND);
  readonly #higher = new Band(HIGHER_BAND);
  readonly #history = new Int32Array(24);

  /** Gives two samples of 16 kHz per byte. */
  decode(codes: Uint8Array): Int16Array {
    const samples = new Int16Array(codes.length * 2);
    const history = this.#history;
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i] ?? 0;
      const low = this.#decodeLower(code & 0x3f);
      const high = this.#decodeHigher(code >> 6);
      history.copyWithin(0, 2);
      history[22] = low + high;
      history[23] = low - high;
      let first = 0;
      let second = 0;
      for (let tap = 0; tap < 12; tap++) {
        second += (history[2 * tap] ?? 0) * (QMF[tap] ?? 0);
        first += (history[2 * tap + 1] ?? 0) * (QMF[11 - tap] ?? 0);
      }
      samples[2 * i] = saturate(first >> 11);
      samples[2 * i + 1] = saturate(second >> 11);
    }
    return samples;
  }

  #decodeLower(code: number): number {
    const band = this.#lower;
    const sample = limit(band.prediction + ((band.scale * (LOWER_LEVELS_6[code] ?? 0)) >> 15));
    const coarse = code >> 2;
    const quantized = (band.scale * (LOWER_LEVELS_4[coarse] ?? 0)) >> 15;
    band.rescale(LOWER_WEIGHTS[coarse] ?? 0);
    band.adapt(quantized);
    return sample;
  }

  #decodeHigher(code: number): number {
    const band = this.#higher;
    const quantized = (band.scale * (HIGHER_LEVELS[code] ?? 0)) >> 15;
    const sample = limit(band.prediction + quantized);
    band.rescale(HIGHER_WEIGHTS[code] ?? 0);
    band.adapt(quantized);
    return sample;
  }
}

function limit(value: number): number {
  return value > 16383 ? 16383 : value < -16384 ? -16384 : value;
}
