/**
 * Codec planner, second half: once both parties have spoken, one codec for the call and its form on each Leg.
 * Without transcoding the codec must be common to both (D4).
 */
import { fittingFirst, isSameCodec } from './codec-list.ts';
import type { AudioCodec, AudioCodecName, AudioFormat, RemoteAudio, TelephoneEventFormat } from './model.ts';

export interface AnswerPlan {
  /** What we answer to the first party, and then exchange with it. */
  readonly inbound: AudioFormat;
  /** What we exchange with the second party, under the payload types of its answer. */
  readonly outbound: AudioFormat;
  readonly reason: string;
}

/** The first codec of the second party's answer that the first party offered; undefined when there is none. */
export function planAnswer(request: {
  /** The first party's offer. */
  readonly inbound: RemoteAudio;
  /** The second party's answer. */
  readonly outbound: RemoteAudio;
  readonly allowed: readonly AudioCodecName[];
}): AnswerPlan | undefined {
  const { inbound, outbound, allowed } = request;
  const pair = firstPair(outbound.codecs, inbound.codecs, allowed);
  if (pair === undefined) return undefined;
  const [answered, offered] = pair;
  return {
    // The second party's parameters and packet time go through to the first: they say what it can receive.
    inbound: {
      codec: { ...offered, fmtp: answered.fmtp },
      telephoneEvents: answeredEvents(offered, inbound.telephoneEvents),
      ptimeMs: outbound.ptimeMs,
    },
    outbound: negotiated(answered, outbound),
    reason: `${answered.name} passes through: the second party's first choice among what the first party offered`,
  };
}

/**
 * Delayed offer: our 200 offered what the second party had answered, and the first party's answer came in the ACK.
 * Its first codec that the second party has; undefined when there is none.
 */
export function planOffererAnswer(request: {
  /** The first party's answer, from its ACK. */
  readonly inbound: RemoteAudio;
  /** The second party's answer to our offer. */
  readonly outbound: RemoteAudio;
  readonly allowed: readonly AudioCodecName[];
}): AnswerPlan | undefined {
  const { inbound, outbound, allowed } = request;
  const pair = firstPair(inbound.codecs, outbound.codecs, allowed);
  if (pair === undefined) return undefined;
  const [answered, had] = pair;
  return {
    inbound: negotiated(answered, inbound),
    outbound: negotiated(had, outbound),
    reason: `${answered.name} passes through: the first party chose it in its ACK from what the second party has`,
  };
}

/** The answer of a built-in endpoint: the remote's first codec that the endpoint can do; undefined when there is none. */
export function planBuiltIn(request: {
  readonly remote: RemoteAudio;
  /** What the endpoint can do and the profile allows. */
  readonly codecs: readonly AudioCodecName[];
}): { readonly format: AudioFormat; readonly reason: string } | undefined {
  const { remote, codecs } = request;
  const codec = remote.codecs.find((each) => codecs.includes(each.name));
  if (codec === undefined) return undefined;
  return {
    format: { codec, telephoneEvents: answeredEvents(codec, remote.telephoneEvents), ptimeMs: remote.ptimeMs },
    reason: `${codec.name} is the party's first codec that the built-in endpoint can do`,
  };
}

type CodecPair = readonly [chosen: AudioCodec, counterpart: AudioCodec];

function firstPair(
  choosing: readonly AudioCodec[],
  other: readonly AudioCodec[],
  allowed: readonly AudioCodecName[],
): CodecPair | undefined {
  for (const chosen of choosing) {
    const counterpart = other.find((codec) => isSameCodec(codec, chosen));
    if (counterpart !== undefined && allowed.includes(chosen.name)) return [chosen, counterpart];
  }
  return undefined;
}

/** The format with a party whose description was an answer: it may send every telephone-event it listed. */
function negotiated(codec: AudioCodec, remote: RemoteAudio): AudioFormat {
  return { codec, telephoneEvents: fittingFirst(codec, remote.telephoneEvents), ptimeMs: remote.ptimeMs };
}

/**
 * One telephone-event at most, of the codec's clock rate when it was offered: Chromium sends digits on the lowest rate
 * negotiated, and beside Opus that would be a foreign clock. An offer with only another rate gets that one, as phones
 * that pair Opus with telephone-event/8000 expect.
 */
function answeredEvents(codec: AudioCodec, offered: readonly TelephoneEventFormat[]): TelephoneEventFormat[] {
  return fittingFirst(codec, offered).slice(0, 1);
}
