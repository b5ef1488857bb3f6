/**
 * Comfort noise (RFC 3389): what to play while the other side is silent and sends nothing. The payload is the level in
 * -dBov, then perhaps reflection coefficients of its spectrum (§3), which are applied by a lattice filter (§4.2).
 */

const MOST_COEFFICIENTS = 12;
/** 0 dBov is a square wave at full scale (§3.1). */
const FULL_SCALE = 32_767;

export class ComfortNoise {
  #level = 0;
  #seed = 0x2545_f491;
  #reflection = new Float32Array(0);
  #state = new Float32Array(0);

  /** Takes over what a payload says. */
  set(payload: Uint8Array): void {
    const dbov = -((payload[0] ?? 127) & 0x7f);
    const coefficients = payload.subarray(1, 1 + MOST_COEFFICIENTS);
    // Quantized uniformly from -1 to 1, 127 is 0 (§3.2).
    this.#reflection = Float32Array.from(coefficients, (each) => Math.max(-0.95, Math.min(0.95, (each - 127) / 128)));
    this.#state = new Float32Array(this.#reflection.length + 1);
    // The filter's gain is taken off, so that what comes out has the level that was asked for.
    const loss = this.#reflection.reduce((product, each) => product * (1 - each * each), 1);
    this.#level = FULL_SCALE * 10 ** (dbov / 20) * Math.sqrt(loss);
  }

  next(samples: number): Int16Array {
    const pcm = new Int16Array(samples);
    // Uniform noise from -1 to 1 has a power of a third.
    const scale = this.#level * Math.sqrt(3);
    for (let i = 0; i < samples; i++) pcm[i] = Math.max(-32_768, Math.min(32_767, this.#shape(this.#white() * scale)));
    return pcm;
  }

  /** All-pole lattice synthesis. */
  #shape(input: number): number {
    const reflection = this.#reflection;
    const state = this.#state;
    let forward = input;
    for (let stage = reflection.length - 1; stage >= 0; stage--) {
      const k = reflection[stage] ?? 0;
      const backward = state[stage] ?? 0;
      forward -= k * backward;
      state[stage + 1] = backward + k * forward;
    }
    if (state.length > 0) state[0] = forward;
    return forward;
  }

  /** Marsaglia's xorshift: noise need not be secret. */
  #white(): number {
    let x = this.#seed;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#seed = x | 0;
    return (x | 0) / 0x8000_0000;
  }
}
