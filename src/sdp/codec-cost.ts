/** What it costs to turn one codec into another: processor first, and what it does to the sound where that is alike. */
import { isSameCodec } from './codec-list.ts';
import type { AudioCodec, AudioCodecName } from './model.ts';

/**
 * One encoder and one decoder, relative to a look into a table. Opus is measured (64 to 81 µs to encode 20 ms at
 * 8 kHz); G.722 is a filter for each sample; L16 computes nothing but takes 256 kbit/s of the line.
 */
const COST: Readonly<Record<AudioCodecName, number>> = { PCMU: 1, PCMA: 1, G722: 10, L16: 12, opus: 90 };

/** Of both directions, 0 when payload passes untouched. */
export function transcodingCost(a: AudioCodec, b: AudioCodec): number {
  return isSameCodec(a, b) ? 0 : COST[a.name] + COST[b.name];
}

/** The rate of the sound a codec carries, Hz: not always that of its clock. */
export function soundRate({ name, clockRate }: AudioCodec): number {
  return name === 'G722' ? 16_000 : clockRate;
}

/** The cheapest first. */
export function byCost(names: readonly AudioCodecName[]): readonly AudioCodecName[] {
  return names.toSorted((a, b) => COST[a] - COST[b]);
}
