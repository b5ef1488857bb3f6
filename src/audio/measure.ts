/** Measures tones and silence in recordings: the ears of the tests, and of anyone who must know what was heard. */

export interface ToneMeasure {
  /** Level of the part at the asked frequency; 0 dBFS is a sine at full scale, -Infinity nothing at all. */
  readonly levelDbfs: number;
  /** Level of the whole signal, on the same scale. */
  readonly totalDbfs: number;
  /** The tone over everything else, dB. */
  readonly snrDb: number;
  /** The strongest frequency between 50 Hz and 4 kHz, to a fraction of a hertz; NaN in silence. */
  readonly frequencyHz: number;
}

export interface Gap {
  readonly startMs: number;
  readonly durationMs: number;
}

export interface GapOptions {
  /** Quieter than this is a gap, dBFS. */
  readonly thresholdDb: number;
  /** Shorter gaps are not listed, ms. */
  readonly minMs: number;
}

const FULL_SCALE = 32767;
const LOWEST_HZ = 50;
const HIGHEST_HZ = 4000;
/** The scan for the strongest frequency looks at this much of the recording, from its middle, s. */
const SCAN_SEC = 0.5;
const GAP_WINDOW_MS = 5;

export function measureTone(samples: Int16Array, rateHz: number, hz: number): ToneMeasure {
  const { amplitude, rest } = fitSine(samples, rateHz, hz);
  const total = Math.SQRT2 * rms(samples, 0, samples.length);
  return {
    levelDbfs: toDb(amplitude / FULL_SCALE),
    totalDbfs: toDb(total / FULL_SCALE),
    snrDb: toDb(amplitude / rest),
    frequencyHz: total === 0 ? Number.NaN : strongestFrequency(samples, rateHz),
  };
}

/** The stretches quieter than the threshold, in order of time. Resolution 5 ms. */
export function findGaps(samples: Int16Array, rateHz: number, options: GapOptions): Gap[] {
  const window = Math.max(1, Math.round((rateHz * GAP_WINDOW_MS) / 1000));
  const gaps: Gap[] = [];
  let begin = -1;
  const close = (end: number): void => {
    if (begin === -1) return;
    const durationMs = ((end - begin) * 1000) / rateHz;
    if (durationMs >= options.minMs) gaps.push({ startMs: (begin * 1000) / rateHz, durationMs });
    begin = -1;
  };
  for (let at = 0; at < samples.length; at += window) {
    const end = Math.min(at + window, samples.length);
    const isQuiet = toDb((Math.SQRT2 * rms(samples, at, end)) / FULL_SCALE) < options.thresholdDb;
    if (!isQuiet) close(at);
    else if (begin === -1) begin = at;
  }
  close(samples.length);
  return gaps;
}

/**
 * The sine of one frequency that fits best, by least squares, and what it leaves over, both as amplitudes. Unlike a
 * spectrum it does not need a whole number of periods.
 */
function fitSine(samples: Int16Array, rateHz: number, hz: number): { amplitude: number; rest: number } {
  const omega = (2 * Math.PI * hz) / rateHz;
  const sums = { xx: 0, xc: 0, xs: 0, cc: 0, cs: 0, ss: 0 };
  for (let i = 0; i < samples.length; i++) {
    const x = samples[i] ?? 0;
    const c = Math.cos(omega * i);
    const s = Math.sin(omega * i);
    sums.xx += x * x;
    sums.xc += x * c;
    sums.xs += x * s;
    sums.cc += c * c;
    sums.cs += c * s;
    sums.ss += s * s;
  }
  const determinant = sums.cc * sums.ss - sums.cs ** 2;
  if (determinant === 0) return { amplitude: 0, rest: 0 };
  const cosine = (sums.xc * sums.ss - sums.xs * sums.cs) / determinant;
  const sine = (sums.xs * sums.cc - sums.xc * sums.cs) / determinant;
  const left = Math.max(sums.xx - cosine * sums.xc - sine * sums.xs, 0);
  return { amplitude: Math.hypot(cosine, sine), rest: Math.sqrt((2 * left) / samples.length) };
}

interface Spectrum {
  readonly re: number;
  readonly im: number;
}

/** The amplitude and phase at one frequency: Goertzel's recursion, scaled so that a sine gives its amplitude. */
function spectrumAt(samples: Int16Array, rateHz: number, hz: number): Spectrum {
  const omega = (2 * Math.PI * hz) / rateHz;
  const coefficient = 2 * Math.cos(omega);
  let last = 0;
  let before = 0;
  for (let i = 0; i < samples.length; i++) {
    const next = (samples[i] ?? 0) + coefficient * last - before;
    before = last;
    last = next;
  }
  const scale = samples.length === 0 ? 0 : 2 / samples.length;
  // The recursion's phase is that at the last sample; turned back to the first.
  const re = (last - before * Math.cos(omega)) * scale;
  const im = before * Math.sin(omega) * scale;
  const turn = -omega * (samples.length - 1);
  return { re: re * Math.cos(turn) - im * Math.sin(turn), im: re * Math.sin(turn) + im * Math.cos(turn) };
}

function strongestFrequency(samples: Int16Array, rateHz: number): number {
  const length = Math.min(samples.length, Math.round(rateHz * SCAN_SEC));
  const start = (samples.length - length) >> 1;
  const part = samples.subarray(start, start + length);
  const top = Math.min(HIGHEST_HZ, rateHz / 2);
  // Half a resolution cell is the widest step that cannot fall between two lobes.
  const step = rateHz / length / 2;
  let best = LOWEST_HZ;
  let bestMagnitude = -1;
  for (let hz = LOWEST_HZ; hz < top; hz += step) {
    const found = magnitude(spectrumAt(part, rateHz, hz));
    if (found > bestMagnitude) {
      bestMagnitude = found;
      best = hz;
    }
  }
  return refine(part, rateHz, best);
}

/** The phase between the two halves says how far the true frequency is from the estimate. */
function refine(samples: Int16Array, rateHz: number, hz: number): number {
  const half = samples.length >> 1;
  if (half === 0) return hz;
  const first = spectrumAt(samples.subarray(0, half), rateHz, hz);
  const second = spectrumAt(samples.subarray(half, 2 * half), rateHz, hz);
  const advance = Math.atan2(second.im, second.re) - Math.atan2(first.im, first.re);
  const expected = (2 * Math.PI * hz * half) / rateHz;
  const turns = (advance - expected) / (2 * Math.PI);
  return hz + ((turns - Math.round(turns)) * rateHz) / half;
}

function magnitude({ re, im }: Spectrum): number {
  return Math.hypot(re, im);
}

function rms(samples: Int16Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += (samples[i] ?? 0) ** 2;
  return to > from ? Math.sqrt(sum / (to - from)) : 0;
}

function toDb(ratio: number): number {
  return 20 * Math.log10(ratio);
}
