/** The sounds of a thread, each rendered and encoded once for a codec, however many hear it. */
import { renderDtmf, renderMelody, renderRingback, resample } from '../../audio/index.ts';
import type { Sound } from '../../calls/index.ts';
import type { AudioCodecName } from '../../sdp/index.ts';
import { EncodedSound } from './encoded-sound.ts';
import { createFrameEncoder } from './frame-encoder.ts';

/** Music on hold as PCM, mono. Where it lies in shared memory all threads read the same. */
export interface MusicPcm {
  readonly rateHz: number;
  readonly samples: Int16Array;
}

/** `melody`: one that is made here. */
export type Music = MusicPcm | 'melody' | 'none';

/** Between two keys. */
const PAUSE_MS = 80;

export class SoundLibrary {
  readonly #music: Music;
  readonly #encoded = new Map<string, EncodedSound>();

  constructor(music: Music) {
    this.#music = music;
  }

  /** Undefined: there is nothing to play, or not in this codec. */
  find(sound: Sound, codec: AudioCodecName): EncodedSound | undefined {
    const key = `${codec} ${sound.kind === 'ringback' ? sound.tone : sound.kind}`;
    const known = this.#encoded.get(key);
    if (known !== undefined) return known;
    const encoder = createFrameEncoder(codec);
    if (encoder === undefined) return undefined;
    const samples = this.#render(sound, encoder.rateHz);
    if (samples === undefined) return undefined;
    const encoded = new EncodedSound(encoder, samples);
    this.#encoded.set(key, encoded);
    return encoded;
  }

  /** A key press and the pause after it. Undefined: not in this codec. */
  key(digit: string, durationMs: number, codec: AudioCodecName): EncodedSound | undefined {
    const encoder = createFrameEncoder(codec);
    if (encoder === undefined) return undefined;
    return new EncodedSound(encoder, renderDtmf(digit, encoder.rateHz, { durationMs, pauseMs: PAUSE_MS }));
  }

  #render(sound: Sound, rateHz: number): Int16Array | undefined {
    if (sound.kind === 'ringback') return renderRingback(sound.tone, rateHz);
    if (this.#music === 'none') return undefined;
    if (this.#music === 'melody') return renderMelody(rateHz);
    return resample(this.#music.samples, this.#music.rateHz, rateHz);
  }
}
