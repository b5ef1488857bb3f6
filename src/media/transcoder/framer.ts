/** Cuts PCM that comes in pieces of any length into frames of one length, on the time line of the pieces. */

export type OnFrame = (frame: Int16Array, at: number) => void;

export class Framer {
  readonly #length: number;
  readonly #onFrame: OnFrame;
  readonly #pending: Int16Array;
  #count = 0;
  #end = 0;

  /** `length` in samples. */
  constructor(length: number, onFrame: OnFrame) {
    this.#length = length;
    this.#onFrame = onFrame;
    this.#pending = new Int16Array(length);
  }

  /** Where the audio taken so far ends, in samples. */
  get end(): number {
    return this.#end;
  }

  /** Takes PCM that begins at `at`. What should have begun earlier follows at once; before a gap the last frame is filled up. */
  push(pcm: Int16Array, at: number): void {
    if (at > this.#end) this.#leap(at);
    let from = 0;
    while (from < pcm.length) {
      const room = this.#length - this.#count;
      const taken = Math.min(room, pcm.length - from);
      const isWhole = this.#count === 0 && taken === this.#length;
      const piece = pcm.subarray(from, from + taken);
      if (!isWhole) this.#pending.set(piece, this.#count);
      from += taken;
      this.#end += taken;
      this.#count += taken;
      if (this.#count === this.#length) this.#emit(isWhole ? piece : this.#pending);
    }
  }

  #leap(at: number): void {
    if (this.#count > 0) {
      const silent = Math.min(this.#length - this.#count, at - this.#end);
      this.#pending.fill(0, this.#count, this.#count + silent);
      this.#count += silent;
      this.#end += silent;
      if (this.#count < this.#length) return;
      this.#emit(this.#pending);
    }
    this.#end = at;
  }

  #emit(frame: Int16Array): void {
    this.#count = 0;
    this.#onFrame(frame, this.#end - this.#length);
  }
}
