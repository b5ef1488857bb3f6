/** The two frequencies of each key (ITU-T Q.23), and how they sound. */
import { addToneBurst } from './tone-burst.ts';

export const DTMF_ROWS_HZ = [697, 770, 852, 941] as const;
export const DTMF_COLUMNS_HZ = [1209, 1336, 1477, 1633] as const;
const KEYS = '123A456B789C*0#D';

/** Of each frequency: Q.24 wants receivers to take -3 to -24 dBm. */
const LEVEL_DBFS = -13;

/** The key of a row and a column, both from 0. */
export function dtmfKeyAt(row: number, column: number): string {
  return KEYS[row * DTMF_COLUMNS_HZ.length + column] ?? '';
}

/** A key press, followed by `pauseMs` of silence. Throws RangeError for what is no key. */
export function renderDtmf(
  key: string,
  rateHz: number,
  length: { readonly durationMs: number; readonly pauseMs: number },
): Int16Array {
  const index = key.length === 1 ? KEYS.indexOf(key.toUpperCase()) : -1;
  const hz = [DTMF_ROWS_HZ[index >> 2], DTMF_COLUMNS_HZ[index & 3]].filter((each) => each !== undefined);
  if (index < 0) throw new RangeError('not a telephone key');
  const count = Math.round((length.durationMs * rateHz) / 1000);
  const samples = new Int16Array(count + Math.round((length.pauseMs * rateHz) / 1000));
  addToneBurst(samples, { begin: 0, count, rateHz }, { hz, levelDbfs: LEVEL_DBFS });
  return samples;
}
