/**
 * Other rates for PCM as it comes. Doubling and halving is a half-band filter in two phases, one of which is a mere
 * delay; it keeps what is below 3.4 of 4 kHz, and delays by 1.4 ms at 16 kHz. Other ratios: rational-resampler.ts.
 */
import { RationalResampler } from './rational-resampler.ts';

export interface Resampler {
  /** Takes any number of samples (a multiple of the ratio's denominator, as 20 ms always is), gives as many as last as long. */
  process(pcm: Int16Array): Int16Array;
}

/** Taps of the phase that is no delay; they are symmetrical. */
const TAPS = 24;
const HALF = TAPS / 2;

/** A windowed sinc at the odd places of the half-band filter, normalized to pass a constant unchanged. */
const COEFFICIENTS = ((): Float32Array => {
  const raw = Float32Array.from({ length: TAPS }, (_, i) => {
    const place = i - HALF + 0.5;
    const window = 0.42 + 0.5 * Math.cos((Math.PI * place) / HALF) + 0.08 * Math.cos((2 * Math.PI * place) / HALF);
    return (Math.sin(Math.PI * place) / (Math.PI * place)) * window;
  });
  const sum = raw.reduce((total, each) => total + each, 0);
  return raw.map((each) => each / sum);
})();

/** Undefined when the rates are the same. Throws a RangeError for those whose ratio is no simple one, as 44.1 to 48 kHz. */
export function createResampler(fromHz: number, toHz: number): Resampler | undefined {
  if (fromHz === toHz) return undefined;
  if (toHz === 2 * fromHz) return new Doubler();
  if (fromHz === 2 * toHz) return new Halver();
  return new RationalResampler(fromHz, toHz);
}

class Doubler implements Resampler {
  #past = new Int16Array(TAPS);

  process(pcm: Int16Array): Int16Array {
    const line = joined(this.#past, pcm);
    const out = new Int16Array(2 * pcm.length);
    for (let i = 0; i < pcm.length; i++) {
      // Between the samples i + HALF and i + HALF + 1 of the line.
      out[2 * i] = line[i + HALF] ?? 0;
      out[2 * i + 1] = filtered(line, i + 1, 1);
    }
    this.#past = line.slice(line.length - TAPS);
    return out;
  }
}

class Halver implements Resampler {
  #past = new Int16Array(2 * TAPS);

  process(pcm: Int16Array): Int16Array {
    const line = joined(this.#past, pcm);
    const out = new Int16Array(pcm.length >> 1);
    for (let i = 0; i < out.length; i++) {
      const centre = line[2 * i + TAPS] ?? 0;
      out[i] = clamp((centre + filtered(line, 2 * i + 1, 2)) / 2);
    }
    this.#past = line.slice(line.length - 2 * TAPS);
    return out;
  }
}

function filtered(line: Int16Array, from: number, step: number): number {
  let sum = 0;
  for (let tap = 0; tap < TAPS; tap++) sum += (line[from + tap * step] ?? 0) * (COEFFICIENTS[tap] ?? 0);
  return clamp(sum);
}

function clamp(value: number): number {
  return Math.max(-32_768, Math.min(32_767, Math.round(value)));
}

function joined(past: Int16Array, pcm: Int16Array): Int16Array {
  const line = new Int16Array(past.length + pcm.length);
  line.set(past);
  line.set(pcm, past.length);
  return line;
}
