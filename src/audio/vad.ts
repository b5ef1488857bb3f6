/**
 * Says when somebody begins to speak and when they have stopped, by how loud each frame is against the quietest of the
 * last seconds: speech has dips, so what goes on without any (a tone, a fan) becomes background and is speech no more.
 */

export interface VadSettings {
  readonly frameMs: number;
  /** So much voice within twice that time is the beginning of speech, and no click. */
  readonly startMs: number;
  /** Pauses up to this long belong to the speech. */
  readonly hangoverMs: number;
  /** What is quieter is never speech, dB of full scale. */
  readonly leastDb: number;
  /** How far speech is above the background, dB. */
  readonly marginDb: number;
  /** How far back the background is looked for, ms. */
  readonly memoryMs: number;
}

const DEFAULTS: VadSettings = {
  frameMs: 20,
  startMs: 60,
  hangoverMs: 400,
  leastDb: -46,
  marginDb: 10,
  memoryMs: 2000,
};

export type VadChange = 'started' | 'stopped';

/** Of digital silence, and of whatever is quieter still, dB. */
const SILENCE_DB = -60;

export class VoiceActivityDetector {
  readonly #settings: VadSettings;
  /** The levels of the last frames, as a ring. */
  readonly #levels: Float32Array;
  #frames = 0;
  /** A bit for each of the last frames, the newest lowest: it was loud. */
  #loud = 0;
  #quietFrames = 0;
  #isSpeech = false;

  constructor(settings: VadSettings = DEFAULTS) {
    this.#settings = settings;
    this.#levels = new Float32Array(Math.ceil(settings.memoryMs / settings.frameMs)).fill(SILENCE_DB);
  }

  get isSpeech(): boolean {
    return this.#isSpeech;
  }

  /** Since the last frame with voice in it, ms: when `stopped` is told, the speaker stopped so long ago. */
  get silentMs(): number {
    return this.#quietFrames * this.#settings.frameMs;
  }

  /** Takes the next frame. Undefined: all is as before. */
  take(samples: Int16Array): VadChange | undefined {
    const isLoud = this.#isLoud(levelDb(samples));
    this.#loud = ((this.#loud << 1) | (isLoud ? 1 : 0)) >>> 0;
    this.#quietFrames = isLoud ? 0 : this.#quietFrames + 1;
    const { frameMs, startMs, hangoverMs } = this.#settings;
    const needed = Math.max(1, Math.round(startMs / frameMs));
    if (!this.#isSpeech && isLoud && bitsIn(this.#loud & (2 ** (2 * needed) - 1)) >= needed) {
      this.#isSpeech = true;
      return 'started';
    }
    if (this.#isSpeech && this.#quietFrames * frameMs >= hangoverMs) {
      this.#isSpeech = false;
      this.#loud = 0;
      return 'stopped';
    }
    return undefined;
  }

  #isLoud(level: number): boolean {
    const { leastDb, marginDb } = this.#settings;
    let background = Infinity;
    for (const each of this.#levels) if (each < background) background = each;
    this.#levels[this.#frames++ % this.#levels.length] = Math.max(SILENCE_DB, level);
    return level >= leastDb && level >= background + marginDb;
  }
}

/** The root mean square, dB of full scale; of digital silence -Infinity. */
function levelDb(samples: Int16Array): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += (samples[i] ?? 0) ** 2;
  return 10 * Math.log10(sum / Math.max(1, samples.length) / 32768 ** 2);
}

function bitsIn(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest &= rest - 1) count++;
  return count;
}
