/** A recording as threads play it. */
import type { Recording } from '../audio/index.ts';
import type { SharedPcm } from './edge/index.ts';

const MAX_SEC = 600;
const MIN_RATE_HZ = 8000;
const MAX_RATE_HZ = 48_000;

/** One channel, in memory that threads can share. Throws a RangeError for what is too long, empty or of another rate. */
export function mixDown({ rateHz, channels }: Recording): SharedPcm {
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
