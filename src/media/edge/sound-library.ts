/** The sounds of a thread, each made and encoded once for a codec, however many hear it. */
import {
  type CodecName,
  createEncoder,
  renderMelody,
  renderRingback,
  resampledLength,
  resamplePart,
} from '../../audio/index.ts';
import type { Sound } from '../../calls/index.ts';
import { EncodedSound, type PcmSource } from './encoded-sound.ts';

/** Music on hold as PCM, mono. It lies in shared memory: all threads read the same. */
export interface MusicPcm {
  readonly rateHz: number;
  readonly samples: Int16Array;
}

/** `melody`: one that is made here. */
export type Music = MusicPcm | 'melody' | 'none';

/** What is played has nothing above 8 kHz worth the bits. */
export const SOUND_RATE_HZ: Readonly<Record<CodecName, number>> = {
  PCMU: 8000,
  PCMA: 8000,
  G722: 16_000,
  L16: 16_000,
  opus: 16_000,
};

export class SoundLibrary {
  readonly #music: Music;
  readonly #encoded = new Map<string, EncodedSound>();

  constructor(music: Music) {
    this.#music = music;
  }

  /** Undefined: there is nothing to play. */
  find(sound: Sound, codec: CodecName): EncodedSound | undefined {
    const key = `${codec} ${sound.kind === 'ringback' ? sound.tone : sound.kind}`;
    const known = this.#encoded.get(key);
    if (known !== undefined) return known;
    const source = this.#source(sound, SOUND_RATE_HZ[codec]);
    if (source === undefined) return undefined;
    const encoded = encode(source, codec);
    this.#encoded.set(key, encoded);
    return encoded;
  }

  #source(sound: Sound, rateHz: number): PcmSource | undefined {
    if (sound.kind === 'ringback') return whole(renderRingback(sound.tone, rateHz));
    if (this.#music === 'none') return undefined;
    return this.#music === 'melody' ? whole(renderMelody(rateHz)) : atRate(this.#music, rateHz);
  }
}

function encode(source: PcmSource, codec: CodecName): EncodedSound {
  const encoded = new EncodedSound(source, SOUND_RATE_HZ[codec]);
  // What cannot be encoded is not heard, and the call goes on.
  createEncoder(codec, { rateHz: SOUND_RATE_HZ[codec] }).then(
    (encoder) => encoded.encodeBy(encoder),
    () => {},
  );
  return encoded;
}

function whole(samples: Int16Array): PcmSource {
  return { length: samples.length, read: (begin, count) => samples.subarray(begin, begin + count) };
}

function atRate({ samples, rateHz: fromHz }: MusicPcm, toHz: number): PcmSource {
  const length = resampledLength(samples.length, fromHz, toHz);
  return {
    length,
    read: (begin, count) =>
      resamplePart(samples, { fromHz, toHz, begin, count: Math.max(0, Math.min(count, length - begin)) }),
  };
}
