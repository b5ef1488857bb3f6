import { describe, expect, test } from 'vitest';
import { amplitudeOf, decodeWav, encodeWav, gapsOf, longestGapMs, rmsOf, sine, strongestHz } from './sound.ts';

describe('measuring sound', () => {
  const tone = sine(440, 2, { rateHz: 48_000, amplitude: 0.3 });

  test('finds the frequency and the level of a tone', () => {
    expect(strongestHz(tone)).toBe(440);
    expect(amplitudeOf(tone, 440)).toBeCloseTo(0.3, 2);
    expect(amplitudeOf(tone, 1000)).toBeLessThan(0.001);
    expect(rmsOf(tone)).toBeCloseTo(0.3 / Math.SQRT2, 3);
  });

  test('finds a gap of 50 ms, and none where there is none', () => {
    expect(longestGapMs(tone, 440)).toBe(0);
    const holed = { ...tone, samples: tone.samples.slice() };
    holed.samples.fill(0, 48_000, 48_000 + 2_400);
    expect(gapsOf(holed, 440)).toEqual([{ atSec: 1, ms: 50 }]);
  });

  test('reads the WAV it writes, and one whose length was never written', () => {
    const file = encodeWav(tone);
    expect(decodeWav(file).samples.length).toBe(tone.samples.length);
    expect(decodeWav(file).samples[1234]).toBeCloseTo(tone.samples[1234] ?? 0, 3);
    file.writeUInt32LE(0, 40);
    expect(decodeWav(file).samples.length).toBe(tone.samples.length);
  });
});
