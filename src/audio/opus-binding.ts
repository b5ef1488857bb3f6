/** libopus, by which every Opus codec of this thread is made: a native addon, or WebAssembly where there is none. */
import {
  Application,
  createDecoder,
  createEncoder,
  loadLibopus,
  type OpusDecoderHandle,
  type OpusEncoderHandle,
  type SampleRate,
  Signal,
} from 'libopus-wasm';

export interface OpusEncoderSettings {
  /** Of the PCM: 8000, 12000, 16000, 24000 or 48000 Hz. */
  readonly rateHz: SampleRate;
  /** bit/s. */
  readonly bitrate: number;
  /** 0 to 10. */
  readonly complexity: number;
  readonly dtx: boolean;
}

/** What comes back is valid until the next call. Throws for what libopus refuses. */
export interface OpusEncoderCore {
  encode(pcm: Int16Array): Uint8Array;
  /** Redundancy (in-band FEC) is on when the loss is above 0. */
  set(bitrate: number, lossPercent: number): void;
  close(): void;
}

/** What comes back is valid until the next call. Throws for what libopus refuses. */
export interface OpusDecoderCore {
  decode(payload: Uint8Array): Int16Array;
  /** `samples`, a multiple of 2.5 ms, from what the payload after the lost one knows, or without one made up. */
  recover(next: Uint8Array | undefined, samples: number): Int16Array;
  close(): void;
}

export interface OpusBinding {
  readonly name: 'native' | 'wasm';
  /** What libopus calls itself. */
  version(): Promise<string>;
  createEncoder(settings: OpusEncoderSettings): Promise<OpusEncoderCore>;
  createDecoder(rateHz: SampleRate): Promise<OpusDecoderCore>;
}

export const wasmOpus: OpusBinding = {
  name: 'wasm',
  version: async () => (await loadLibopus()).version,
  async createEncoder({ rateHz, ...settings }) {
    const { Voip: application } = Application;
    const rest = { channels: 1, application, signal: Signal.Voice } as const;
    return new WasmEncoder(await createEncoder({ ...settings, ...rest, sampleRate: rateHz }));
  },
  createDecoder: async (rateHz) => new WasmDecoder(await createDecoder({ sampleRate: rateHz, channels: 1 })),
};

let inUse: OpusBinding = wasmOpus;

/** The one of this thread. */
export function opusInUse(): OpusBinding {
  return inUse;
}

/** From now on the codecs of this thread are made by this one. */
export function useOpus(binding: OpusBinding): void {
  inUse = binding;
}

class WasmEncoder implements OpusEncoderCore {
  readonly #handle: OpusEncoderHandle;

  constructor(handle: OpusEncoderHandle) {
    this.#handle = handle;
  }

  encode(pcm: Int16Array): Uint8Array {
    return this.#handle.encode(pcm, { frameSize: pcm.length });
  }

  set(bitrate: number, lossPercent: number): void {
    this.#handle.setFec(lossPercent > 0);
    this.#handle.setPacketLossPercent(lossPercent);
    this.#handle.setBitrate(bitrate);
  }

  close(): void {
    this.#handle.free();
  }
}

class WasmDecoder implements OpusDecoderCore {
  readonly #handle: OpusDecoderHandle;

  constructor(handle: OpusDecoderHandle) {
    this.#handle = handle;
  }

  decode(payload: Uint8Array): Int16Array {
    return this.#handle.decode(payload);
  }

  recover(next: Uint8Array | undefined, samples: number): Int16Array {
    if (next === undefined) return this.#handle.decodePacketLoss(samples);
    return this.#handle.decode(next, { decodeFec: true, frameSize: samples });
  }

  close(): void {
    this.#handle.free();
  }
}
