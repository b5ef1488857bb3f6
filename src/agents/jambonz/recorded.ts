/** Audio that comes whole in one message, as 16-bit samples of the call's rate. */
import { createResampler, readWav } from '../../audio/index.ts';
import type { PlayAudio } from './messages.ts';

/** Little endian. Throws a RangeError for a rate that has nothing simple in common with the call's, and for no WAV. */
export function samplesOf({ isWav, audio, rateHz }: PlayAudio, callHz: number): Buffer {
  const { pcm, fromHz } = isWav ? wav(audio) : { pcm: fromBytes(audio), fromHz: rateHz ?? callHz };
  return toBytes(createResampler(fromHz, callHz)?.process(pcm) ?? pcm);
}

function wav(audio: Buffer): { readonly pcm: Int16Array; readonly fromHz: number } {
  const { rateHz, channels } = readWav(audio);
  return { pcm: channels[0] ?? new Int16Array(), fromHz: rateHz };
}

function fromBytes(audio: Buffer): Int16Array {
  return Int16Array.from({ length: audio.length >> 1 }, (_, at) => audio.readInt16LE(2 * at));
}

function toBytes(pcm: Int16Array): Buffer {
  const bytes = Buffer.alloc(2 * pcm.length);
  for (const [at, sample] of pcm.entries()) bytes.writeInt16LE(sample, 2 * at);
  return bytes;
}
