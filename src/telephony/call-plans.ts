/** What the codec planner (sdp/plan-codecs.ts) says about one call: it is asked here, with what the parties have said. */
import type { LegId, Logger } from '../kernel/index.ts';
import {
  type AudioCodec,
  type AudioCodecName,
  type CodecPlan,
  type CodecTerms,
  isRefusal,
  type OfferRequest,
  type PlanSide,
  planCodecs,
  planOffer,
  type SaidFormats,
  widenedCodecs,
} from '../sdp/index.ts';
import { type BuiltInLeg, builtInSide, builtInTerms } from './built-in-leg.ts';
import { telephonyErrors } from './errors.ts';
import type { LegMedia, PlanLeg, Said } from './leg-media.ts';

export type BranchMedia =
  | { readonly kind: 'sip'; readonly leg: LegMedia }
  | { readonly kind: 'built-in'; readonly leg: BuiltInLeg };

export interface CallPlansOptions {
  readonly inbound: LegMedia;
  readonly branches: ReadonlyMap<LegId, BranchMedia>;
  /** The codecs that the media plane can turn into one another. */
  readonly transcodable: readonly AudioCodecName[];
  /** A codec that the Leg is to have, and no other. */
  readonly keeps?: ((leg: LegMedia) => AudioCodecName | undefined) | undefined;
  readonly logger: Logger;
}

export class CallPlans {
  readonly #options: CallPlansOptions;
  readonly #plans = new Map<LegId, CodecPlan>();
  /** What fraction of its packets a Leg loses, as measured last. */
  readonly #losses = new Map<LegId, number>();
  readonly #lossy = new Set<LegId>();

  constructor(options: CallPlansOptions) {
    this.#options = options;
  }

  setLoss({ owner, profile }: LegMedia, loss: number): void {
    const { legId } = owner;
    this.#losses.set(legId, loss);
    const limit = profile.opus?.preferAboveLossPercent;
    if (limit !== undefined && loss * 100 > limit) this.#lossy.add(legId);
    else this.#lossy.delete(legId);
  }

  /** Whether it loses more packets than its profile lets pass. */
  isLossy(legId: LegId): boolean {
    return this.#lossy.has(legId);
  }

  /** What to offer to a branch. */
  offerTo(leg: LegMedia): SaidFormats {
    const { inbound, transcodable, keeps } = this.#options;
    const only = keeps?.(inbound);
    const audio = inbound.remote?.audio;
    const heard = {
      kind: inbound.kind,
      terms: inbound.profile,
      audio: audio === undefined ? undefined : { ...audio, codecs: onlyCodec(audio.codecs, only) },
    };
    const asked = { kind: leg.kind, terms: leg.profile };
    return this.#offer({ heard, asked, transcodable, preferNarrowband: inbound.kind !== 'webrtc' });
  }

  /** What to offer to a caller that made no offer: what this branch has; `only`: the codec it must be, or be made of. */
  offerToCaller(legId: LegId, only?: AudioCodecName): SaidFormats {
    const { inbound, transcodable } = this.#options;
    const branch = this.#branch(legId);
    const asked = { kind: inbound.kind, terms: inbound.profile };
    const preferNarrowband = inbound.kind !== 'webrtc';
    if (branch.kind === 'built-in') {
      const heard = { kind: 'rtp' as const, terms: builtInTerms(branch.leg), audio: undefined };
      return this.#offer({ heard, asked, transcodable, preferNarrowband });
    }
    const { leg } = branch;
    const audio = leg.remote?.audio;
    const heard = {
      kind: leg.kind,
      terms: leg.profile,
      audio: audio === undefined ? undefined : { ...audio, codecs: onlyCodec(audio.codecs, only) },
    };
    return this.#offer({ heard, asked, transcodable, preferNarrowband });
  }

  /** The codec of a branch that has answered before the caller has said anything. */
  firstOf(leg: LegMedia): AudioCodecName {
    const { inbound, transcodable } = this.#options;
    const heard = leg.remote?.audio.codecs.filter(({ name }) => leg.profile.codecs.includes(name)) ?? [];
    const mayTranscode = inbound.profile.transcoding !== false && leg.profile.transcoding !== false;
    const first =
      heard.find(({ name }) => inbound.profile.codecs.includes(name)) ??
      heard.find(({ name }) => mayTranscode && transcodable.includes(name));
    if (first === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    return first.name;
  }

  /** Plans anew with what both have said. `callerKeeps`: what it was told already, which is changed only in need. */
  make(legId: LegId, callerKeeps?: AudioCodecName): CodecPlan {
    const first = this.#side(this.#options.inbound);
    const kept = callerKeeps === undefined ? undefined : this.#plan(legId, { ...first, keeps: callerKeeps });
    const plan = kept === undefined || isRefusal(kept) ? this.#plan(legId, first) : kept;
    return this.take(legId, settled(plan));
  }

  /** The plan with a branch: made when it is first asked for. */
  of(legId: LegId, callerKeeps?: AudioCodecName): CodecPlan {
    return this.#plans.get(legId) ?? this.make(legId, callerKeeps);
  }

  known(legId: LegId): CodecPlan | undefined {
    return this.#plans.get(legId);
  }

  /** From now on this is the plan with the branch. */
  take(legId: LegId, plan: CodecPlan): CodecPlan {
    const before = this.#plans.get(legId);
    this.#plans.set(legId, plan);
    if (before?.reason !== plan.reason) this.#options.logger.debug({ legId, reason: plan.reason }, 'codecs planned');
    return plan;
  }

  forget(legId: LegId): void {
    this.#plans.delete(legId);
  }

  /**
   * One of two that talk says something new, and the other is not to hear of it (decision D3): it keeps what it has.
   * `onPlan` gets the whole plan.
   */
  renegotiation(leg: LegMedia, legId: LegId, onPlan: (plan: CodecPlan) => void): PlanLeg {
    return (said) => {
      const plan = settled(this.#replan(leg, legId, said));
      onPlan(plan);
      return leg === this.#options.inbound ? plan.first : plan.second;
    };
  }

  /** The plan if this Leg were offered all that it has ever named, and what the call costs as it is. */
  alternative(leg: LegMedia, legId: LegId): { readonly plan: CodecPlan; readonly costNow: number } | undefined {
    const { remote, format } = leg;
    if (remote === undefined || format === undefined) return undefined;
    const said = (codecs: readonly AudioCodec[]): Said => ({ audio: { ...remote.audio, codecs }, spoke: 'offered' });
    const now = this.#replan(leg, legId, said([format.codec]));
    const plan = this.#replan(leg, legId, said(leg.known));
    return isRefusal(plan) || isRefusal(now) ? undefined : { plan, costNow: now.cost };
  }

  /** Our offer to a Leg whose peer asks for one: the codec in use, and all that could be joined with the other side. */
  reoffer(leg: LegMedia, legId: LegId): SaidFormats | undefined {
    const { plan, remote } = leg;
    if (plan === undefined || remote === undefined || leg.kind === 'webrtc') return plan?.said;
    const known = { codecs: leg.known, telephoneEvents: remote.audio.telephoneEvents };
    const inUse = plan.format.codec;
    const more = widenedCodecs({ inUse, known, more: leg.profile.codecs }).filter((codec) => {
      const audio = { ...remote.audio, codecs: [codec] };
      return codec !== inUse && !isRefusal(this.#replan(leg, legId, { audio, spoke: 'offered' }));
    });
    return { ...plan.said, codecs: [...plan.said.codecs, ...more.map((codec) => ({ ...codec, fmtp: '' }))] };
  }

  #replan(leg: LegMedia, legId: LegId, said: Said): ReturnType<typeof planCodecs> {
    const { inbound, transcodable } = this.#options;
    const branch = this.#branch(legId);
    const isCaller = leg === inbound;
    const first = isCaller ? this.#side(inbound, said) : this.#side(inbound, undefined, inbound.format?.codec.name);
    const second = this.#second(branch, isCaller ? { keeps: true } : { said });
    return planCodecs({ first, second, chooser: isCaller ? 'first' : 'second', transcodable });
  }

  #plan(legId: LegId, first: PlanSide): ReturnType<typeof planCodecs> {
    const branch = this.#branch(legId);
    // A built-in party has no order of its own, and an answer that came in the ACK is the last word.
    const isCallersWord = branch.kind === 'built-in' || first.spoke === 'answered';
    const chooser = isCallersWord ? 'first' : 'second';
    return planCodecs({ first, second: this.#second(branch), chooser, transcodable: this.#options.transcodable });
  }

  #second(branch: BranchMedia, { said, keeps }: { said?: Said; keeps?: boolean } = {}): PlanSide {
    if (branch.kind === 'built-in') return builtInSide(branch.leg, this.#options.inbound.remote?.audio);
    return this.#side(branch.leg, said, keeps === true ? branch.leg.format?.codec.name : undefined);
  }

  #side(leg: LegMedia, said?: Said, keeps?: AudioCodecName): PlanSide {
    const audio = said?.audio ?? leg.remote?.audio;
    if (audio === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    return {
      kind: leg.kind,
      audio,
      spoke: said?.spoke ?? leg.spoke,
      terms: leg.profile,
      keeps: keeps ?? this.#options.keeps?.(leg),
      loss: this.#losses.get(leg.owner.legId),
    };
  }

  #offer(request: OfferRequest): SaidFormats {
    const plan = planOffer(request);
    if (plan === undefined) throw noOffer(request);
    this.#options.logger.debug({ reason: plan.reason }, 'offer planned');
    return plan;
  }

  #branch(legId: LegId): BranchMedia {
    const branch = this.#options.branches.get(legId);
    if (branch === undefined) throw telephonyErrors.TELEPHONY_UNKNOWN_LEG([legId]);
    return branch;
  }
}

/** What stands in the way: a profile that forbids to transcode, or that there is nothing to offer. */
function noOffer({ heard, asked, ...rest }: OfferRequest): Error {
  const couldBe = planOffer({ ...rest, heard: willing(heard), asked: willing(asked) });
  return couldBe === undefined
    ? telephonyErrors.TELEPHONY_NO_COMMON_CODEC()
    : telephonyErrors.TELEPHONY_TRANSCODING_REFUSED([couldBe.reason]);
}

function willing<T extends { readonly terms: CodecTerms }>(side: T): T {
  return { ...side, terms: { ...side.terms, transcoding: true } };
}

/** Throws what the parties are owed when there is no plan. */
function settled(plan: ReturnType<typeof planCodecs>): CodecPlan {
  if (!isRefusal(plan)) return plan;
  if (plan.refused === 'transcoding-refused') throw telephonyErrors.TELEPHONY_TRANSCODING_REFUSED([plan.reason]);
  throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
}

function onlyCodec(codecs: readonly AudioCodec[], only: AudioCodecName | undefined): readonly AudioCodec[] {
  return only === undefined ? codecs : codecs.filter(({ name }) => name === only);
}

/** Whether a plan differs from another one in what goes over the lines. */
export function isOtherPlan(before: CodecPlan | undefined, next: CodecPlan): boolean {
  return before !== undefined && namesIn(before) !== namesIn(next);
}

function namesIn({ first, second }: CodecPlan): string {
  return `${first.format.codec.name} ${second.format.codec.name}`;
}
