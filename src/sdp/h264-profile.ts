/** profile-level-id of H.264: profile_idc, profile-iop and level_idc as three bytes in hexadecimal (RFC 6184 §8.1). */

export type H264Profile =
  | 'constrained-baseline'
  | 'baseline'
  | 'main'
  | 'extended'
  | 'constrained-high'
  | 'high'
  /** A combination that no table names: equal only to itself. */
  | `other-${string}`;

export interface H264ProfileLevel {
  /** The first two bytes as they were written, in lower case, without the bit that belongs to the level. */
  readonly spelling: string;
  readonly profile: H264Profile;
  /** Ten times the level: 31 is level 3.1. LEVEL_1B lies between 10 and 11. */
  readonly level: number;
}

export const LEVEL_1B = 10.5;

/** What holds when nothing is said: Baseline without constraints, level 1. */
export const DEFAULT_PROFILE_LEVEL: H264ProfileLevel = { spelling: '4200', profile: 'baseline', level: 10 };

/** [profile_idc, mask of profile-iop, its value, profile]: table 5 of RFC 6184 §8.1, and H.264 §A.2.4.2 for the last. */
const SUB_PROFILES: readonly (readonly [number, number, number, H264Profile])[] = [
  [0x42, 0x4f, 0x40, 'constrained-baseline'],
  [0x4d, 0x8f, 0x80, 'constrained-baseline'],
  [0x58, 0xcf, 0xc0, 'constrained-baseline'],
  [0x42, 0x4f, 0x00, 'baseline'],
  [0x58, 0xcf, 0x80, 'baseline'],
  [0x4d, 0xaf, 0x00, 'main'],
  [0x58, 0xcf, 0x00, 'extended'],
  [0x64, 0xff, 0x00, 'high'],
  [0x64, 0xff, 0x0c, 'constrained-high'],
];

const CONSTRAINT_SET3 = 0x10;
/** The profiles in which constraint_set3_flag and level_idc 11 mean level 1b. */
const WITH_SET3: readonly number[] = [0x42, 0x4d, 0x58];

/** Undefined when it is not six hexadecimal digits, or names no level. */
export function parseProfileLevel(text: string): H264ProfileLevel | undefined {
  if (!/^[0-9a-f]{6}$/iu.test(text)) return undefined;
  const [idc = 0, iop = 0, levelIdc = 0] = [0, 2, 4].map((start) => Number.parseInt(text.slice(start, start + 2), 16));
  const level = levelOf(idc, iop, levelIdc);
  if (level === undefined) return undefined;
  const known = SUB_PROFILES.find(([eachIdc, mask, value]) => eachIdc === idc && (iop & mask) === value);
  const spelling = hex(idc) + hex(WITH_SET3.includes(idc) ? iop & ~CONSTRAINT_SET3 : iop);
  return { spelling, profile: known?.[3] ?? `other-${spelling}`, level };
}

/** The level that the two bytes of max-recv-level name; undefined when they are none. */
export function parseReceiveLevel(text: string): number | undefined {
  if (!/^[0-9a-f]{4}$/iu.test(text)) return undefined;
  const [iop = 0, levelIdc = 0] = [0, 2].map((start) => Number.parseInt(text.slice(start, start + 2), 16));
  const isSet3 = (iop & CONSTRAINT_SET3) !== 0;
  return (levelIdc === 9 && !isSet3) || (levelIdc === 11 && isSet3) ? LEVEL_1B : plainLevel(levelIdc);
}

export function formatProfileLevel({ spelling, level }: Pick<H264ProfileLevel, 'spelling' | 'level'>): string {
  const idc = Number.parseInt(spelling.slice(0, 2), 16);
  if (level !== LEVEL_1B) return spelling + hex(level);
  if (!WITH_SET3.includes(idc)) return `${spelling}09`;
  return hex(idc) + hex(Number.parseInt(spelling.slice(2), 16) | CONSTRAINT_SET3) + hex(11);
}

function levelOf(idc: number, iop: number, levelIdc: number): number | undefined {
  const isSet3 = (iop & CONSTRAINT_SET3) !== 0;
  if (WITH_SET3.includes(idc)) return levelIdc === 11 && isSet3 ? LEVEL_1B : plainLevel(levelIdc);
  return levelIdc === 9 ? LEVEL_1B : plainLevel(levelIdc);
}

function plainLevel(levelIdc: number): number | undefined {
  return levelIdc >= 10 && levelIdc <= 62 ? levelIdc : undefined;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
