/**
 * Codec planner, first half: what to offer to the second party, so that media can pass through untouched (D4).
 * Payload types follow the first party's wherever it has them; then nothing needs rewriting between the Legs.
 */
import { DEFAULT_PTIME_MS, ownCodec } from './codec-list.ts';
import type { AudioCodec, AudioCodecName, RemoteAudio, SdpKind, TelephoneEventFormat } from './model.ts';

export interface OfferRequest {
  /** What the first party offered; undefined when its INVITE had no offer (delayed offer). */
  readonly inbound: RemoteAudio | undefined;
  readonly allowed: readonly AudioCodecName[];
  /** Of the party that gets the offer. */
  readonly kind: SdpKind;
  /**
   * Only for an unknown `inbound`. True, the default: G.711 first, because a peer that delays its offer is nearly
   * always a PBX or a trunk, and the codec agreed with the second party now must be one the first will have.
   * False when the first party is known to have Opus, such as a browser.
   */
  readonly preferNarrowband?: boolean;
}

export interface OfferPlan {
  readonly codecs: readonly AudioCodec[];
  readonly telephoneEvents: readonly TelephoneEventFormat[];
  readonly ptimeMs: number;
  /** A sentence for logs and traces. */
  readonly reason: string;
}

const WIDEBAND_FIRST: readonly AudioCodecName[] = ['opus', 'G722', 'PCMU', 'PCMA'];
const NARROWBAND_FIRST: readonly AudioCodecName[] = ['PCMU', 'PCMA', 'G722', 'opus'];
/** The payload types we give telephone-event when the first party named none. */
const EVENT_PAYLOAD_TYPE = new Map([
  [8_000, 101],
  [48_000, 110],
]);

/** What to offer to the second party; undefined when nothing the first party has is allowed. */
export function planOffer(request: OfferRequest): OfferPlan | undefined {
  const { inbound, allowed } = request;
  const codecs = (inbound?.codecs ?? ownList(request)).filter((codec) => allowed.includes(codec.name));
  if (codecs.length === 0) return undefined;
  const names = codecs.map((codec) => codec.name).join(', ');
  return {
    codecs,
    telephoneEvents: offeredEvents(codecs, inbound?.telephoneEvents ?? [], request.kind),
    ptimeMs: inbound?.ptimeMs ?? DEFAULT_PTIME_MS,
    reason:
      inbound === undefined
        ? `the first party made no offer, so we offer all we may: ${names}`
        : `the first party offers ${names} and we may use them: offered on under its payload types`,
  };
}

function ownList({ preferNarrowband = true }: OfferRequest): AudioCodec[] {
  return (preferNarrowband ? NARROWBAND_FIRST : WIDEBAND_FIRST).map(ownCodec);
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
