/** A sound as payloads of one codec: each frame is encoded when it is first played, and kept for whoever plays it later. */
import type { AudioEncoder } from '../../audio/index.ts';
import { TICK_MS } from './ticker.ts';

/** PCM that may be made only when it is wanted. */
export interface PcmSource {
  /** In samples. */
  readonly length: number;
  /** May come out shorter at the end. */
  read(begin: number, count: number): Int16Array;
}

export class EncodedSound {
  /** How many frames it has; the last one may be cut short, and is filled up with silence. */
  readonly length: number;
  readonly #source: PcmSource;
  readonly #frameLength: number;
  readonly #frames: Buffer[] = [];
  #encoder: AudioEncoder | undefined;

  constructor(source: PcmSource, rateHz: number) {
    this.#source = source;
    this.#frameLength = (rateHz * TICK_MS) / 1000;
    this.length = Math.ceil(source.length / this.#frameLength);
  }

  /** Frames can be had from now on. */
  encodeBy(encoder: AudioEncoder): void {
    this.#encoder = encoder;
  }

  /** Undefined: not yet. Whoever plays takes them one after another, so that at most one is encoded here. */
  frame(index: number): Buffer | undefined {
    while (this.#frames.length <= index && this.#encoder !== undefined) this.#encodeNext(this.#encoder);
    return this.#frames[index];
  }

  #encodeNext(encoder: AudioEncoder): void {
    const frame = new Int16Array(this.#frameLength);
    frame.set(this.#source.read(this.#frames.length * this.#frameLength, this.#frameLength));
    this.#frames.push(Buffer.from(encoder.encode(frame)));
    if (this.#frames.length < this.length) return;
    encoder.close();
    this.#encoder = undefined;
  }
}
