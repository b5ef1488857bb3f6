/** What the gateway plays by itself. */
import { describe, expect, it } from 'vitest';
import {
  findGaps,
  measureTone,
  type RingbackTone,
  renderMelody,
  renderRingback,
  resample,
  ToneGenerator,
} from '../../src/audio/index.ts';

const QUIET = { thresholdDb: -60, minMs: 100 };

describe('ringback', () => {
  it.each([
    ['eu', 425, 5000, [[1000, 4000]]],
    ['us', 440, 6000, [[2000, 4000]]],
    [
      'uk',
      400,
      3000,
      [
        [400, 200],
        [1000, 2000],
      ],
    ],
    ['fr', 440, 5000, [[1500, 3500]]],
    ['jp', 384, 3000, [[1000, 2000]]],
  ] as const)('%s: %i Hz in its cadence', (tone: RingbackTone, hz, periodMs, pauses) => {
    const samples = renderRingback(tone, 8000);
    expect(samples.length).toBe(periodMs * 8);
    expect(measureTone(samples.subarray(0, 3200), 8000, hz).levelDbfs).toBeGreaterThan(-24);
    const gaps = findGaps(samples, 8000, QUIET).map(({ startMs, durationMs }) => [startMs, durationMs]);
    for (const [index, [startMs = 0, durationMs = 0]] of pauses.entries()) {
      expect(Math.abs((gaps[index]?.[0] ?? 0) - startMs)).toBeLessThanOrEqual(5);
      expect(Math.abs((gaps[index]?.[1] ?? 0) - durationMs)).toBeLessThanOrEqual(5);
    }
    expect(gaps).toHaveLength(pauses.length);
  });

  it('is whole frames at every rate, so that it can be repeated', () => {
    for (const rateHz of [8000, 16_000, 48_000]) expect(renderRingback('uk', rateHz).length % (rateHz / 50)).toBe(0);
  });
});

describe('music', () => {
  it('is quiet, never clips and never pauses for long', () => {
    const samples = renderMelody(16_000);
    expect(samples.length % 320).toBe(0);
    expect(samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)).toBeLessThan(4000);
    expect(findGaps(samples, 16_000, QUIET)).toEqual([]);
  });
});

describe('resampling', () => {
  const second = (hz: number, rateHz: number) => new ToneGenerator(hz, rateHz, -6).next(rateHz / 2);
  const middle = (samples: Int16Array) => samples.subarray(samples.length / 4, (samples.length * 3) / 4);

  it.each([
    [48_000, 8000],
    [44_100, 8000],
    [8000, 48_000],
    [44_100, 48_000],
    [16_000, 8000],
  ])('from %i to %i Hz keeps a tone', (fromHz, toHz) => {
    const out = resample(second(1000, fromHz), fromHz, toHz);
    expect(out.length).toBe(toHz / 2);
    const measure = measureTone(middle(out), toHz, 1000);
    expect(Math.abs(measure.levelDbfs + 6)).toBeLessThan(0.2);
    expect(measure.snrDb).toBeGreaterThan(45);
  });

  it('lets nothing fold back that the lower rate cannot hold', () => {
    const out = resample(second(5000, 48_000), 48_000, 8000);
    expect(measureTone(middle(out), 8000, 3000).totalDbfs).toBeLessThan(-60);
  });
});
