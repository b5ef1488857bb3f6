/** Keys that are still to be played as tones in the audio, as frames of one codec. */
import { type AudioEncoder, type CodecName, createEncoder, renderDtmf } from '../../audio/index.ts';
import { SOUND_RATE_HZ } from './sound-library.ts';
import { TICK_MS } from './ticker.ts';

/** Between two keys. */
const PAUSE_MS = 80;
/** A codec that adapts, as G.722, needs a while after a voice until a tone is clean. */
const LEAST_MS = 120;
/** More keys than anybody dials ahead. */
const MAX_KEYS = 64;

interface Key {
  readonly samples: Int16Array;
  at: number;
}

export class KeyTones {
  readonly #keys: Key[] = [];
  #codec: CodecName | undefined;
  /** One for all keys in a row: it and the decoder far away are in step then. */
  #encoder: AudioEncoder | undefined;

  get isPlaying(): boolean {
    return this.#keys.length > 0;
  }

  /** After those before it. Throws RangeError for what is no key. */
  push(digit: string, durationMs: number, codec: CodecName): void {
    if (this.#keys.length >= MAX_KEYS) return;
    if (codec !== this.#codec) void this.#begin(codec);
    const length = { durationMs: Math.max(durationMs, LEAST_MS), pauseMs: PAUSE_MS };
    this.#keys.push({ samples: renderDtmf(digit, SOUND_RATE_HZ[codec], length), at: 0 });
  }

  /** The next 20 ms; undefined while the encoder is being made, and when there are no keys any more. */
  next(): Buffer | undefined {
    const [key] = this.#keys;
    if (key === undefined || this.#encoder === undefined || this.#codec === undefined) return undefined;
    const frame = new Int16Array((SOUND_RATE_HZ[this.#codec] * TICK_MS) / 1000);
    frame.set(key.samples.subarray(key.at, key.at + frame.length));
    key.at += frame.length;
    const payload = Buffer.from(this.#encoder.encode(frame));
    if (key.at >= key.samples.length) this.#keys.shift();
    if (this.#keys.length === 0) this.close();
    return payload;
  }

  close(): void {
    this.#keys.length = 0;
    this.#codec = undefined;
    this.#encoder?.close();
    this.#encoder = undefined;
  }

  async #begin(codec: CodecName): Promise<void> {
    this.close();
    this.#codec = codec;
    try {
      const encoder = await createEncoder(codec, { rateHz: SOUND_RATE_HZ[codec] });
      if (this.#codec === codec && this.#encoder === undefined) this.#encoder = encoder;
      else encoder.close();
    } catch {
      // What cannot be encoded is not heard, and the call goes on.
      this.close();
    }
  }
}
