/** The native addon (scripts/opus-addon) as a binding. Nothing is allocated for a frame but the view of its result. */
import type { OpusBinding, OpusDecoderCore, OpusEncoderCore, OpusEncoderSettings } from './opus-binding.ts';

declare const codec: unique symbol;
type Codec = { readonly [codec]: true };

/** What the addon exports; negative results are libopus's errors. */
export interface OpusAddon {
  readonly api: number;
  version(): string;
  createEncoder(rateHz: number, bitrate: number, complexity: number, dtx: boolean): Codec;
  encode(encoder: Codec, pcm: Int16Array, out: Uint8Array): number;
  setEncoder(encoder: Codec, bitrate: number, lossPercent: number): void;
  createDecoder(rateHz: number): Codec;
  decode(decoder: Codec, payload: Uint8Array | undefined, useFec: boolean, samples: number, out: Int16Array): number;
  close(codec: Codec): void;
}

/** Of the addon that this fits. */
const API = 1;
/** What fits into one IP packet; libopus sends less when it must (RFC 6716 §3.4: a frame has 1275 bytes at most). */
const MOST_BYTES = 1400;
/** No packet lasts longer (RFC 6716 §3.2.5). */
const LONGEST_SEC = 0.12;

/** Throws a TypeError for anything that is not this version's addon. */
export function nativeOpus(addon: unknown): OpusBinding {
  if (!isAddon(addon)) throw new TypeError('no addon for Opus of this version');
  return {
    name: 'native',
    version: async () => addon.version(),
    createEncoder: async (settings) => new NativeEncoder(addon, settings),
    createDecoder: async (rateHz) => new NativeDecoder(addon, rateHz),
  };
}

function isAddon(value: unknown): value is OpusAddon {
  return typeof value === 'object' && value !== null && 'api' in value && value.api === API;
}

class NativeEncoder implements OpusEncoderCore {
  readonly #addon: OpusAddon;
  readonly #codec: Codec;
  readonly #out = new Uint8Array(MOST_BYTES);

  constructor(addon: OpusAddon, { rateHz, bitrate, complexity, dtx }: OpusEncoderSettings) {
    this.#addon = addon;
    this.#codec = addon.createEncoder(rateHz, bitrate, complexity, dtx);
  }

  encode(pcm: Int16Array): Uint8Array {
    const bytes = this.#addon.encode(this.#codec, pcm, this.#out);
    if (bytes < 0) throw new RangeError(`Opus refuses a frame of ${pcm.length} samples (${bytes})`);
    return this.#out.subarray(0, bytes);
  }

  set(bitrate: number, lossPercent: number): void {
    this.#addon.setEncoder(this.#codec, bitrate, lossPercent);
  }

  close(): void {
    this.#addon.close(this.#codec);
  }
}

class NativeDecoder implements OpusDecoderCore {
  readonly #addon: OpusAddon;
  readonly #codec: Codec;
  readonly #out: Int16Array;
  /** Of the last length: mostly that of the next, too. */
  #view: Int16Array;

  constructor(addon: OpusAddon, rateHz: number) {
    this.#addon = addon;
    this.#codec = addon.createDecoder(rateHz);
    this.#out = new Int16Array(rateHz * LONGEST_SEC);
    this.#view = this.#out;
  }

  decode(payload: Uint8Array): Int16Array {
    return this.#run(payload, false, this.#out.length);
  }

  recover(next: Uint8Array | undefined, samples: number): Int16Array {
    return this.#run(next, next !== undefined, samples);
  }

  close(): void {
    this.#addon.close(this.#codec);
  }

  #run(payload: Uint8Array | undefined, useFec: boolean, samples: number): Int16Array {
    const got = this.#addon.decode(this.#codec, payload, useFec, samples, this.#out);
    if (got < 0) throw new RangeError(`Opus refuses a payload (${got})`);
    if (this.#view.length !== got) this.#view = this.#out.subarray(0, got);
    return this.#view;
  }
}
