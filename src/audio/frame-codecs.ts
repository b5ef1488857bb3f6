/** The codecs whose payload has a fixed number of bytes for a frame: G.711, G.722, L16. Losses are made up for in the PCM. */
import type { AudioDecoder, AudioEncoder } from './codec.ts';
import { Concealer } from './concealer.ts';
import { decodeG711, encodeG711, type G711Law } from './g711.ts';
import { G722Decoder, G722Encoder } from './g722.ts';

interface FrameCodec {
  encoder(): AudioEncoder;
  decoder(): AudioDecoder;
}

export function g711Codec(law: G711Law): FrameCodec {
  return {
    encoder: () => new FrameEncoder(8000, (pcm) => encodeG711(law, pcm)),
    decoder: () => new FrameDecoder(8000, (payload) => decodeG711(law, payload)),
  };
}

export function g722Codec(): FrameCodec {
  return {
    encoder() {
      const g722 = new G722Encoder();
      return new FrameEncoder(16_000, (pcm) => g722.encode(pcm));
    },
    decoder() {
      const g722 = new G722Decoder();
      return new FrameDecoder(16_000, (payload) => g722.decode(payload));
    },
  };
}

/** RFC 3551 §4.5.11: 16 bits, network byte order. */
export function l16Codec(rateHz: number): FrameCodec {
  return {
    encoder: () => new FrameEncoder(rateHz, encodeL16),
    decoder: () => new FrameDecoder(rateHz, decodeL16),
  };
}

class FrameEncoder implements AudioEncoder {
  readonly rateHz: number;
  readonly encode: (pcm: Int16Array) => Uint8Array;

  constructor(rateHz: number, encode: (pcm: Int16Array) => Uint8Array) {
    this.rateHz = rateHz;
    this.encode = encode;
  }

  expectLoss(): void {}
  close(): void {}
}

class FrameDecoder implements AudioDecoder {
  readonly rateHz: number;
  readonly #decode: (payload: Uint8Array) => Int16Array;
  readonly #concealer: Concealer;

  constructor(rateHz: number, decode: (payload: Uint8Array) => Int16Array) {
    this.rateHz = rateHz;
    this.#decode = decode;
    this.#concealer = new Concealer(rateHz);
  }

  decode(payload: Uint8Array): Int16Array {
    return this.#concealer.heard(this.#decode(payload));
  }

  conceal(samples: number): Int16Array {
    return this.#concealer.conceal(samples);
  }

  decodeFec(_next: Uint8Array, samples: number): Int16Array {
    return this.#concealer.conceal(samples);
  }

  close(): void {}
}

function encodeL16(pcm: Int16Array): Uint8Array {
  const payload = new Uint8Array(pcm.length * 2);
  for (let i = 0; i < pcm.length; i++) {
    const sample = pcm[i] ?? 0;
    payload[2 * i] = sample >> 8;
    payload[2 * i + 1] = sample;
  }
  return payload;
}

function decodeL16(payload: Uint8Array): Int16Array {
  const pcm = new Int16Array(payload.length >> 1);
  for (let i = 0; i < pcm.length; i++) pcm[i] = ((payload[2 * i] ?? 0) << 8) | (payload[2 * i + 1] ?? 0);
  return pcm;
}
