/** Encoders and decoders by the codec's name. */
import type { AudioDecoder, AudioEncoder, CodecName } from './codec.ts';
import { g711Codec, g722Codec, l16Codec } from './frame-codecs.ts';
import { createOpusDecoder, createOpusEncoder, type OpusOptions } from './opus.ts';

export interface CodecOptions {
  /**
   * The rate of the PCM, Hz. Opus: 8000, 16000, 24000 or 48000, whatever the packets' own (default 48000); L16: any
   * (default 16000). The others have one only, 8000 or (G.722) 16000.
   */
  readonly rateHz?: number;
  /** Of an Opus encoder. */
  readonly opus?: OpusOptions;
}

/** The rate at which a codec's PCM is best, Hz: Opus takes the other side's. */
const NATIVE_RATE_HZ: Readonly<Record<CodecName, number>> = {
  PCMU: 8000,
  PCMA: 8000,
  G722: 16_000,
  L16: 16_000,
  opus: 48_000,
};

/** Resolves at once but for the first Opus of the thread, whose WebAssembly is to be compiled. */
export async function createEncoder(name: CodecName, options: CodecOptions = {}): Promise<AudioEncoder> {
  const rateHz = options.rateHz ?? NATIVE_RATE_HZ[name];
  return name === 'opus' ? createOpusEncoder(rateHz, options.opus ?? {}) : frameCodec(name, rateHz).encoder();
}

/** As `createEncoder`. */
export async function createDecoder(name: CodecName, options: CodecOptions = {}): Promise<AudioDecoder> {
  const rateHz = options.rateHz ?? NATIVE_RATE_HZ[name];
  return name === 'opus' ? createOpusDecoder(rateHz) : frameCodec(name, rateHz).decoder();
}

function frameCodec(name: Exclude<CodecName, 'opus'>, rateHz: number) {
  if (name === 'L16') return l16Codec(rateHz);
  if (rateHz !== NATIVE_RATE_HZ[name]) throw new RangeError(`${name} has no PCM of ${rateHz} Hz`);
  return name === 'G722' ? g722Codec() : g711Codec(name);
}
