/** Sines of one length together, with edges soft enough not to click. */
const EDGE_SEC = 0.004;

/** Adds them to `samples` from `at` on. `levelDbfs` is that of each. */
export function addToneBurst(
  samples: Int16Array,
  at: { readonly begin: number; readonly count: number; readonly rateHz: number },
  tones: { readonly hz: readonly number[]; readonly levelDbfs: number },
): void {
  const { begin, count, rateHz } = at;
  const amplitude = 32767 * 10 ** (tones.levelDbfs / 20);
  const edge = Math.max(1, Math.round(EDGE_SEC * rateHz));
  const steps = tones.hz.map((hz) => (2 * Math.PI * hz) / rateHz);
  for (let i = 0; i < count && begin + i < samples.length; i++) {
    const gain = amplitude * Math.min(1, (i + 1) / edge, (count - i) / edge);
    let sum = 0;
    for (const step of steps) sum += Math.sin(step * i);
    samples[begin + i] = clip((samples[begin + i] ?? 0) + gain * sum);
  }
}

function clip(sample: number): number {
  return Math.max(-32768, Math.min(32767, Math.round(sample)));
}
