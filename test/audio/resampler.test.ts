import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createResampler, measureTone, ToneGenerator } from '../../src/audio/index.ts';

const RATIOS: readonly (readonly [number, number])[] = [
  [8000, 16_000],
  [16_000, 8000],
  [8000, 24_000],
  [24_000, 8000],
  [16_000, 24_000],
  [24_000, 16_000],
  [48_000, 24_000],
  [8000, 48_000],
];

function resampled(pcm: Int16Array, fromHz: number, toHz: number, pieces: readonly number[]): Int16Array {
  const resampler = createResampler(fromHz, toHz);
  const out: number[] = [];
  let at = 0;
  for (let i = 0; at < pcm.length; i++) {
    const length = pieces[i % pieces.length] ?? pcm.length;
    out.push(...(resampler?.process(pcm.subarray(at, at + length)) ?? []));
    at += length;
  }
  return Int16Array.from(out);
}

describe('the resampler', () => {
  it.each(RATIOS)('%i to %i Hz: speech keeps its level, with little beside it', (fromHz, toHz) => {
    for (const hz of [300, 1000, 2800]) {
      const tone = new ToneGenerator(hz, fromHz, -12).next(fromHz);
      const heard = resampled(tone, fromHz, toHz, [fromHz / 50]);
      expect(heard.length).toBe(toHz);
      const measure = measureTone(heard.subarray(toHz / 10), toHz, hz);
      expect(measure.levelDbfs).toBeCloseTo(-12, 0);
      expect(measure.snrDb).toBeGreaterThan(45);
    }
  });

  it.each(RATIOS.filter(([from, to]) => to < from))('%i to %i Hz: what has no place there is gone', (fromHz, toHz) => {
    const tone = new ToneGenerator(toHz * 0.65, fromHz, -12).next(fromHz);
    const heard = resampled(tone, fromHz, toHz, [fromHz / 50]).subarray(toHz / 10);
    const power = heard.reduce((sum, sample) => sum + sample * sample, 0) / heard.length;
    expect(10 * Math.log10(power / 32_768 ** 2)).toBeLessThan(-55);
  });

  it('gives the same however the samples are cut', () => {
    const tone = new ToneGenerator(700, 24_000, -6).next(4800);
    const whole = resampled(tone, 24_000, 16_000, [4800]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 8 }), (pieces) => {
        expect(resampled(tone, 24_000, 16_000, pieces)).toEqual(whole);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses rates that have nothing simple in common', () => {
    expect(() => createResampler(44_100, 48_000)).toThrow(RangeError);
  });
});
