/** Messages may end within a sample: its first byte waits for the message that brings the second. */
import { type AgentEncoding, agentSampleBytes } from '../calls/index.ts';

export class WholeSamples {
  readonly #sampleBytes: number;
  #rest: Uint8Array = new Uint8Array();

  constructor(encoding: AgentEncoding) {
    this.#sampleBytes = agentSampleBytes(encoding);
  }

  of(audio: Uint8Array): Uint8Array {
    if (this.#sampleBytes === 1) return audio;
    const all = this.#rest.length === 0 ? audio : Buffer.concat([this.#rest, audio]);
    const whole = all.length - (all.length % this.#sampleBytes);
    this.#rest = all.subarray(whole);
    return all.subarray(0, whole);
  }

  /** What comes next has nothing to do with what came before. */
  forget(): void {
    this.#rest = new Uint8Array();
  }
}
