/**
 * Frames as drachtio-server takes them in (drachtio-protocol §10.1): chunks of at most 8,192 bytes go into a ring of
 * 12,228, and what does not fit overwrites the oldest. So a message larger than the ring is waited for for ever, and a
 * burst may tear a frame. For strict mode: an application that works against this works against the real one. Pure.
 */
import type { DecodedFrames, FrameFailure } from './frame.ts';

const RING_BYTES = 12_228;
const CHUNK_BYTES = 8_192;
const MAX_DIGITS = 5;
const HASH = 0x23;

export class RingDecoder {
  #ring: Buffer = Buffer.alloc(0);
  /** Length of the frame being taken in; undefined before it is known. */
  #wanted: number | undefined;
  #failure: FrameFailure | undefined;

  push(chunk: Buffer): DecodedFrames {
    const payloads: Buffer[] = [];
    for (let at = 0; at < chunk.length && this.#failure === undefined; at += CHUNK_BYTES) {
      const filled = Buffer.concat([this.#ring, chunk.subarray(at, at + CHUNK_BYTES)]);
      this.#ring = filled.length > RING_BYTES ? filled.subarray(filled.length - RING_BYTES) : filled;
      this.#cut(payloads);
    }
    return { payloads, failure: this.#failure };
  }

  #cut(payloads: Buffer[]): void {
    for (;;) {
      this.#wanted ??= this.#length();
      if (this.#wanted === undefined || this.#ring.length < this.#wanted) return;
      payloads.push(this.#ring.subarray(0, this.#wanted));
      this.#ring = this.#ring.subarray(this.#wanted);
      this.#wanted = undefined;
    }
  }

  /** Takes the length off the front; undefined while it is incomplete, or can never be one. */
  #length(): number | undefined {
    const hash = this.#ring.indexOf(HASH);
    const digits = this.#ring.toString('latin1', 0, hash < 0 ? this.#ring.length : hash);
    if (!/^\d*$/.test(digits) || digits.length > MAX_DIGITS || hash === 0) this.#failure = 'bad-length';
    if (hash < 0 || this.#failure !== undefined) return undefined;
    this.#ring = this.#ring.subarray(hash + 1);
    return Number(digits);
  }
}
