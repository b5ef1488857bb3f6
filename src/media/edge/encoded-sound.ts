/** A sound as payloads of one codec: each frame is encoded when it is first played, and kept for whoever plays it later. */
import type { FrameEncoder } from './frame-encoder.ts';
import { TICK_MS } from './ticker.ts';

export class EncodedSound {
  readonly #encoder: FrameEncoder;
  readonly #samples: Int16Array;
  readonly #frameLength: number;
  readonly #frames: Buffer[] = [];
  /** How many frames it has; the last one may be cut short and is filled up with silence. */
  readonly length: number;

  constructor(encoder: FrameEncoder, samples: Int16Array) {
    this.#encoder = encoder;
    this.#samples = samples;
    this.#frameLength = (encoder.rateHz * TICK_MS) / 1000;
    this.length = Math.ceil(samples.length / this.#frameLength);
  }

  /** Whoever plays takes them one after another, so that at most one is encoded here. */
  frame(index: number): Buffer | undefined {
    while (this.#frames.length <= index && this.#frames.length < this.length) this.#encodeNext();
    return this.#frames[index];
  }

  #encodeNext(): void {
    const begin = this.#frames.length * this.#frameLength;
    const part = this.#samples.subarray(begin, begin + this.#frameLength);
    if (part.length === this.#frameLength) this.#frames.push(this.#encoder.encode(part));
    else {
      const filled = new Int16Array(this.#frameLength);
      filled.set(part);
      this.#frames.push(this.#encoder.encode(filled));
    }
  }
}
