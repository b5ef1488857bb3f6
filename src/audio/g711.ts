/** G.711, both laws, by table: encoding looks up the upper 14 (µ) or 13 (A) bits' code for each of 65536 samples. */

const MU_BIAS = 132;
const MU_CLIP = 32635;

function muLawFromSample(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), MU_CLIP) + MU_BIAS;
  const exponent = 31 - Math.clz32(magnitude) - 7;
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

function sampleFromMuLaw(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + MU_BIAS) << ((bits & 0x70) >> 4)) - MU_BIAS;
  return (bits & 0x80) !== 0 ? -magnitude : magnitude;
}

function aLawFromSample(sample: number): number {
  const mask = sample >= 0 ? 0xd5 : 0x55;
  // One's complement for negative samples, as the recommendation's 13-bit table is symmetrical around -1/2.
  const magnitude = (sample >= 0 ? sample : -sample - 1) >> 3;
  const exponent = Math.max(0, 31 - Math.clz32(magnitude | 1) - 4);
  const code = exponent === 0 ? magnitude >> 1 : (exponent << 4) | ((magnitude >> exponent) & 0x0f);
  return code ^ mask;
}

function sampleFromALaw(code: number): number {
  const bits = code ^ 0x55;
  const exponent = (bits & 0x70) >> 4;
  const mantissa = (bits & 0x0f) << 4;
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1);
  return (bits & 0x80) !== 0 ? magnitude : -magnitude;
}

export type G711Law = 'PCMU' | 'PCMA';

interface Tables {
  readonly encode: Uint8Array;
  readonly decode: Int16Array;
}

function createTables(fromSample: (sample: number) => number, toSample: (code: number) => number): Tables {
  const encode = new Uint8Array(65536);
  for (let sample = -32768; sample < 32768; sample++) encode[sample & 0xffff] = fromSample(sample);
  const decode = new Int16Array(256);
  for (let code = 0; code < 256; code++) decode[code] = toSample(code);
  return { encode, decode };
}

const tables: Readonly<Record<G711Law, Tables>> = {
  PCMU: createTables(muLawFromSample, sampleFromMuLaw),
  PCMA: createTables(aLawFromSample, sampleFromALaw),
};

/** One byte per sample, 8 kHz by custom. */
export function encodeG711(law: G711Law, samples: Int16Array): Uint8Array {
  const { encode } = tables[law];
  const codes = new Uint8Array(samples.length);
  for (let i = 0; i < samples.length; i++) codes[i] = encode[(samples[i] ?? 0) & 0xffff] ?? 0;
  return codes;
}

export function decodeG711(law: G711Law, codes: Uint8Array): Int16Array {
  const { decode } = tables[law];
  const samples = new Int16Array(codes.length);
  for (let i = 0; i < codes.length; i++) samples[i] = decode[codes[i] ?? 0] ?? 0;
  return samples;
}
