/** Music on hold from a file: read once, and shared by the threads that play it. */
import { readFile, stat } from 'node:fs/promises';
import { type Recording, readWav } from '../audio/index.ts';
import type { Music, MusicPcm } from './edge/index.ts';
import { mediaErrors } from './media-errors.ts';

/** Ten minutes in stereo at 48 kHz, and room for what else a WAV file may hold. */
const MAX_BYTES = 128 * 1024 * 1024;
const MAX_SEC = 600;
const MIN_RATE_HZ = 8000;
const MAX_RATE_HZ = 48_000;

/** `source`: `melody`, `none`, or the path of a WAV file. Throws MEDIA_MUSIC for one that cannot be used. */
export async function loadMusic(source: string): Promise<Music> {
  if (source === 'melody' || source === 'none') return source;
  try {
    const { size } = await stat(source);
    if (size > MAX_BYTES) throw new RangeError(`is larger than ${MAX_BYTES / 1024 / 1024} MB`);
    return mixDown(readWav(await readFile(source)));
  } catch (cause) {
    throw mediaErrors.MEDIA_MUSIC([source, cause instanceof Error ? cause.message : String(cause)], { cause });
  }
}

/** One channel, in memory that threads can share. */
function mixDown({ rateHz, channels }: Recording): MusicPcm {
  const length = channels[0]?.length ?? 0;
  if (rateHz < MIN_RATE_HZ || rateHz > MAX_RATE_HZ) throw new RangeError(`${rateHz} Hz is not between 8 and 48 kHz`);
  if (length === 0) throw new RangeError('no sound in it');
  if (length > MAX_SEC * rateHz) throw new RangeError(`is longer than ${MAX_SEC / 60} minutes`);
  const samples = new Int16Array(new SharedArrayBuffer(length * Int16Array.BYTES_PER_ELEMENT));
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (const channel of channels) sum += channel[i] ?? 0;
    samples[i] = Math.round(sum / channels.length);
  }
  return { rateHz, samples };
}
