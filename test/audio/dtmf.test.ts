/** Keys as sound: made, and heard again (ITU-T Q.23, Q.24). */
import { describe, expect, it } from 'vitest';
import {
  DtmfDetector,
  decodeG711,
  encodeG711,
  G722Decoder,
  G722Encoder,
  type HeardKey,
  renderDtmf,
  ToneGenerator,
} from '../../src/audio/index.ts';
import { seededRandom } from '../support/seeded-random.ts';

const KEYS = '0123456789*#ABCD';

function hear(samples: Int16Array, rateHz: number): HeardKey[] {
  const detector = new DtmfDetector(rateHz);
  const heard: HeardKey[] = [];
  const frame = rateHz / 50;
  for (let at = 0; at < samples.length; at += frame) {
    const key = detector.take(samples.subarray(at, at + frame));
    if (key !== undefined) heard.push(key);
  }
  const last = detector.end();
  return last === undefined ? heard : [...heard, last];
}

function join(...parts: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const fractions = (seed: number): (() => number) => {
  const random = seededRandom(seed);
  return () => random.uint32() / 2 ** 32;
};

const keysIn = (heard: readonly HeardKey[]): string => heard.map(({ key }) => key).join('');

/** A formant of a voice: how much of a harmonic it lets through. */
const resonance = (hz: number, at: number): number => 1 / Math.hypot(1, (hz - at) / 60);

/** Two sines; levels in dBFS. */
function pair(low: readonly [number, number], high: readonly [number, number], ms: number): Int16Array {
  const [a, b] = [low, high].map(([hz, level]) => new ToneGenerator(hz, 8000, level).next(ms * 8));
  return Int16Array.from(a ?? [], (sample, i) => sample + (b?.[i] ?? 0));
}

describe('the keys', () => {
  it.each([8000, 16_000, 48_000])('are all heard at %i Hz, each once, as long as they were', (rateHz) => {
    const dialed = KEYS.split('').map((key) => renderDtmf(key, rateHz, { durationMs: 100, pauseMs: 60 }));
    const heard = hear(join(new Int16Array(777), ...dialed), rateHz);
    expect(keysIn(heard)).toBe(KEYS);
    for (const { durationMs } of heard) expect(Math.abs(durationMs - 100)).toBeLessThanOrEqual(26);
  });

  it.each(['PCMU', 'PCMA'] as const)('are heard through %s and noise', (law) => {
    const random = fractions(7);
    const dialed = join(...KEYS.split('').map((key) => renderDtmf(key, 8000, { durationMs: 60, pauseMs: 50 })));
    const noisy = dialed.map((sample) => sample + Math.round((random() - 0.5) * 1400));
    expect(keysIn(hear(decodeG711(law, encodeG711(law, noisy)), 8000))).toBe(KEYS);
  });

  it('are heard through G.722', () => {
    const dialed = join(...KEYS.split('').map((key) => renderDtmf(key, 16_000, { durationMs: 60, pauseMs: 60 })));
    expect(keysIn(hear(new G722Decoder().decode(new G722Encoder().encode(dialed)), 16_000))).toBe(KEYS);
  });

  it('are heard as short as 40 ms with pauses as short as 40 ms, wherever the blocks fall', () => {
    for (let shift = 0; shift < 102; shift += 7) {
      const dialed = '1590'.split('').map((key) => renderDtmf(key, 8000, { durationMs: 42, pauseMs: 42 }));
      expect(keysIn(hear(join(new Int16Array(shift), ...dialed), 8000))).toBe('1590');
    }
  });

  it('pressed twice is two presses', () => {
    const five = renderDtmf('5', 8000, { durationMs: 80, pauseMs: 50 });
    expect(keysIn(hear(join(five, five, five), 8000))).toBe('555');
  });
});

describe('what is no key', () => {
  it('too far apart in level, too faint, or too far off', () => {
    expect(keysIn(hear(pair([697, -10], [1209, -14], 80), 8000))).toBe('1');
    expect(keysIn(hear(pair([697, -6], [1209, -20], 80), 8000))).toBe('');
    expect(keysIn(hear(pair([697, -20], [1209, -8], 80), 8000))).toBe('');
    expect(keysIn(hear(pair([697, -48], [1209, -48], 80), 8000))).toBe('');
    // 1.5 % off must be taken, 3.5 % must not.
    expect(keysIn(hear(pair([707.5, -13], [1227, -13], 80), 8000))).toBe('1');
    expect(keysIn(hear(pair([697 * 1.04, -13], [1209 * 1.04, -13], 80), 8000))).toBe('');
  });

  it('one frequency, noise, and a click', () => {
    expect(hear(new ToneGenerator(697, 8000, -10).next(4000), 8000)).toEqual([]);
    const random = fractions(3);
    expect(
      hear(
        Int16Array.from({ length: 80_000 }, () => (random() - 0.5) * 20_000),
        8000,
      ),
    ).toEqual([]);
    expect(hear(renderDtmf('1', 8000, { durationMs: 15, pauseMs: 40 }), 8000)).toEqual([]);
  });

  it('a voice: vowels of many pitches, gliding, for half a minute', () => {
    const random = fractions(11);
    const samples = new Int16Array(8000 * 30);
    let phase = 0;
    for (let i = 0; i < samples.length; i++) {
      const t = i / 8000;
      const pitch = 90 + 160 * (0.5 + 0.5 * Math.sin(2 * Math.PI * 0.31 * t)) + 30 * Math.sin(2 * Math.PI * 1.7 * t);
      phase += (2 * Math.PI * pitch) / 8000;
      const [first, second] = [
        700 + 250 * Math.sin(2 * Math.PI * 0.9 * t),
        1450 + 450 * Math.sin(2 * Math.PI * 0.7 * t),
      ];
      let sum = 0;
      for (let n = 1; n * pitch < 3600; n++) {
        const hz = n * pitch;
        const formants = resonance(hz, first) + 0.6 * resonance(hz, second) + 0.3 * resonance(hz, 2500);
        sum += (formants / Math.sqrt(n)) * Math.sin(n * phase);
      }
      samples[i] = 7000 * sum + (random() - 0.5) * 200;
    }
    expect(hear(samples, 8000)).toEqual([]);
  });

  it('throws for what is no key', () => {
    expect(() => renderDtmf('x', 8000, { durationMs: 100, pauseMs: 0 })).toThrow(RangeError);
  });
});
