/** How much of a signal is left in another: alignment, segmental signal-to-noise ratio, spectral distance. */

const SEGMENT_SEC = 0.02;
/** Segments quieter than this below the loudest say nothing about quality, dB. */
const QUIET_DB = 35;
const BANDS_HZ = [300, 450, 650, 900, 1200, 1600, 2100, 2700, 3300];

/** By how many samples `heard` is behind `original`, at most `most`. */
export function delayOf(original: Int16Array, heard: Int16Array, most: number): number {
  let best = 0;
  let bestSum = Number.NEGATIVE_INFINITY;
  for (let lag = 0; lag < most; lag++) {
    let sum = 0;
    for (let i = 0; i < original.length; i += 7) sum += (original[i] ?? 0) * (heard[i + lag] ?? 0);
    if (sum > bestSum) {
      bestSum = sum;
      best = lag;
    }
  }
  return best;
}

/** Mean over the loud segments, each limited to -10 to 35 dB. Both begin at the same time. */
export function segmentalSnrDb(original: Int16Array, heard: Int16Array, rateHz: number): number {
  const each = loudSegments(original, rateHz).map(([from, to]) => {
    let signal = 1;
    let noise = 1;
    for (let i = from; i < to; i++) {
      signal += (original[i] ?? 0) ** 2;
      noise += ((original[i] ?? 0) - (heard[i] ?? 0)) ** 2;
    }
    return Math.max(-10, Math.min(35, 10 * Math.log10(signal / noise)));
  });
  return each.reduce((sum, value) => sum + value, 0) / each.length;
}

/** Mean difference of the levels in the bands of a telephone, over the loud segments, dB. */
export function spectralDistanceDb(original: Int16Array, heard: Int16Array, rateHz: number): number {
  const each = loudSegments(original, rateHz).map(([from, to]) => {
    const differences = BANDS_HZ.map((hz) =>
      Math.min(40, Math.abs(levelDb(original, [from, to], hz / rateHz) - levelDb(heard, [from, to], hz / rateHz))),
    );
    return differences.reduce((sum, value) => sum + value, 0) / differences.length;
  });
  return each.reduce((sum, value) => sum + value, 0) / each.length;
}

function loudSegments(pcm: Int16Array, rateHz: number): readonly (readonly [number, number])[] {
  const length = rateHz * SEGMENT_SEC;
  const all = Array.from(
    { length: Math.floor(pcm.length / length) },
    (_, i) => [i * length, (i + 1) * length] as const,
  );
  const powers = all.map(([from, to]) => pcm.subarray(from, to).reduce((sum, x) => sum + x * x, 1));
  const least = Math.max(...powers) * 10 ** (-QUIET_DB / 10);
  return all.filter((_, i) => (powers[i] ?? 0) > least);
}

function levelDb(pcm: Int16Array, [from, to]: readonly [number, number], turns: number): number {
  let re = 0;
  let im = 0;
  for (let i = from; i < to; i++) {
    const window = Math.sin((Math.PI * (i - from)) / (to - from)) ** 2;
    re += window * (pcm[i] ?? 0) * Math.cos(2 * Math.PI * turns * i);
    im += window * (pcm[i] ?? 0) * Math.sin(2 * Math.PI * turns * i);
  }
  return 10 * Math.log10(re * re + im * im + 1e4);
}
