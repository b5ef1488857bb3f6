/**
 * What a caller hears while the phone at the other end rings, by country (ITU-T E.180, Supplement 2). `eu` is that of
 * Germany and most of Europe.
 */
import { addToneBurst } from './tone-burst.ts';

interface Cadence {
  readonly hz: readonly number[];
  /** On, off, on, off …, s; all of them whole frames of 20 ms. */
  readonly pattern: readonly number[];
}

const CADENCES = {
  at: { hz: [420], pattern: [1, 5] },
  au: { hz: [413, 438], pattern: [0.4, 0.2, 0.4, 2] },
  cn: { hz: [450], pattern: [1, 4] },
  es: { hz: [425], pattern: [1.5, 3] },
  eu: { hz: [425], pattern: [1, 4] },
  fr: { hz: [440], pattern: [1.5, 3.5] },
  jp: { hz: [384, 416], pattern: [1, 2] },
  uk: { hz: [400, 450], pattern: [0.4, 0.2, 0.4, 2] },
  us: { hz: [440, 480], pattern: [2, 4] },
} as const satisfies Readonly<Record<string, Cadence>>;

export type RingbackTone = keyof typeof CADENCES;

const LEVEL_DBFS = -18;

/** One turn of it, to be repeated. */
export function renderRingback(tone: RingbackTone, rateHz: number): Int16Array {
  const { hz, pattern }: Cadence = CADENCES[tone];
  const lengths = pattern.map((sec) => Math.round(sec * rateHz));
  const samples = new Int16Array(lengths.reduce((sum, length) => sum + length, 0));
  // Two tones together are as loud as one alone.
  const levelDbfs = LEVEL_DBFS - 10 * Math.log10(hz.length);
  let begin = 0;
  for (const [index, count] of lengths.entries()) {
    if (index % 2 === 0) addToneBurst(samples, { begin, count, rateHz }, { hz, levelDbfs });
    begin += count;
  }
  return samples;
}
