/** Another sampling rate for a whole recording at once: a windowed sinc, made for quality and not for speed. */

/** Zero crossings of the sinc on either side. */
const CROSSINGS = 16;
/** Of the narrower band: what is above is cut, so that nothing folds back. */
const PASSED = 0.94;

export function resample(samples: Int16Array, fromHz: number, toHz: number): Int16Array {
  if (fromHz === toHz) return samples;
  const out = new Int16Array(Math.floor((samples.length * toHz) / fromHz));
  const cutoff = PASSED * Math.min(1, toHz / fromHz);
  const reach = Math.ceil(CROSSINGS / cutoff);
  for (let i = 0; i < out.length; i++) {
    const center = (i * fromHz) / toHz;
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
