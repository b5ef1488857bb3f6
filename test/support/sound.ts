/** Recorded sound as numbers, and what a test wants to know about it: which tone, how loud, where it is missing. */
export interface Sound {
  readonly rateHz: number;
  /** Mono, -1 to 1. */
  readonly samples: Float32Array;
}

/** A stretch of the sound, in seconds from its start. */
export function excerpt(sound: Sound, fromSec: number, toSec: number): Sound {
  return {
    rateHz: sound.rateHz,
    samples: sound.samples.subarray(Math.round(fromSec * sound.rateHz), Math.round(toSec * sound.rateHz)),
  };
}

export function durationSec(sound: Sound): number {
  return sound.samples.length / sound.rateHz;
}

/** A Hann window, so that a tone between two windows' frequencies does not smear. */
function windowed({ samples, rateHz }: Sound): Sound {
  const step = (2 * Math.PI) / samples.length;
  return { rateHz, samples: samples.map((value, i) => value * (1 - Math.cos(step * i))) };
}

/** Goertzel's filter: one bin of a Fourier transform without a sine for each sample. */
function goertzel({ samples, rateHz }: Sound, hz: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / rateHz);
  let s1 = 0;
  let s2 = 0;
  for (const value of samples) {
    const s0 = value + coefficient * s1 - s2;
    s2 = s1;
    s1 = s0;
  }
  const power = s1 * s1 + s2 * s2 - coefficient * s1 * s2;
  return samples.length === 0 ? 0 : (2 * Math.sqrt(Math.max(0, power))) / samples.length;
}

/** Amplitude (0 to 1) of the sine of `hz` in the sound. */
export function amplitudeOf(sound: Sound, hz: number): number {
  return goertzel(windowed(sound), hz);
}

export function rmsOf({ samples }: Sound): number {
  let sum = 0;
  for (const value of samples) sum += value * value;
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length);
}

/** The strongest frequency between `fromHz` and `toHz`, to 1 Hz, over the middle half second. */
export function strongestHz(sound: Sound, fromHz = 200, toHz = 3400): number {
  const middle = durationSec(sound) / 2;
  const part = windowed(excerpt(sound, Math.max(0, middle - 0.25), middle + 0.25));
  let best = { hz: 0, amplitude: -1 };
  const consider = (hz: number): void => {
    const amplitude = goertzel(part, hz);
    if (amplitude > best.amplitude) best = { hz, amplitude };
  };
  for (let hz = fromHz; hz <= toHz; hz += 4) consider(hz);
  const near = best.hz;
  for (let hz = near - 4; hz <= near + 4; hz += 1) consider(hz);
  return best.hz;
}

export interface Gap {
  readonly atSec: number;
  readonly ms: number;
}

const WINDOW_MS = 10;
/** Below this share of the usual amplitude the tone counts as missing. */
const MISSING = 0.3;

/** Where the tone of `hz` is missing, between its first and its last appearance. */
export function gapsOf(sound: Sound, hz: number): readonly Gap[] {
  const length = Math.round((sound.rateHz * WINDOW_MS) / 1000);
  const levels: number[] = [];
  for (let at = 0; at + length <= sound.samples.length; at += length) {
    levels.push(amplitudeOf({ rateHz: sound.rateHz, samples: sound.samples.subarray(at, at + length) }, hz));
  }
  const usual = levels.toSorted((a, b) => a - b)[Math.floor(levels.length * 0.75)] ?? 0;
  const isThere = levels.map((level) => level > usual * MISSING && level > 0.001);
  const gaps: Gap[] = [];
  let last = isThere.indexOf(true);
  for (let i = last + 1; i < isThere.length; i++) {
    if (!isThere[i]) continue;
    if (i - last > 1) gaps.push({ atSec: ((last + 1) * WINDOW_MS) / 1000, ms: (i - last - 1) * WINDOW_MS });
    last = i;
  }
  return gaps;
}

/** The longest gap in milliseconds. */
export function longestGapMs(sound: Sound, hz: number): number {
  return Math.max(0, ...gapsOf(sound, hz).map((gap) => gap.ms));
}

/** A sine, for sources. */
export function sine(hz: number, seconds: number, options: { rateHz: number; amplitude: number }): Sound {
  const { rateHz, amplitude } = options;
  const samples = Float32Array.from(
    { length: Math.round(seconds * rateHz) },
    (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / rateHz),
  );
  return { rateHz, samples };
}

/** A WAV file of 16-bit PCM. */
export function encodeWav({ samples, rateHz }: Sound): Buffer {
  const out = Buffer.alloc(44 + samples.length * 2);
  out.write('RIFF', 0);
  out.writeUInt32LE(out.length - 8, 4);
  out.write('WAVEfmt ', 8);
  out.writeUInt32LE(16, 16);
  out.writeUInt16LE(1, 20);
  out.writeUInt16LE(1, 22);
  out.writeUInt32LE(rateHz, 24);
  out.writeUInt32LE(rateHz * 2, 28);
  out.writeUInt16LE(2, 32);
  out.writeUInt16LE(16, 34);
  out.write('data', 36);
  out.writeUInt32LE(samples.length * 2, 40);
  samples.forEach((value, i) => out.writeInt16LE(Math.round(Math.max(-1, Math.min(1, value)) * 32767), 44 + i * 2));
  return out;
}

/** Reads 16-bit PCM WAV; the first channel. A length that is not written yet (recording goes on) means: to the end. */
export function decodeWav(file: Buffer): Sound {
  const rateHz = file.readUInt32LE(24);
  const channels = file.readUInt16LE(22);
  let at = 12;
  while (at + 8 <= file.length && file.toString('latin1', at, at + 4) !== 'data') at += 8 + file.readUInt32LE(at + 4);
  const stated = at + 8 <= file.length ? file.readUInt32LE(at + 4) : 0;
  const start = Math.min(at + 8, file.length);
  const end = stated === 0 ? file.length : Math.min(file.length, start + stated);
  const count = Math.floor((end - start) / (2 * channels));
  const samples = Float32Array.from({ length: count }, (_, i) => file.readInt16LE(start + i * 2 * channels) / 32768);
  return { rateHz, samples };
}
