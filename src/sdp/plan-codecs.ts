/**
 * The codec planner (decision D4): from what both parties of a call have said, what their profiles allow and how their
 * network does, the codec of each Leg, and a sentence why. Identical codecs come first, then the cheapest transcoding.
 */
import { soundRate, transcodingCost } from './codec-cost.ts';
import { fittingFirst, isSameCodec } from './codec-list.ts';
import type { AudioCodec, AudioCodecName, AudioFormat, RemoteAudio, SdpKind, TelephoneEventFormat } from './model.ts';
import { decodedOpus, relayedOpus } from './opus-parameters.ts';
import { packetTimes } from './packet-time.ts';
import { admitted, type CodecTerms } from './plan-terms.ts';

/** One party. */
export interface PlanSide {
  readonly kind: SdpKind;
  readonly audio: Pick<RemoteAudio, 'codecs' | 'telephoneEvents' | 'ptimeMs' | 'maxPtimeMs'>;
  /**
   * `offered`: it has made the last offer, and our answer chooses. `answered`: it has chosen, and sends the first codec
   * that it listed (RFC 3264 §6.1).
   */
  readonly spoke: 'offered' | 'answered';
  readonly terms: CodecTerms;
  /** It stays with this codec: it has been told so, or is not to be asked for another. */
  readonly keeps?: AudioCodecName | undefined;
  /** What fraction of its packets gets lost on the network between it and us; undefined: not measured. */
  readonly loss?: number | undefined;
}

export interface PlanRequest {
  readonly first: PlanSide;
  readonly second: PlanSide;
  /** Whose word counts where both have several codecs in common. Default `second`. */
  readonly chooser?: 'first' | 'second';
  /** The codecs that the media plane can turn into one another. */
  readonly transcodable: readonly AudioCodecName[];
}

/** What our description tells a party. */
export interface SaidFormats {
  readonly codecs: readonly AudioCodec[];
  readonly telephoneEvents: readonly TelephoneEventFormat[];
  readonly ptimeMs: number;
  readonly maxPtimeMs?: number | undefined;
}

/** One Leg's part of the plan. */
export interface LegPlan {
  /** What is exchanged with it. */
  readonly format: AudioFormat;
  /** What it is told: its parameters are those of the other side. */
  readonly said: SaidFormats;
}

export interface CodecPlan {
  readonly first: LegPlan;
  readonly second: LegPlan;
  readonly isTranscoding: boolean;
  readonly cost: number;
  readonly reason: string;
}

/** Why there is no plan: nothing remains in common, or a profile forbids the only way. */
export interface PlanRefusal {
  readonly refused: 'no-codec' | 'transcoding-refused';
  readonly reason: string;
}

/** A pair with less than this is what a profile wants for a browser that loses packets. */
const LOSSY = 1_000;

interface Pair {
  readonly first: AudioCodec;
  readonly second: AudioCodec;
  readonly cost: number;
}

export function planCodecs(request: PlanRequest): CodecPlan | PlanRefusal {
  const { first, second } = request;
  // Who has answered with several codecs sends the first of them: the others are second choice.
  const pair = best(request, [chosen(first), chosen(second)]) ?? best(request, [candidates(first), candidates(second)]);
  if (pair === undefined) return refusal(request);
  const isTranscoding = !isSameCodec(pair.first, pair.second);
  const times = packetTimes(
    { codec: pair.first, audio: first.audio, ptimeMs: first.terms.ptimeMs },
    { codec: pair.second, audio: second.audio, ptimeMs: second.terms.ptimeMs },
    { canRepacketize: mayTranscode(request, pair.first, pair.second) },
  );
  const leg = (side: PlanSide, codec: AudioCodec, other: { side: PlanSide; codec: AudioCodec }, at: 0 | 1): LegPlan => {
    const telephoneEvents = eventsFor(side, codec);
    return {
      format: { codec, telephoneEvents, ptimeMs: times.sent[at] },
      said: {
        codecs: [{ ...codec, fmtp: toldParameters(side, codec, other.codec) }],
        telephoneEvents,
        ptimeMs: times.asked[at],
        ...(times.maxAsked[at] === undefined ? {} : { maxPtimeMs: times.maxAsked[at] }),
      },
    };
  };
  return {
    first: leg(first, pair.first, { side: second, codec: pair.second }, 0),
    second: leg(second, pair.second, { side: first, codec: pair.first }, 1),
    isTranscoding,
    cost: pair.cost,
    reason: reasonFor(request, pair) + repacketized(times.sent, isTranscoding),
  };
}

export function isRefusal(plan: CodecPlan | PlanRefusal): plan is PlanRefusal {
  return 'refused' in plan;
}

function candidates({ audio, terms, kind, keeps }: PlanSide): readonly AudioCodec[] {
  return admitted(audio.codecs, terms, kind).filter(({ name }) => keeps === undefined || name === keeps);
}

function chosen(side: PlanSide): readonly AudioCodec[] {
  return side.spoke === 'answered' ? candidates(side).slice(0, 1) : candidates(side);
}

type Lists = readonly [first: readonly AudioCodec[], second: readonly AudioCodec[]];

/** The cheapest pair; of those that cost the same the one that comes first for the chooser, then for the other one. */
function best(request: PlanRequest, [ofFirst, ofSecond]: Lists): Pair | undefined {
  const pairs =
    request.chooser === 'first'
      ? ofFirst.flatMap((first) => ofSecond.map((second) => ({ first, second })))
      : ofSecond.flatMap((second) => ofFirst.map((first) => ({ first, second })));
  let cheapest: Pair | undefined;
  for (const { first, second } of pairs) {
    if (!isSameCodec(first, second) && !mayTranscode(request, first, second)) continue;
    const cost =
      transcodingCost(first, second) + lossPenalty(request.first, first) + lossPenalty(request.second, second);
    if (cost < (cheapest?.cost ?? Number.POSITIVE_INFINITY)) cheapest = { first, second, cost };
  }
  return cheapest;
}

function mayTranscode({ first, second, transcodable }: PlanRequest, a: AudioCodec, b: AudioCodec): boolean {
  const isPermitted = first.terms.transcoding !== false && second.terms.transcoding !== false;
  return isPermitted && transcodable.includes(a.name) && transcodable.includes(b.name);
}

/** Opus has redundancy against loss, the others have none (RFC 6716 §2.1.7). */
function lossPenalty(side: PlanSide, codec: AudioCodec): number {
  return isLossy(side) && codec.name !== 'opus' ? LOSSY : 0;
}

function isLossy({ kind, loss, terms }: PlanSide): boolean {
  const limit = terms.opus?.preferAboveLossPercent;
  return kind === 'webrtc' && loss !== undefined && limit !== undefined && loss * 100 > limit;
}

/** What the far end of the payload can receive; where we are that end, what we can. */
function toldParameters({ terms }: PlanSide, codec: AudioCodec, other: AudioCodec): string {
  if (codec.name !== 'opus') return isSameCodec(codec, other) ? other.fmtp : '';
  return other.name === 'opus' ? relayedOpus(other.fmtp, terms.opus) : decodedOpus(soundRate(other), terms.opus);
}

/**
 * Who has answered may send every telephone-event it listed. In an answer of ours there is one at most, of the codec's
 * clock rate when it was offered: Chromium sends digits on the lowest rate negotiated, and beside Opus that would be a
 * foreign clock. An offer with only another rate gets that one, as phones that pair Opus with telephone-event/8000 expect.
 */
function eventsFor({ audio, spoke }: PlanSide, codec: AudioCodec): readonly TelephoneEventFormat[] {
  const events = fittingFirst(codec, audio.telephoneEvents);
  return spoke === 'answered' ? events : events.slice(0, 1);
}

function reasonFor({ first, second }: PlanRequest, pair: Pair): string {
  const lossy = [first, second].find(isLossy);
  const isForLoss = lossy !== undefined && (lossy === first ? pair.first : pair.second).name === 'opus';
  const why = isForLoss ? `, because the browser loses ${Math.round((lossy.loss ?? 0) * 100)} % of its packets` : '';
  if (isSameCodec(pair.first, pair.second)) {
    const others = [first, second].some((side) => candidates(side).length > 1);
    return `${pair.first.name} passes through: both parties have it${others ? ', and it comes first' : ''}${why}`;
  }
  const change = `${pair.first.name} of the first party becomes ${pair.second.name} for the second`;
  if (isForLoss) return `${change}${why}`;
  return `${change}: ${namesOf(first)} on one side and ${namesOf(second)} on the other have no codec in common`;
}

function namesOf(side: PlanSide): string {
  const names = chosen(side).map(({ name }) => name);
  if (names.length === 0) return 'nothing usable';
  return side.keeps === undefined ? names.join(', ') : `${names.join(', ')} (in use)`;
}

function repacketized([toFirst, toSecond]: readonly [number, number], isTranscoding: boolean): string {
  return toFirst === toSecond || isTranscoding ? '' : `; packets are cut to ${toFirst} and ${toSecond} ms`;
}

function refusal({ first, second, transcodable }: PlanRequest): PlanRefusal {
  const [ofFirst, ofSecond] = [candidates(first), candidates(second)];
  const sides = `${namesOf({ ...first, spoke: 'offered' })} on one side, ${namesOf({ ...second, spoke: 'offered' })} on the other`;
  const isAble = [ofFirst, ofSecond].every((codecs) => codecs.some(({ name }) => transcodable.includes(name)));
  if (!isAble) return { refused: 'no-codec', reason: `no common audio codec: ${sides}` };
  return { refused: 'transcoding-refused', reason: `no common audio codec and no leave to transcode: ${sides}` };
}
