import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CodecName,
  createDecoder,
  createEncoder,
  findGaps,
  measureTone,
  opusInUse,
  ToneGenerator,
  useOpus,
  wasmOpus,
} from '../../src/audio/index.ts';
import { loadOpus } from '../../src/media/edge/opus-choice.ts';
import { syntheticVoice } from '../support/synthetic-voice.ts';

/** Frames of 20 ms of a tone through encoder and decoder; `lose` says what becomes of each. */
async function transfer(
  name: CodecName,
  options: { rateHz?: number; seconds?: number; hz?: number; loss?: number },
  lose: (frame: number) => 'heard' | 'concealed' | 'fec' = () => 'heard',
): Promise<Int16Array> {
  const encoder = await createEncoder(name, options);
  const decoder = await createDecoder(name, options);
  const frame = encoder.rateHz / 50;
  encoder.expectLoss(options.loss ?? 0);
  const tone = new ToneGenerator(options.hz ?? 440, encoder.rateHz, -12);
  const payloads = Array.from({ length: (options.seconds ?? 2) * 50 }, () => encoder.encode(tone.next(frame)).slice());
  const hear = (payload: Uint8Array, index: number): Int16Array => {
    const fate = lose(index);
    const next = payloads[index + 1];
    if (fate === 'heard') return decoder.decode(payload);
    return fate === 'fec' && next ? decoder.decodeFec(next, frame) : decoder.conceal(frame);
  };
  const heard = payloads.map((payload, index) => hear(payload, index).slice());
  encoder.close();
  decoder.close();
  const whole = new Int16Array(heard.length * frame);
  for (const [index, pcm] of heard.entries()) whole.set(pcm, index * frame);
  return whole;
}

describe('codecs behind one interface', () => {
  it.each([
    ['PCMU', undefined, 35],
    ['PCMA', undefined, 35],
    ['G722', undefined, 40],
    ['L16', undefined, 80],
    ['L16', 8000, 80],
  ] as const)('%s at %s Hz carries a tone %i dB above the rest', async (name, rateHz, snrDb) => {
    const pcm = await transfer(name, rateHz === undefined ? {} : { rateHz });
    const rate = rateHz ?? (name === 'PCMU' || name === 'PCMA' ? 8000 : 16_000);
    const heard = measureTone(pcm.subarray(rate), rate, 440);
    expect(heard.levelDbfs).toBeCloseTo(-12, 0);
    expect(heard.snrDb).toBeGreaterThan(snrDb);
  });

  it('names what it cannot do', async () => {
    await expect(createEncoder('PCMU', { rateHz: 16_000 })).rejects.toThrow('PCMU has no PCM of 16000 Hz');
  });
});

const everyTenth = (frame: number) => frame % 10 === 5;

describe('what is lost', () => {
  it.each(['PCMU', 'PCMA', 'G722', 'L16'] as const)('%s goes on through a lost frame', async (name) => {
    const rate = name === 'G722' || name === 'L16' ? 16_000 : 8000;
    const pcm = await transfer(name, { rateHz: rate }, (frame) => (everyTenth(frame) ? 'concealed' : 'heard'));
    const heard = measureTone(pcm.subarray(rate), rate, 440);
    expect(heard.snrDb).toBeGreaterThan(12);
    expect(findGaps(pcm.subarray(rate), rate, { thresholdDb: -25, minMs: 5 })).toEqual([]);
  });

  it('fades to silence when nothing comes any more, and comes back', async () => {
    const pcm = await transfer('PCMU', {}, (frame) => (frame >= 50 && frame < 60 ? 'concealed' : 'heard'));
    const rms = (frame: number) =>
      Math.sqrt(pcm.subarray(frame * 160, (frame + 1) * 160).reduce((sum, x) => sum + x * x, 0) / 160);
    expect(rms(50)).toBeGreaterThan(0.7 * rms(49));
    expect(rms(51)).toBeLessThan(0.7 * rms(49));
    expect(rms(54)).toBe(0);
    expect(rms(61)).toBeGreaterThan(0.95 * rms(49));
  });
});

const native = loadOpus('auto');
const bindings = native.name === 'native' ? [native, wasmOpus] : [wasmOpus];

it('falls back to WebAssembly where there is no addon, unless it is demanded', () => {
  expect(loadOpus('auto', '/nowhere/opus.node')).toBe(wasmOpus);
  expect(() => loadOpus('native', '/nowhere/opus.node')).toThrow(/media\.opus is native, but .*libopus-dev.* to auto/);
});

describe.each(bindings)('Opus by $name', (binding) => {
  const before = opusInUse();
  beforeAll(() => useOpus(binding));
  afterAll(() => useOpus(before));

  it.each([8000, 16_000, 48_000])('carries a tone at %s Hz 18 dB above the rest', async (rateHz) => {
    const pcm = await transfer('opus', { rateHz });
    const heard = measureTone(pcm.subarray(rateHz), rateHz, 440);
    expect(heard.levelDbfs).toBeCloseTo(-12, 0);
    expect(heard.snrDb).toBeGreaterThan(18);
  });

  it('names what it cannot do', async () => {
    await expect(createDecoder('opus', { rateHz: 44_100 })).rejects.toThrow('Opus has no PCM of 44100 Hz');
    const encoder = await createEncoder('opus', { rateHz: 8000 });
    expect(() => encoder.encode(new Int16Array(77))).toThrow(RangeError);
    encoder.close();
  });

  it('goes on through lost frames', async () => {
    const pcm = await transfer('opus', { rateHz: 8000 }, (frame) => (everyTenth(frame) ? 'concealed' : 'heard'));
    // What Opus makes up has the tone's pitch, but not its phase.
    expect(measureTone(pcm.subarray(8000), 8000, 440).totalDbfs).toBeGreaterThan(-15);
  });

  it('says what it is', async () => {
    expect(await binding.version()).toMatch(/^libopus \d/);
  });

  it.each([10, 20, 40, 60])('Opus takes and gives frames of %i ms', async (ms) => {
    const encoder = await createEncoder('opus', { rateHz: 8000 });
    const decoder = await createDecoder('opus', { rateHz: 8000 });
    expect(decoder.decode(encoder.encode(new Int16Array(8 * ms)))).toHaveLength(8 * ms);
    encoder.close();
    decoder.close();
  });

  it('takes what is no Opus for lost', async () => {
    const decoder = await createDecoder('opus', { rateHz: 8000 });
    expect(decoder.decode(new Uint8Array(0))).toHaveLength(160);
    // Code 3 with an impossible count of frames.
    expect(decoder.decode(Uint8Array.of(0xff, 0x3f, 1))).toHaveLength(160);
    expect(decoder.decodeFec(Uint8Array.of(0xff, 0x3f, 1), 160)).toHaveLength(160);
    decoder.close();
  });

  it('is in the next Opus packet when the encoder expects losses, and is better than what is made up', async () => {
    const encoder = await createEncoder('opus', { rateHz: 8000 });
    encoder.expectLoss(0.1);
    const voice = syntheticVoice(8000, 4);
    const payloads = Array.from({ length: 200 }, (_, i) =>
      encoder.encode(voice.subarray(i * 160, (i + 1) * 160)).slice(),
    );
    encoder.close();
    const run = async (withFec: boolean) => {
      const decoder = await createDecoder('opus', { rateHz: 8000 });
      const hear = (payload: Uint8Array, i: number): Int16Array => {
        const next = payloads[i + 1];
        if (!everyTenth(i) || !next) return decoder.decode(payload);
        return withFec ? decoder.decodeFec(next, 160) : decoder.conceal(160);
      };
      const pcm = payloads.map((payload, i) => hear(payload, i).slice());
      decoder.close();
      return pcm;
    };
    const decoder = await createDecoder('opus', { rateHz: 8000 });
    const clean = payloads.map((payload) => decoder.decode(payload).slice());
    decoder.close();
    const errorOf = (heard: readonly Int16Array[]) => {
      let sum = 0;
      for (const [i, pcm] of heard.entries()) {
        if (everyTenth(i)) for (const [k, x] of pcm.entries()) sum += (x - (clean[i]?.[k] ?? 0)) ** 2;
      }
      return sum;
    };
    expect(errorOf(await run(true))).toBeLessThan(0.5 * errorOf(await run(false)));
  });

  it('sends next to nothing in silence where it may', async () => {
    const encoder = await createEncoder('opus', { rateHz: 8000, opus: { dtx: true } });
    const sizes = Array.from({ length: 100 }, () => encoder.encode(new Int16Array(160)).length);
    encoder.close();
    expect(sizes.slice(50).filter((size) => size <= 2).length).toBeGreaterThan(40);
  });

  it('is closed for good', async () => {
    const [encoder, decoder] = [await createEncoder('opus'), await createDecoder('opus')];
    for (const each of [encoder, decoder, encoder, decoder]) each.close();
    expect(() => encoder.encode(new Int16Array(960))).toThrow(/freed|encode\(encoder/);
    expect(() => decoder.conceal(960)).toThrow(/freed|decode\(decoder/);
  });
});
