/** The codecs we know, and how SDP writes them. */
import type { AudioCodec, AudioCodecName, TelephoneEventFormat } from './model.ts';

/** What a=rtpmap says (RFC 8866 §6.6). */
export interface Rtpmap {
  readonly encoding: string;
  readonly clockRate: number;
  /** 1 when it says nothing. */
  readonly channels: number;
}

interface KnownCodec {
  readonly name: AudioCodecName;
  readonly clockRate: number;
  readonly channels: number;
  /** The static payload type of RFC 3551 §6, or the dynamic one we prefer. */
  readonly payloadType: number;
  readonly fmtp: string;
}

const KNOWN: Readonly<Record<AudioCodecName, KnownCodec>> = {
  opus: { name: 'opus', clockRate: 48_000, channels: 2, payloadType: 111, fmtp: 'minptime=10;useinbandfec=1' },
  // 8000 although it samples at 16 kHz: an error of RFC 1890 that RFC 3551 §4.5.2 keeps for ever.
  G722: { name: 'G722', clockRate: 8_000, channels: 1, payloadType: 9, fmtp: '' },
  PCMU: { name: 'PCMU', clockRate: 8_000, channels: 1, payloadType: 0, fmtp: '' },
  PCMA: { name: 'PCMA', clockRate: 8_000, channels: 1, payloadType: 8, fmtp: '' },
  L16: { name: 'L16', clockRate: 16_000, channels: 1, payloadType: 118, fmtp: '' },
};

const NAMES: readonly AudioCodecName[] = ['opus', 'G722', 'PCMU', 'PCMA', 'L16'];
/** L16 comes at any rate (RFC 3551 §4.5.11); these are those that other codecs have, too. */
const L16_RATES: readonly number[] = [8_000, 16_000, 48_000];

/** The packet time when nobody says another, RFC 3551 §4.2. */
export const DEFAULT_PTIME_MS = 20;

/** The codec as we list it ourselves. */
export function ownCodec(name: AudioCodecName): AudioCodec {
  return KNOWN[name];
}

/** The codec that owns a static payload type (RFC 3551 §6), for descriptions that leave its a=rtpmap out. */
export function staticCodec(payloadType: number): AudioCodec | undefined {
  const known = NAMES.map((name) => KNOWN[name]).find((each) => each.payloadType === payloadType);
  return known === undefined || known.payloadType >= 96 ? undefined : { ...known, fmtp: '' };
}

/** The codec an a=rtpmap names, forgiving what the field gets wrong: letter case, G722/16000, opus/48000 without /2. */
export function namedCodec({ encoding, clockRate, channels }: Rtpmap): AudioCodec | undefined {
  const name = NAMES.find((each) => each.toLowerCase() === encoding.toLowerCase());
  if (name === undefined) return undefined;
  if (name === 'L16') return channels === 1 && L16_RATES.includes(clockRate) ? { ...KNOWN.L16, clockRate } : undefined;
  const matches = KNOWN[name].clockRate === clockRate || (name === 'G722' && clockRate === 16_000);
  return matches ? KNOWN[name] : undefined;
}

/** `opus/48000/2`, `PCMU/8000`: the encoding part of a=rtpmap. */
export function encodingOf(codec: AudioCodec): string {
  return codec.channels === 1
    ? `${codec.name}/${codec.clockRate}`
    : `${codec.name}/${codec.clockRate}/${codec.channels}`;
}

/** Whether two Legs can exchange the payload untouched, whatever their payload types and parameters. */
export function isSameCodec(a: AudioCodec, b: AudioCodec): boolean {
  return a.name === b.name && a.clockRate === b.clockRate && a.channels === b.channels;
}

/** The telephone-events with those of the codec's clock rate first: what RFC 4733 §2.6 wants sent beside it. */
export function fittingFirst(codec: AudioCodec, events: readonly TelephoneEventFormat[]): TelephoneEventFormat[] {
  const fits = (event: TelephoneEventFormat): boolean => event.clockRate === codec.clockRate;
  return [...events.filter(fits), ...events.filter((event) => !fits(event))];
}
