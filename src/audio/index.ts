export type { AudioDecoder, AudioEncoder, CodecName } from './codec.ts';
export { type CodecOptions, createDecoder, createEncoder } from './create-codec.ts';
export { decodeG711, encodeG711, type G711Law } from './g711.ts';
export { G722Decoder, G722Encoder } from './g722.ts';
export { findGaps, type Gap, measureTone, type ToneMeasure } from './measure.ts';
export { ToneGenerator } from './tone.ts';
export { type Recording, readWav, writeWav } from './wav.ts';
