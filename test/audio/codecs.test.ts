import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeG711, encodeG711, G722Decoder, G722Encoder, measureTone, ToneGenerator } from '../../src/audio/index.ts';

describe.each(['PCMU', 'PCMA'] as const)('G.711 %s', (law) => {
  it('gives every code back for its own sample', () => {
    const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
    const back = encodeG711(law, decodeG711(law, codes));
    // µ-law has two zeros; the positive one is sent.
    const expected = law === 'PCMU' ? codes.with(0x7f, 0xff) : codes;
    expect(back).toEqual(expected);
  });

  it('errs by no more than half a step of the segment', () => {
    fc.assert(
      fc.property(fc.integer({ min: -32_000, max: 32_000 }), (sample) => {
        const [decoded = 0] = decodeG711(law, encodeG711(law, Int16Array.of(sample)));
        expect(Math.abs(decoded - sample)).toBeLessThanOrEqual(Math.max(16, Math.abs(sample) / 30));
      }),
    );
  });

  it('keeps a tone 35 dB above its noise', () => {
    const tone = new ToneGenerator(440, 8000, -12).next(8000);
    const heard = measureTone(decodeG711(law, encodeG711(law, tone)), 8000, 440);
    expect(heard.snrDb).toBeGreaterThan(35);
    expect(heard.levelDbfs).toBeCloseTo(-12, 0);
  });
});

describe('G.711 reference values (ITU-T G.711, tables 1a and 2a)', () => {
  it('silence, full scale and the first steps', () => {
    expect([...encodeG711('PCMU', Int16Array.of(0, 32_767, -32_768, 8, -8))]).toEqual([0xff, 0x80, 0x00, 0xfe, 0x7e]);
    expect([...encodeG711('PCMA', Int16Array.of(0, 32_767, -32_768, 16, -16))]).toEqual([0xd5, 0xaa, 0x2a, 0xd4, 0x55]);
  });
});

describe('G.722', () => {
  it.each([
    [300, 50],
    [440, 50],
    [1000, 40],
    [3000, 30],
    [6000, 15],
  ])('carries a tone of %i Hz at least %i dB above the rest', (hz, snrDb) => {
    const tone = new ToneGenerator(hz, 16_000, -12).next(16_000);
    const heard = new G722Decoder().decode(new G722Encoder().encode(tone)).subarray(800);
    const measure = measureTone(heard, 16_000, hz);
    expect(measure.levelDbfs).toBeCloseTo(-12, 0);
    expect(measure.snrDb).toBeGreaterThan(snrDb);
  });

  it('makes 64 kbit/s, the same however the samples are cut into frames', () => {
    const tone = new ToneGenerator(700, 16_000, -6).next(1600);
    const whole = new G722Encoder().encode(tone);
    const encoder = new G722Encoder();
    const parts = [0, 320, 640, 960, 1280].map((at) => encoder.encode(tone.subarray(at, at + 320)));
    expect(whole.length).toBe(800);
    expect(Buffer.concat(parts)).toEqual(Buffer.from(whole));
  });

  it('codes the beginning of a known signal as the reference does', () => {
    // Samples ((i * 7919) % 4001 - 2000) * 4; bytes made once with spandsp 0.0.6.
    const samples = Int16Array.from({ length: 64 }, (_, i) => (((i * 7919) % 4001) - 2000) * 4);
    expect(Buffer.from(new G722Encoder().encode(samples)).toString('hex')).toBe(
      '2c8420842284a22aad6f71f3f5f7f9fcfdfededcdad756d6949314921395a52d',
    );
  });

  it('survives overload and any bytes without leaving 16 bits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 50, maxLength: 200 }), (bytes) => {
        const samples = new G722Decoder().decode(bytes);
        const loud = samples.map((sample) => (sample < 0 ? -32_768 : 32_767));
        expect(new G722Encoder().encode(loud).length).toBe(bytes.length);
      }),
      { numRuns: 30 },
    );
  });
});
