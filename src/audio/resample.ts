/** Another sampling rate for a recording: a windowed sinc, made for quality and not for speed. */

/** Zero crossings of the sinc on either side. */
const CROSSINGS = 16;
/** Of the narrower band: what is above is cut, so that nothing folds back. */
const PASSED = 0.94;

export function resample(samples: Int16Array, fromHz: number, toHz: number): Int16Array {
  return resamplePart(samples, { fromHz, toHz, begin: 0, count: resampledLength(samples.length, fromHz, toHz) });
}

export function resampledLength(length: number, fromHz: number, toHz: number): number {
  return Math.floor((length * toHz) / fromHz);
}

/** `begin` and `count` are of the samples wanted, at the new rate. */
export function resamplePart(
  samples: Int16Array,
  part: { readonly fromHz: number; readonly toHz: number; readonly begin: number; readonly count: number },
): Int16Array {
  const { fromHz, toHz, begin, count } = part;
  if (fromHz === toHz) return samples.subarray(begin, begin + count);
  const out = new Int16Array(count);
  const cutoff = PASSED * Math.min(1, toHz / fromHz);
  const reach = Math.ceil(CROSSINGS / cutoff);
  for (let i = 0; i < count; i++) {
    const center = ((begin + i) * fromHz) / toHz;
    const first = Math.floor(center) - reach + 1;
    let sum = 0;
    for (let at = Math.max(0, first); at < first + 2 * reach && at < samples.length; at++) {
      sum += (samples[at] ?? 0) * kernel(at - center, cutoff, reach);
    }
    out[i] = Math.max(-32768, Math.min(32767, Math.round(sum)));
  }
  return out;
}

/** A sinc of that band under a Hann window. */
function kernel(distance: number, cutoff: number, reach: number): number {
  if (Math.abs(distance) >= reach) return 0;
  const x = Math.PI * cutoff * distance;
  const sinc = x === 0 ? 1 : Math.sin(x) / x;
  return cutoff * sinc * (0.5 + 0.5 * Math.cos((Math.PI * distance) / reach));
}
