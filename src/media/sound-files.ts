/** WAV files by name from one folder: read when they are first played, and kept while they are played often. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readWav } from '../audio/index.ts';
import type { EdgeSound } from './edge/index.ts';
import { mediaErrors } from './media-errors.ts';
import { mixDown } from './mix-down.ts';

type Recording = Extract<EdgeSound, { readonly kind: 'recording' }>;

/** A name and no path: it comes from agents and over the API. */
const NAME = /^(?!\.)[\w.-]{1,64}$/;
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_KEPT = 16;

export class SoundFiles {
  readonly #folder: string | undefined;
  readonly #kept = new Map<string, Pick<Recording, 'id' | 'pcm'>>();

  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** Throws MEDIA_NO_SOUND. */
  async find(name: string): Promise<Pick<Recording, 'id' | 'pcm'>> {
    if (this.#folder === undefined) throw mediaErrors.MEDIA_NO_SOUND([name, 'there is no folder of sounds']);
    if (!NAME.test(name)) throw mediaErrors.MEDIA_NO_SOUND(['of that name', 'a name is letters, digits, . _ and -']);
    const path = join(this.#folder, name);
    try {
      const { size, mtimeMs } = await stat(path);
      if (size > MAX_BYTES) throw new RangeError(`is larger than ${MAX_BYTES / 1024 / 1024} MB`);
      const id = `${name} ${mtimeMs}`;
      const recording = this.#kept.get(id) ?? { id, pcm: mixDown(readWav(await readFile(path))) };
      this.#keep(recording);
      return recording;
    } catch (cause) {
      const isMissing = cause instanceof Error && 'code' in cause;
      const why = isMissing ? 'it cannot be read' : cause instanceof Error ? cause.message : String(cause);
      throw mediaErrors.MEDIA_NO_SOUND([name, why], { cause });
    }
  }

  #keep(recording: Pick<Recording, 'id' | 'pcm'>): void {
    this.#kept.delete(recording.id);
    this.#kept.set(recording.id, recording);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }
}
