/**
 * Codec planner, first half: what to offer to the party that has not spoken, so that media can pass through untouched
 * (D4). Payload types follow the first party's wherever it has them; then nothing needs rewriting between the Legs.
 * After those come the codecs that would have to be transcoded: better that than no call.
 */
import { byCost, soundRate } from './codec-cost.ts';
import { DEFAULT_PTIME_MS, ownCodec } from './codec-list.ts';
import type { AudioCodec, AudioCodecName, SdpKind, TelephoneEventFormat } from './model.ts';
import { decodedOpus, relayedOpus } from './opus-parameters.ts';
import type { PlanSide, SaidFormats } from './plan-codecs.ts';
import { admitted, type CodecTerms } from './plan-terms.ts';

export interface OfferRequest {
  /** The party that has spoken. Its `audio` is undefined when its INVITE had no offer (delayed offer). */
  readonly heard: {
    readonly kind: SdpKind;
    readonly terms: CodecTerms;
    readonly audio: PlanSide['audio'] | undefined;
  };
  /** The party that gets the offer. */
  readonly asked: { readonly kind: SdpKind; readonly terms: CodecTerms };
  /** The codecs that the media plane can turn into one another. */
  readonly transcodable: readonly AudioCodecName[];
  /**
   * Only while nobody has spoken. True, the default: G.711 first, because a peer that delays its offer is nearly always
   * a PBX or a trunk, and the codec agreed with the second party now must be one the first will have.
   * False when the first party is known to have Opus, such as a browser.
   */
  readonly preferNarrowband?: boolean;
}

export interface OfferPlan extends SaidFormats {
  /** A sentence for logs and traces. */
  readonly reason: string;
}

const WIDEBAND_FIRST: readonly AudioCodecName[] = ['opus', 'G722', 'PCMU', 'PCMA', 'L16'];
const NARROWBAND_FIRST: readonly AudioCodecName[] = ['PCMU', 'PCMA', 'G722', 'opus', 'L16'];
/** How many codecs are offered at most beyond those of the first party. */
const MAX_MORE = 4;
/** The payload types we give telephone-event when the first party named none. */
const EVENT_PAYLOAD_TYPE = new Map([
  [8_000, 101],
  [48_000, 110],
]);

/** What to offer; undefined when nothing the first party has is allowed, or can be made of what is. */
export function planOffer(request: OfferRequest): OfferPlan | undefined {
  const { heard, asked, preferNarrowband = true } = request;
  const { audio } = heard;
  const listed = audio?.codecs ?? (preferNarrowband ? NARROWBAND_FIRST : WIDEBAND_FIRST).map(ownCodec);
  const usable = admitted(listed, heard.terms, heard.kind);
  const common = admitted(usable, asked.terms, asked.kind).map((codec) => relayed(codec, asked.terms));
  const events = audio?.telephoneEvents ?? [];
  const more = transcodedCodecs(request, usable, [...common, ...listed, ...events]);
  const codecs = [...common, ...more];
  if (codecs.length === 0) return undefined;
  return {
    codecs,
    telephoneEvents: offeredEvents(codecs, events, asked.kind),
    ...offeredTimes(request),
    reason: reasonFor(audio !== undefined, common, more),
  };
}

/** Those of the first party, unless a profile wants others. */
function offeredTimes({ heard, asked }: OfferRequest): Pick<OfferPlan, 'ptimeMs' | 'maxPtimeMs'> {
  const ptimeMs = asked.terms.ptimeMs ?? heard.terms.ptimeMs ?? heard.audio?.ptimeMs ?? DEFAULT_PTIME_MS;
  const maxPtimeMs = heard.audio?.maxPtimeMs;
  return { ptimeMs, ...(maxPtimeMs === undefined ? {} : { maxPtimeMs }) };
}

function relayed(codec: AudioCodec, { opus }: CodecTerms): AudioCodec {
  return codec.name === 'opus' ? { ...codec, fmtp: relayedOpus(codec.fmtp, opus) } : codec;
}

/**
 * What the first party has not, but we could make of what it has: the cheapest first. Two browsers need none, since all
 * of them have Opus and G.711 (RFC 7874 §3), and with other payload types they could not share a router.
 */
function transcodedCodecs(
  { heard, asked, transcodable }: OfferRequest,
  usable: readonly AudioCodec[],
  taken: readonly { readonly payloadType: number }[],
): readonly AudioCodec[] {
  const source = usable.filter(({ name }) => transcodable.includes(name));
  const isPermitted = heard.terms.transcoding !== false && asked.terms.transcoding !== false;
  if (!isPermitted || source.length === 0 || (heard.kind === 'webrtc' && asked.kind === 'webrtc')) return [];
  const rateHz = Math.max(...source.map(soundRate));
  const used = new Set(taken.map(({ payloadType }) => payloadType));
  const known = new Set(usable.map(({ name }) => name));
  const names = byCost(asked.terms.codecs).filter((name) => transcodable.includes(name) && !known.has(name));
  const more = names.slice(0, MAX_MORE).map((name) => {
    const codec = ownCodec(name);
    const payloadType = freePayloadType(codec.payloadType, used);
    return { ...codec, payloadType, fmtp: name === 'opus' ? decodedOpus(rateHz, asked.terms.opus) : '' };
  });
  return admitted(more, asked.terms, asked.kind);
}

function listOf(codecs: readonly AudioCodec[]): string {
  return codecs.map(({ name }) => name).join(', ');
}

function reasonFor(hasSpoken: boolean, common: readonly AudioCodec[], more: readonly AudioCodec[]): string {
  const transcoded = more.length === 0 ? '' : `; ${listOf(more)} would be transcoded`;
  if (!hasSpoken) return `the first party made no offer, so we offer all we may: ${listOf(common)}${transcoded}`;
  if (common.length === 0) return `the first party offers nothing that may pass through${transcoded}`;
  return `the first party offers ${listOf(common)} and we may use them: offered on under its payload types${transcoded}`;
}

/**
 * A browser gets one telephone-event per clock rate of its codecs. A SIP peer always gets /8000, which all of them
 * know, and /48000 only when the first party would understand it untouched.
 */
function offeredEvents(
  codecs: readonly AudioCodec[],
  inbound: readonly TelephoneEventFormat[],
  kind: SdpKind,
): TelephoneEventFormat[] {
  const isWideOffered = codecs.some((codec) => codec.clockRate === 48_000);
  const isWideKnown = inbound.some((event) => event.clockRate === 48_000);
  const isNarrowOffered = codecs.some((codec) => codec.clockRate === 8_000);
  const rates: number[] = [];
  if (kind === 'rtp' || isNarrowOffered) rates.push(8_000);
  if (isWideOffered && (kind === 'webrtc' || isWideKnown)) rates.push(48_000);

  const taken = new Set([...codecs, ...inbound].map((each) => each.payloadType));
  return rates.map((clockRate) => {
    const payloadType = inbound.find((event) => event.clockRate === clockRate)?.payloadType;
    return { payloadType: payloadType ?? freePayloadType(EVENT_PAYLOAD_TYPE.get(clockRate) ?? 101, taken), clockRate };
  });
}

/** The preferred payload type or else a free dynamic one. */
function freePayloadType(preferred: number, taken: Set<number>): number {
  const dynamic = Array.from({ length: 32 }, (_, index) => 96 + index);
  const free = [preferred, ...dynamic].find((candidate) => !taken.has(candidate)) ?? preferred;
  taken.add(free);
  return free;
}
