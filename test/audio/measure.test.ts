import { describe, expect, it } from 'vitest';
import { findGaps, measureTone, readWav, ToneGenerator, writeWav } from '../../src/audio/index.ts';

describe('measuring a tone', () => {
  it.each([8000, 16_000, 48_000])('finds level and frequency at %i Hz', (rateHz) => {
    const measure = measureTone(new ToneGenerator(441.3, rateHz, -20).next(rateHz), rateHz, 441.3);
    expect(measure.levelDbfs).toBeCloseTo(-20, 1);
    expect(measure.frequencyHz).toBeCloseTo(441.3, 1);
    expect(measure.snrDb).toBeGreaterThan(45);
  });

  it('does not hear one tone in another', () => {
    const measure = measureTone(new ToneGenerator(1000, 8000, -10).next(8000), 8000, 440);
    expect(measure.levelDbfs).toBeLessThan(-60);
    expect(measure.totalDbfs).toBeCloseTo(-10, 1);
    expect(measure.frequencyHz).toBeCloseTo(1000, 0);
  });

  it('says of two tones which is stronger and by how much', () => {
    const [low, high] = [new ToneGenerator(440, 8000, -10).next(8000), new ToneGenerator(1000, 8000, -30).next(8000)];
    const measure = measureTone(
      low.map((sample, i) => sample + (high[i] ?? 0)),
      8000,
      440,
    );
    expect(measure.snrDb).toBeCloseTo(20, 0);
    expect(measure.frequencyHz).toBeCloseTo(440, 0);
  });

  it('knows silence', () => {
    expect(measureTone(new Int16Array(8000), 8000, 440)).toMatchObject({
      levelDbfs: -Infinity,
      frequencyHz: Number.NaN,
    });
  });
});

describe('finding gaps', () => {
  it('lists those that are long enough, where they are', () => {
    const samples = new ToneGenerator(440, 8000, -12).next(8000);
    samples.fill(0, 800, 1200);
    samples.fill(3, 4000, 4160);
    samples.fill(0, 7600);
    expect(findGaps(samples, 8000, { thresholdDb: -50, minMs: 40 })).toEqual([
      { startMs: 100, durationMs: 50 },
      { startMs: 950, durationMs: 50 },
    ]);
    expect(findGaps(samples, 8000, { thresholdDb: -50, minMs: 15 })).toHaveLength(3);
    expect(findGaps(new ToneGenerator(440, 8000, -12).next(8000), 8000, { thresholdDb: -50, minMs: 5 })).toEqual([]);
  });
});

describe('WAV', () => {
  it('comes back as it was written', () => {
    const recording = { rateHz: 16_000, channels: [Int16Array.of(1, -2, 32_767), Int16Array.of(-32_768, 0, 5)] };
    expect(readWav(writeWav(recording))).toEqual(recording);
  });

  it('skips chunks it does not know, takes what is there of data cut short, refuses the rest', () => {
    const plain = Buffer.from(writeWav({ rateHz: 8000, channels: [Int16Array.of(1, 2, 3)] }));
    const note = Buffer.from([...Buffer.from('LIST'), 3, 0, 0, 0, 1, 2, 3, 0]);
    const noted = Buffer.concat([plain.subarray(0, 36), note, plain.subarray(36)]);
    expect(readWav(noted).channels).toEqual([Int16Array.of(1, 2, 3)]);
    expect(readWav(plain.subarray(0, 48)).channels).toEqual([Int16Array.of(1, 2)]);
    expect(() => readWav(Buffer.from('RIFFxxxxWAVE'))).toThrow(RangeError);
    expect(() => readWav(Buffer.alloc(3))).toThrow(RangeError);
  });
});
