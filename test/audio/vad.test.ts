import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeG711, ToneGenerator, type VadChange, VoiceActivityDetector } from '../../src/audio/index.ts';
import { seededRandom } from '../support/seeded-random.ts';

const FRAME = 160;

/** What espeak-ng said once: "One moment, please." and longer texts. */
function speech(name: string): Int16Array {
  return decodeG711('PCMU', readFileSync(new URL(`../../src/agents/built-in/prompts/${name}.ulaw`, import.meta.url)));
}

const silence = (ms: number): Int16Array => new Int16Array(8 * ms);
const amplified = (pcm: Int16Array, factor: number): Int16Array => pcm.map((sample) => Math.round(sample * factor));

function noise(ms: number, amplitude: number): Int16Array {
  const random = seededRandom(7);
  return silence(ms).map(() => Math.round((random.uint32() / 2 ** 31 - 1) * amplitude));
}

function joined(...parts: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const mixed = (a: Int16Array, b: Int16Array): Int16Array => a.map((sample, i) => sample + (b[i] ?? 0));

interface Moment {
  readonly change: VadChange;
  /** Of the end of the frame that told, ms. */
  readonly atMs: number;
  readonly silentMs: number;
}

function changesIn(pcm: Int16Array): readonly Moment[] {
  const vad = new VoiceActivityDetector();
  const found: Moment[] = [];
  for (let at = 0; at + FRAME <= pcm.length; at += FRAME) {
    const change = vad.take(pcm.subarray(at, at + FRAME));
    if (change !== undefined) found.push({ change, atMs: (at + FRAME) / 8, silentMs: vad.silentMs });
  }
  return found;
}

describe('VoiceActivityDetector', () => {
  it('finds speech within 150 ms of its beginning, and when it has stopped, to within 60 ms', () => {
    const words = speech('transferring');
    const moments = changesIn(joined(silence(1000), words, silence(1000)));
    expect(moments.map(({ change }) => change)).toEqual(['started', 'stopped']);
    const [start, stop] = moments;
    expect(start?.atMs).toBeGreaterThan(1000);
    expect(start?.atMs).toBeLessThanOrEqual(1150);
    const stoppedAt = (stop?.atMs ?? 0) - (stop?.silentMs ?? 0);
    expect(Math.abs(stoppedAt - (1000 + words.length / 8))).toBeLessThanOrEqual(60);
  });

  it('does the same quietly, and over noise', () => {
    const words = speech('transferring');
    const quiet = joined(silence(500), amplified(words, 0.2), silence(1000));
    expect(changesIn(quiet).map(({ change }) => change)).toEqual(['started', 'stopped']);
    const clean = joined(silence(1500), words, silence(1500));
    const noisy = mixed(clean, noise(clean.length / 8, 300));
    expect(changesIn(noisy).map(({ change }) => change)).toEqual(['started', 'stopped']);
  });

  it('bridges the pauses between words, and tells sentences apart that are a second apart', () => {
    const words = speech('agent-gone');
    const count = changesIn(joined(silence(300), words, silence(1000))).length;
    expect(count).toBeGreaterThanOrEqual(2);
    expect(count).toBeLessThanOrEqual(6);
    const two = joined(silence(300), speech('goodbye'), silence(1200), speech('transferring'), silence(1000));
    expect(changesIn(two).length).toBeGreaterThanOrEqual(4);
    expect(changesIn(two).length % 2).toBe(0);
  });

  it('hears no speech in silence, in clicks, or in noise that was there all the time', () => {
    const click = silence(20).map((_, i) => (i < 40 ? 20_000 : 0));
    expect(changesIn(silence(3000))).toEqual([]);
    expect(changesIn(joined(silence(500), click, silence(700), click, silence(500)))).toEqual([]);
    expect(changesIn(noise(3000, 120))).toEqual([]);
  });

  it('takes a tone that does not end for speech at first, and then for background', () => {
    const tone = new ToneGenerator(440, 8000, -12).next(8 * 6000);
    const moments = changesIn(joined(silence(500), tone));
    expect(moments.map(({ change }) => change)).toEqual(['started', 'stopped']);
    expect(moments[1]?.atMs).toBeLessThanOrEqual(3000);
  });

  it('hears speech over a tone that has become background', () => {
    const tone = new ToneGenerator(440, 8000, -40).next(8 * 6000);
    const words = joined(silence(4000), speech('transferring'), silence(1500)).subarray(0, tone.length);
    const late = changesIn(mixed(tone, words)).filter(({ atMs }) => atMs > 3500);
    expect(late.map(({ change }) => change)[0]).toBe('started');
  });
});
