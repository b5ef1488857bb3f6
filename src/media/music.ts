/** Music on hold from a file: read once, and shared by the threads that play it. */
import { readFile, stat } from 'node:fs/promises';
import { readWav } from '../audio/index.ts';
import type { Music } from './edge/index.ts';
import { mediaErrors } from './media-errors.ts';
import { mixDown } from './mix-down.ts';

/** Ten minutes in stereo at 48 kHz, and room for what else a WAV file may hold. */
const MAX_BYTES = 128 * 1024 * 1024;

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
