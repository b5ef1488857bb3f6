import type { Random } from '../../src/kernel/index.ts';

/** A Random that gives the same numbers for the same seed (mulberry32). */
export function seededRandom(seed = 1): Random {
  let state = seed >>> 0;
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const hex = (bytes: number): string => {
    let text = '';
    while (text.length < bytes * 2) text += uint32().toString(16).padStart(8, '0');
    return text.slice(0, bytes * 2);
  };
  const uuid = (): string => {
    const digits = hex(16);
    return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20)}`;
  };
  return { uint32, hex, uuid };
}
