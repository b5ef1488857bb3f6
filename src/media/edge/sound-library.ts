/** The sounds of a thread, each made and encoded once for a codec, however many hear it. */
import {
  type CodecName,
  createEncoder,
  renderMelody,
  renderRingback,
  resampledLength,
  resamplePart,
} from '../../audio/index.ts';
import type { EdgeSound, SharedPcm } from './edge-sound.ts';
import { EncodedSound, type PcmSource } from './encoded-sound.ts';

/** Music on hold; `melody`: one that is made here. */
export type Music = SharedPcm | 'melody' | 'none';

/** What is played has nothing above 8 kHz worth the bits. */
export const SOUND_RATE_HZ: Readonly<Record<CodecName, number>> = {
  PCMU: 8000,
  PCMA: 8000,
  G722: 16_000,
  L16: 16_000,
  opus: 16_000,
};

/** Recordings that are kept encoded. */
const MAX_RECORDINGS = 32;

export class SoundLibrary {
  readonly #music: Music;
  readonly #encoded = new Map<string, EncodedSound>();
  /** Keys of recordings, the one that was begun last at the end. */
  readonly #recordings: string[] = [];

  constructor(music: Music) {
    this.#music = music;
  }

  /** Undefined: there is nothing to play. */
  find(sound: EdgeSound, codec: CodecName): EncodedSound | undefined {
    const key = `${codec} ${nameOf(sound)}`;
    const known = this.#encoded.get(key);
    if (known !== undefined) return known;
    const source = this.#source(sound, SOUND_RATE_HZ[codec]);
    if (source === undefined) return undefined;
    const encoded = encode(source, codec);
    this.#encoded.set(key, encoded);
    if (sound.kind === 'recording') this.#remember(key);
    return encoded;
  }

  /** Who plays one that is forgotten here still has it. */
  #remember(key: string): void {
    this.#recordings.push(key);
    const oldest = this.#recordings.length > MAX_RECORDINGS ? this.#recordings.shift() : undefined;
    if (oldest !== undefined) this.#encoded.delete(oldest);
  }

  #source(sound: EdgeSound, rateHz: number): PcmSource | undefined {
    if (sound.kind === 'recording') return atRate(sound.pcm, rateHz);
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

function nameOf(sound: EdgeSound): string {
  if (sound.kind === 'ringback') return sound.tone;
  return sound.kind === 'recording' ? `recording ${sound.id}` : sound.kind;
}

function atRate({ samples, rateHz: fromHz }: SharedPcm, toHz: number): PcmSource {
  const length = resampledLength(samples.length, fromHz, toHz);
  return {
    length,
    read: (begin, count) =>
      resamplePart(samples, { fromHz, toHz, begin, count: Math.max(0, Math.min(count, length - begin)) }),
  };
}
