/** The music on hold of whoever has brought none: quiet broken chords, made when they are needed. */
import { addToneBurst } from './tone-burst.ts';

/** C, a minor, F, G: semitones above the C below middle C, one chord a bar. */
const BARS: readonly (readonly number[])[] = [
  [0, 7, 12, 16, 19, 16, 12, 7],
  [-3, 4, 9, 12, 16, 12, 9, 4],
  [-7, 0, 5, 9, 12, 9, 5, 0],
  [-5, 2, 7, 11, 14, 11, 7, 2],
];
const LOW_C_HZ = 130.81;
const NOTE_SEC = 0.4;
const SOUNDING_SEC = 0.36;
const LEVEL_DBFS = -24;

/** One round of it, to be repeated: 12.8 s. */
export function renderMelody(rateHz: number): Int16Array {
  const notes = BARS.flat();
  const step = Math.round(NOTE_SEC * rateHz);
  const count = Math.round(SOUNDING_SEC * rateHz);
  const samples = new Int16Array(notes.length * step);
  for (const [index, semitones] of notes.entries()) {
    const hz = LOW_C_HZ * 2 ** (semitones / 12);
    const begin = index * step;
    addToneBurst(samples, { begin, count, rateHz }, { hz: [hz], levelDbfs: LEVEL_DBFS });
    addToneBurst(samples, { begin, count: count >> 1, rateHz }, { hz: [2 * hz], levelDbfs: LEVEL_DBFS - 10 });
  }
  return samples;
}
