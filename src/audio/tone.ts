/** A sine wave that goes on from frame to frame. */
export class ToneGenerator {
  readonly #amplitude: number;
  readonly #step: number;
  #phase = 0;

  /** `levelDbfs`: 0 is a sine that just reaches full scale. */
  constructor(hz: number, rateHz: number, levelDbfs: number) {
    this.#amplitude = 32767 * 10 ** (levelDbfs / 20);
    this.#step = (2 * Math.PI * hz) / rateHz;
  }

  next(count: number): Int16Array {
    const samples = new Int16Array(count);
    for (let i = 0; i < count; i++) {
      samples[i] = Math.round(this.#amplitude * Math.sin(this.#phase));
      this.#phase = (this.#phase + this.#step) % (2 * Math.PI);
    }
    return samples;
  }
}
