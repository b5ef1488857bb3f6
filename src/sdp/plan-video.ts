/**
 * Video for a call of two parties: always untouched from one to the other (D4), under the payload types of each Leg.
 * Where they have no codec in common the call is one of audio alone.
 */
import { answerH264, formatH264Format, pairH264, parseH264Format } from './h264-format.ts';
import type { RemoteVideo, SdpKind, VideoCodec, VideoCodecName, VideoFeedback, VideoFormat } from './model.ts';

/** As many as an INVITE over UDP has room for. */
const MAX_OFFERED = 5;
/** Dynamic payload types (RFC 3551 §6), first those that browsers use least. */
const PAYLOAD_TYPES = Array.from({ length: 32 }, (_, index) => 127 - index);

/** What we can do with each kind of party: lost packets are asked for again only where mediasoup keeps them. */
const FEEDBACK: Readonly<Record<SdpKind, readonly VideoFeedback[]>> = {
  rtp: ['nack pli', 'ccm fir'],
  webrtc: ['nack', 'nack pli', 'ccm fir', 'transport-cc'],
};

/** For a second party whose first has said nothing yet: what browsers and phones have. */
export const USUAL_VIDEO: VideoOfferRequest['inbound'] = {
  direction: 'sendrecv',
  codecs: [
    usual('H264', 97, 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f'),
    usual('H264', 98, 'level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f'),
    usual('VP8', 96, ''),
  ],
};

function usual(name: VideoCodecName, payloadType: number, fmtp: string): VideoCodec {
  return { name, payloadType, clockRate: 90_000, fmtp, feedback: [] };
}

export interface VideoOfferRequest {
  /** What the first party offered. */
  readonly inbound: Pick<RemoteVideo, 'codecs' | 'direction'> | undefined;
  readonly allowed: readonly VideoCodecName[];
  /** Of the party that gets the offer. */
  readonly kind: SdpKind;
  /** The payload types of the audio that is offered with it: on one transport they are the video's no more (RFC 8843 §9.1). */
  readonly taken: readonly number[];
}

/** What to offer to the second party; empty: no video. SIP peers get H.264 first, which is what they have. */
export function planVideoOffer({ inbound, allowed, kind, taken }: VideoOfferRequest): readonly VideoCodec[] {
  if (inbound === undefined || inbound.direction === 'inactive') return [];
  const usable = inbound.codecs.filter((codec) => allowed.includes(codec.name) && isUsable(codec));
  const listed = kind === 'rtp' ? [...oneOfEachMode(usable), ...usable.filter(({ name }) => name !== 'H264')] : usable;
  const used = new Set(kind === 'webrtc' ? taken : []);
  return listed.slice(0, MAX_OFFERED).map((codec) => {
    const payloadType = freePayloadType(codec.payloadType, used);
    used.add(payloadType);
    return { ...codec, payloadType, feedback: FEEDBACK[kind] };
  });
}

/** Either format has what its party is told of the other: its level, and the parameter sets it sends. */
export interface VideoPlan {
  readonly inbound: VideoFormat;
  readonly outbound: VideoFormat;
  readonly reason: string;
}

export interface VideoAnswerRequest {
  /** The first party's offer. */
  readonly inbound: { readonly video: RemoteVideo | undefined; readonly kind: SdpKind };
  /** The second party's answer. */
  readonly outbound: { readonly video: RemoteVideo | undefined; readonly kind: SdpKind };
  readonly allowed: readonly VideoCodecName[];
}

/** The first codec of the second party's answer that the first party offered; undefined: audio alone. */
export function planVideoAnswer({ inbound, outbound, allowed }: VideoAnswerRequest): VideoPlan | undefined {
  if (inbound.video === undefined || outbound.video === undefined) return undefined;
  // Browsers cannot refuse a section by port 0 in the answer to the offer that brings it.
  if (outbound.video.direction === 'inactive') return undefined;
  const offered = inbound.video.codecs.filter(({ name }) => allowed.includes(name));
  for (const answered of outbound.video.codecs) {
    const told = counterpart(answered, offered);
    const theirs = told && offered.find(({ payloadType }) => payloadType === told.payloadType);
    const back = theirs && counterpart(theirs, [answered]);
    if (told === undefined || back === undefined) continue;
    return {
      inbound: { codec: { ...told, feedback: both(told.feedback, FEEDBACK[inbound.kind]) } },
      outbound: { codec: { ...back, feedback: both(back.feedback, FEEDBACK[outbound.kind]) } },
      reason: `${answered.name} passes through: the second party's first choice among what the first party offered`,
    };
  }
  return undefined;
}

/** How a party that offers video again has the codec it has exchanged so far; undefined: it has it no more. */
export function planSameVideo(offer: RemoteVideo | undefined, inUse: VideoFormat): VideoFormat | undefined {
  const same = counterpart(inUse.codec, offer?.codecs ?? []);
  // What it was told before holds on: the other party's level and parameters.
  return same === undefined ? undefined : { codec: { ...inUse.codec, payloadType: same.payloadType } };
}

/** An offered codec as our answer has it, with what `answered` says that the other party can receive. */
function counterpart(answered: VideoCodec, offered: readonly VideoCodec[]): VideoCodec | undefined {
  if (answered.name === 'VP8') {
    const same = offered.find(({ name }) => name === 'VP8');
    return same === undefined ? undefined : { ...same, fmtp: answered.fmtp };
  }
  const pair = pairH264(
    [answered],
    offered.filter(({ name }) => name === 'H264'),
  );
  const [theirs, far] = [pair?.[1], parseH264Format(answered.fmtp)];
  const own = theirs === undefined ? undefined : parseH264Format(theirs.fmtp);
  const told = own === undefined || far === undefined ? undefined : answerH264(own, far);
  return theirs === undefined || told === undefined ? undefined : { ...theirs, fmtp: formatH264Format(told) };
}

/**
 * H.264 once for each packetization mode, as Constrained Baseline where that is there: phones tell configurations of one
 * mode apart by nothing else, and send one of them while they have answered with another. What they answer still
 * finds its counterpart among all that the first party offered.
 */
function oneOfEachMode(codecs: readonly VideoCodec[]): readonly VideoCodec[] {
  const first = new Map<number, { readonly codec: VideoCodec; readonly isConstrained: boolean }>();
  for (const codec of codecs.filter(({ name }) => name === 'H264')) {
    const { packetizationMode = 0, profile } = parseH264Format(codec.fmtp) ?? {};
    const isConstrained = profile === 'constrained-baseline';
    const known = first.get(packetizationMode);
    if (known === undefined || (isConstrained && !known.isConstrained))
      first.set(packetizationMode, { codec, isConstrained });
  }
  return [...first.values()].map(({ codec }) => codec);
}

/** Interleaved H.264 no browser has. */
function isUsable({ name, fmtp }: VideoCodec): boolean {
  if (name !== 'H264') return true;
  const mode = parseH264Format(fmtp)?.packetizationMode;
  return mode === 0 || mode === 1;
}

function freePayloadType(wanted: number, used: ReadonlySet<number>): number {
  return [wanted, ...PAYLOAD_TYPES].find((each) => !used.has(each)) ?? wanted;
}

function both(theirs: readonly VideoFeedback[], ours: readonly VideoFeedback[]): readonly VideoFeedback[] {
  return ours.filter((each) => theirs.includes(each));
}
