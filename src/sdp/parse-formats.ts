/** a=rtpmap, a=fmtp and a=ptime of one section: RFC 8866 §6.4, §6.6, §6.15. */
import { DEFAULT_PTIME_MS, namedCodec, type Rtpmap, staticCodec } from './codec-list.ts';
import { attribute, attributeValues, type SdpSection } from './lines.ts';
import type { AudioCodec, TelephoneEventFormat } from './model.ts';

const MAX_FMTP = 512;

export interface ParsedFormats {
  readonly codecs: readonly AudioCodec[];
  readonly telephoneEvents: readonly TelephoneEventFormat[];
  readonly ptimeMs: number;
  readonly maxPtimeMs: number | undefined;
}

/** What we understand of the formats of the section, in its order of preference. Of a codec listed twice the first counts. */
export function parseFormats(section: SdpSection): ParsedFormats {
  const rtpmaps = rtpmapsOf(section);
  const fmtps = fmtpsOf(section);
  const codecs = new Map<string, AudioCodec>();
  const telephoneEvents = new Map<number, TelephoneEventFormat>();
  for (const payloadType of payloadTypesOf(section)) {
    const rtpmap = rtpmaps.get(payloadType);
    const clockRate = rtpmap === undefined ? undefined : eventClockRate(rtpmap);
    const codec = rtpmap === undefined ? staticCodec(payloadType) : namedCodec(rtpmap);
    if (clockRate !== undefined && !telephoneEvents.has(clockRate)) {
      telephoneEvents.set(clockRate, { payloadType, clockRate });
    } else if (codec !== undefined && !codecs.has(codec.name)) {
      codecs.set(codec.name, { ...codec, payloadType, fmtp: fmtps.get(payloadType) ?? '' });
    }
  }
  return {
    codecs: [...codecs.values()],
    telephoneEvents: [...telephoneEvents.values()],
    ptimeMs: parsePtime(section, 'ptime') ?? DEFAULT_PTIME_MS,
    maxPtimeMs: parsePtime(section, 'maxptime'),
  };
}

/** By payload type. */
export function rtpmapsOf(section: SdpSection): ReadonlyMap<number, Rtpmap> {
  return keyed(section, 'rtpmap', parseRtpmap);
}

/** By payload type. */
export function fmtpsOf(section: SdpSection): ReadonlyMap<number, string> {
  return keyed(section, 'fmtp', (value) => (value.length > MAX_FMTP ? undefined : value));
}

/** The clock rate of a telephone-event that fits a codec of ours; Chromium lists 16000 and 32000 too. */
function eventClockRate({ encoding, clockRate }: Rtpmap): number | undefined {
  const isEvent = encoding.toLowerCase() === 'telephone-event';
  return isEvent && (clockRate === 8_000 || clockRate === 48_000) ? clockRate : undefined;
}

/** The valid payload types, each once. 72 to 76 would be taken for RTCP (RFC 3551 §6). */
export function payloadTypesOf(section: SdpSection): Set<number> {
  const result = new Set<number>();
  for (const format of section.formats) {
    const payloadType = parsePayloadType(format);
    if (payloadType !== undefined) result.add(payloadType);
  }
  return result;
}

export function parsePayloadType(text: string): number | undefined {
  const value = /^\d{1,3}$/u.test(text) ? Number(text) : undefined;
  return value === undefined || value > 127 || (value >= 72 && value <= 76) ? undefined : value;
}

/** Attributes of the form `<payload type> <value>`; the first of each payload type counts. */
function keyed<T>(section: SdpSection, name: string, parse: (value: string) => T | undefined): Map<number, T> {
  const result = new Map<number, T>();
  for (const value of attributeValues(section.attributes, name)) {
    const space = value.indexOf(' ');
    const payloadType = parsePayloadType(space < 0 ? '' : value.slice(0, space));
    const parsed = parse(value.slice(space + 1).trim());
    if (payloadType !== undefined && parsed !== undefined && !result.has(payloadType)) result.set(payloadType, parsed);
  }
  return result;
}

function parseRtpmap(value: string): Rtpmap | undefined {
  const [encoding = '', rate = '', channels = '1'] = value.split('/');
  return /^\d{1,6}$/u.test(rate) ? { encoding, clockRate: Number(rate), channels: Number(channels) } : undefined;
}

/** A packet time no codec of ours can have is as good as none (it overflowed a peer's arithmetic once: CVE-2026-41416). */
function parsePtime(section: SdpSection, name: 'ptime' | 'maxptime'): number | undefined {
  const value = Math.round(Number(attribute(section.attributes, name) ?? Number.NaN));
  return value >= 10 && value <= 120 ? value : undefined;
}
