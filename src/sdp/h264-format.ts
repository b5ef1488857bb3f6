/**
 * H.264 from one party to the other untouched: whether two configurations fit (RFC 6184 §8.2.2), and what either party
 * is told about the other.
 */
import { formatFmtp, parseFmtp } from './fmtp.ts';
import {
  DEFAULT_PROFILE_LEVEL,
  formatProfileLevel,
  type H264Profile,
  parseProfileLevel,
  parseReceiveLevel,
} from './h264-profile.ts';

export interface H264Format {
  readonly profile: H264Profile;
  /** profile_idc and profile-iop in hexadecimal: several spellings mean one profile. */
  readonly spelling: string;
  /** Ten times the level of profile-level-id. */
  readonly level: number;
  /** The highest level that can be received: `level`, unless max-recv-level says more. */
  readonly receiveLevel: number;
  readonly isAsymmetryAllowed: boolean;
  /** 0: one NAL unit a packet; 1: fragments and aggregates in decoding order. 2 (interleaved) no WebRTC party has. */
  readonly packetizationMode: 0 | 1 | 2;
  /** The other parameters, by name: what the party can receive beyond its level, and the parameter sets it sends. */
  readonly more: ReadonlyMap<string, string>;
}

/** Encoders have one of either kind. */
const MAX_SETS = 8;
const OWN = ['profile-level-id', 'max-recv-level', 'level-asymmetry-allowed', 'packetization-mode'];

/** Reads a=fmtp of H264; undefined when a value in it cannot be. */
export function parseH264Format(fmtp: string): H264Format | undefined {
  const parameters = parseFmtp(fmtp);
  const id = parameters.get('profile-level-id');
  const profileLevel = id === undefined ? DEFAULT_PROFILE_LEVEL : parseProfileLevel(id);
  const mode = Number(parameters.get('packetization-mode') ?? 0);
  if (profileLevel === undefined || (mode !== 0 && mode !== 1 && mode !== 2)) return undefined;
  const { profile, spelling, level } = profileLevel;
  return {
    profile,
    spelling,
    level,
    // max-recv-level is only to be there when it is the higher one.
    receiveLevel: Math.max(level, parseReceiveLevel(parameters.get('max-recv-level') ?? '') ?? level),
    isAsymmetryAllowed: parameters.get('level-asymmetry-allowed') === '1',
    packetizationMode: mode,
    more: new Map([...parameters].filter(([name]) => !OWN.includes(name))),
  };
}

/** The parameter sets that a=fmtp tells of (RFC 6184 §8.1): what its sender may never send with its pictures. */
export function parameterSetsIn(fmtp: string): readonly Uint8Array[] {
  const sets = parseFmtp(fmtp).get('sprop-parameter-sets') ?? '';
  return sets
    .split(',', MAX_SETS)
    .filter((text) => /^[\w+/]{4,1024}={0,2}$/u.test(text))
    .map((text) => Buffer.from(text, 'base64'));
}

/** The value of a=fmtp. */
export function formatH264Format(format: H264Format): string {
  const { spelling, level, receiveLevel, isAsymmetryAllowed, packetizationMode, more } = format;
  const parameters = new Map<string, string>();
  if (isAsymmetryAllowed) parameters.set('level-asymmetry-allowed', '1');
  parameters.set('packetization-mode', String(packetizationMode));
  parameters.set('profile-level-id', formatProfileLevel({ spelling, level }));
  // Its bytes are those of profile-level-id after the first.
  if (receiveLevel > level)
    parameters.set('max-recv-level', formatProfileLevel({ spelling, level: receiveLevel }).slice(2));
  return formatFmtp(new Map([...parameters, ...more]));
}

/** Whether both parties can decode what the other sends: profile and packetization mode are symmetric, the level is not. */
export function isSameH264(a: H264Format, b: H264Format): boolean {
  return a.profile === b.profile && a.packetizationMode === b.packetizationMode;
}

/**
 * What our answer tells the one who offered `offered`, when `far` is what the other party has said: the offer's
 * configuration with the level that the other party can receive. Without leave for asymmetry on both sides, one level
 * holds for both directions, and it is the lower one. Undefined when the two do not fit.
 */
export function answerH264(offered: H264Format, far: H264Format): H264Format | undefined {
  if (!isSameH264(offered, far)) return undefined;
  const isAsymmetryAllowed = offered.isAsymmetryAllowed && far.isAsymmetryAllowed;
  const level = isAsymmetryAllowed ? far.receiveLevel : Math.min(offered.level, far.level);
  return {
    ...offered,
    level,
    receiveLevel: level,
    isAsymmetryAllowed,
    more: far.more,
  };
}

/**
 * The first of `preferred` that has a counterpart among `others`; undefined when no two fit. With `T` as whatever holds
 * a payload type and its a=fmtp.
 */
export function pairH264<T extends { readonly fmtp: string }>(
  preferred: readonly T[],
  others: readonly T[],
): readonly [preferred: T, other: T] | undefined {
  for (const each of preferred) {
    const format = parseH264Format(each.fmtp);
    const other = format === undefined ? undefined : others.find((candidate) => fits(format, candidate.fmtp));
    if (other !== undefined) return [each, other];
  }
  return undefined;
}

function fits(format: H264Format, fmtp: string): boolean {
  const other = parseH264Format(fmtp);
  return other !== undefined && isSameH264(format, other);
}
