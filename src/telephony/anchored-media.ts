/** Media through the gateway: every Leg has a port of its own, and the planner sees both sides (decision D4). */
import { type CallCodecs, legCodecOf, type MediaPlane, type PortReport } from '../calls/index.ts';
import type { Clock, LegId, Logger } from '../kernel/index.ts';
import type {
  AudioCodec,
  AudioCodecName,
  CodecPlan,
  LegPlan,
  SaidFormats,
  TelephoneEventFormat,
} from '../sdp/index.ts';
import type { Alignment } from './alignment.ts';
import { connectBuiltIn, openBuiltIn } from './built-in-leg.ts';
import type { CallerAnswer, CallMediaWork, OfferOfOne } from './call-media.ts';
import { type BranchMedia, CallPlans, isOtherPlan } from './call-plans.ts';
import { AddedVideo, agreeOnVideo, dropOrphan, planOfferedVideo } from './call-video.ts';
import { EarlyOffer } from './early-offer.ts';
import { telephonyErrors } from './errors.ts';
import type { LegMedia, PlanLeg } from './leg-media.ts';
import { TranscodingMeter } from './transcoding-meter.ts';

export interface AnchoredMediaOptions {
  readonly inbound: LegMedia;
  readonly branches: ReadonlyMap<LegId, BranchMedia>;
  readonly media: MediaPlane;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A codec that the Leg is to have, and no other. */
  readonly keeps?: (leg: LegMedia) => AudioCodecName | undefined;
}

export class AnchoredMedia implements CallMediaWork {
  readonly #options: AnchoredMediaOptions;
  readonly #inbound: LegMedia;
  readonly #plans: CallPlans;
  readonly #meter: TranscodingMeter;
  /** What early media has told the caller: it keeps this answer, whoever wins (RFC 3261 §13.2.1). */
  #early: { readonly codec: AudioCodecName; readonly answer: string } | undefined;
  /** What `heard` read last, by Leg: a 200 often repeats what a 183 has said. */
  readonly #heard = new Map<LegId, string>();
  /** To a caller that made none. */
  #earlyOffer: EarlyOffer | undefined;
  #hasRingback = false;
  #playing: Promise<void> = Promise.resolve();
  /** The branch that the caller hears. */
  #joined: LegId | undefined;
  /** The branch whose port is bridged with the caller's. */
  #bridged: LegId | undefined;
  #replans = 0;
  /** Browsers that were asked for Opus because they lose packets: they may be asked back. */
  readonly #movedForLoss = new Set<LegId>();
  /** The codecs that a Leg was asked for in vain, to make the call cheaper. */
  readonly #asked = new Map<LegId, Set<AudioCodecName>>();

  constructor(options: AnchoredMediaOptions) {
    this.#options = options;
    this.#inbound = options.inbound;
    this.#plans = new CallPlans({ ...options, transcodable: options.media.transcodable });
    this.#meter = new TranscodingMeter(options.clock);
  }

  async openInbound(): Promise<void> {
    const offered = this.#inbound.remote?.audio;
    if (offered !== undefined) await this.#inbound.open(offered);
  }

  async offerFor(legId: LegId): Promise<string> {
    const branch = this.#branch(legId);
    if (branch.kind === 'built-in') {
      await openBuiltIn(branch.leg, this.#options.media);
      return '';
    }
    const { leg } = branch;
    const offer = this.#plans.offerTo(leg);
    planOfferedVideo(this.#inbound, leg, offer);
    const join = this.#canJoin(leg, offer) ? this.#inbound : undefined;
    if (join !== undefined) await this.openInbound();
    await leg.open(offer, join);
    return leg.offer(offer);
  }

  async early(legId: LegId, body: string, isReliable: boolean): Promise<string> {
    const codec = this.heard(legId, body);
    if (isReliable && (this.#inbound.remote === undefined || this.#earlyOffer !== undefined))
      return this.#offerEarly(legId, codec);
    if (codec === undefined || this.#inbound.remote === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    const { first } = this.#planOf(legId);
    const { name } = first.format.codec;
    if (this.#early !== undefined && this.#early.codec !== name) throw telephonyErrors.TELEPHONY_ANSWER_CHANGED();
    await this.#connect(legId);
    this.#early ??= { codec: name, answer: this.#inbound.answer(first) };
    return this.#early.answer;
  }

  async ringback(isOn: boolean): Promise<void> {
    const { media } = this.#options;
    const { owner, profile } = this.#inbound;
    const { ringback: tone = 'eu' } = profile;
    const isWanted = isOn && tone !== 'none' && this.#early !== undefined;
    if (isWanted === this.#hasRingback) return;
    this.#hasRingback = isWanted;
    // One after another: what was asked for last is what is heard.
    this.#playing = this.#playing.then(() =>
      isWanted ? media.play(owner.portId, { kind: 'ringback', tone }) : media.stopPlaying(owner.portId),
    );
    await this.#playing;
  }

  async pracked(body: string): Promise<void> {
    const offer = this.#earlyOffer;
    if (offer === undefined || this.#early !== undefined) return;
    const { legId } = offer;
    this.#inbound.hear(body);
    const { first } = this.#plans.make(legId);
    await this.#connect(legId);
    // The 200 says nothing more: offer and answer are through.
    this.#early = { codec: first.format.codec.name, answer: '' };
    offer.onAnswer();
  }

  heard(legId: LegId, body: string): AudioCodecName | undefined {
    const branch = this.#branch(legId);
    const hasCaller = this.#inbound.remote !== undefined;
    if (branch.kind === 'built-in') return hasCaller ? this.#plans.make(legId).second.format.codec.name : undefined;
    const known = this.#plans.known(legId);
    if (known !== undefined && this.#heard.get(legId) === body) return known.second.format.codec.name;
    // Nothing new: what the party has said before counts.
    if (body !== '' || branch.leg.remote === undefined) branch.leg.hear(body);
    this.#heard.set(legId, body);
    if (this.#joined === legId) this.#joined = undefined;
    if (!hasCaller) return this.#plans.firstOf(branch.leg);
    return this.#plans.make(legId, this.#early?.codec).second.format.codec.name;
  }

  async answer(legId: LegId): Promise<CallerAnswer> {
    await this.#earlyOffer?.answered();
    if (this.#inbound.remote === undefined)
      return { body: await this.#offerToCaller(legId), awaitsAck: true, alignment: undefined };
    if (this.#joined !== legId) await this.#connect(legId);
    const { first } = this.#planOf(legId);
    if (this.#early === undefined) return { body: this.answerTo(first), awaitsAck: false, alignment: undefined };
    const isChanged = this.#early.codec !== first.format.codec.name;
    return {
      body: this.#early.answer,
      awaitsAck: false,
      alignment: isChanged ? this.#alignmentAfterEarly(legId, this.#early.codec) : undefined,
    };
  }

  async acknowledged(legId: LegId, body: string): Promise<{ alignment: Alignment | undefined }> {
    this.#inbound.hear(body);
    const { second } = this.#plans.make(legId);
    await this.#connect(legId);
    const leg = this.legOf(legId);
    const isOther = leg?.remote?.audio.codecs[0]?.name !== second.format.codec.name;
    return { alignment: leg !== undefined && isOther ? this.#alignmentTo(leg, second.said, legId) : undefined };
  }

  async renegotiate(legId: LegId, offer: OfferOfOne): Promise<void> {
    const leg = this.legOf(legId);
    const branchId = legId === this.#inbound.owner.legId ? this.#joined : legId;
    if (leg === undefined) offer.reply(488);
    else if (offer.body === '')
      offer.reply(200, {}, leg.reoffer(branchId === undefined ? undefined : this.#plans.reoffer(leg, branchId)));
    else {
      const added = await this.#addVideo(leg, offer);
      const answer = await this.#replanned(leg, (planLeg) => leg.renegotiate(offer.body, planLeg));
      await added?.settle();
      offer.reply(200, {}, answer);
    }
  }

  /** What one party alone has not: the other one is asked for it first. */
  async #addVideo(leg: LegMedia, offer: OfferOfOne): Promise<AddedVideo | undefined> {
    const other = this.#otherOf(leg);
    // An UPDATE is to be answered at once (RFC 3311 §5.2).
    if (other === undefined || offer.method !== 'INVITE') return undefined;
    const added = AddedVideo.plan(leg, other, offer.body);
    await added?.ask(offer.ask, (body) => this.#replanned(other, (planLeg) => other.accept(body, planLeg)));
    return added;
  }

  async reacknowledged(legId: LegId, body: string): Promise<void> {
    const leg = this.legOf(legId);
    if (leg !== undefined) await this.#replanned(leg, (planLeg) => leg.accept(body, planLeg));
  }

  /**
   * An offer that would make the call cheaper: now that a Leg has named other codecs, or the other one has, both could
   * have the same. Only SIP Legs are asked: a browser's re-negotiation is visible to its page, and costs more than it
   * saves. The exception is what a profile wants of browsers that lose packets, and the way back from it.
   */
  improvement(): Alignment | undefined {
    const branchId = this.#joined;
    const branch = branchId === undefined ? undefined : this.legOf(branchId);
    if (branchId === undefined || branch === undefined) return undefined;
    const drop = this.orphanDrop();
    if (drop !== undefined) return drop;
    const better = [branch, this.#inbound].flatMap((leg) => {
      const other = this.#mayAsk(leg) ? this.#plans.alternative(leg, branchId) : undefined;
      if (other === undefined || other.plan.cost >= other.costNow) return [];
      const { plan } = other;
      const mine = leg === branch ? plan.second : plan.first;
      return this.#asked.get(leg.owner.legId)?.has(mine.format.codec.name) === true ? [] : [{ leg, plan, mine }];
    });
    const best = better.toSorted((a, b) => a.plan.cost - b.plan.cost)[0];
    if (best === undefined) return undefined;
    const { leg, mine } = best;
    const { legId } = leg.owner;
    // Once is enough: who refuses will refuse again.
    this.#asked.set(legId, (this.#asked.get(legId) ?? new Set()).add(mine.format.codec.name));
    return {
      legId,
      offer: () => leg.reoffer(mine.said),
      accepted: async (body) => {
        await this.#replanned(leg, (planLeg) => leg.accept(body, planLeg));
        if (leg.kind === 'webrtc') this.#movedForLoss.add(legId);
        // Who has taken it may be asked for something else when that is better, and for this again then.
        if (leg.format?.codec.name === mine.format.codec.name) this.#asked.delete(legId);
      },
      isOptional: true,
    };
  }

  #mayAsk({ kind, owner: { legId } }: LegMedia): boolean {
    return kind === 'rtp' || this.#movedForLoss.has(legId) || this.#plans.isLossy(legId);
  }

  get lossWatched(): readonly LegId[] {
    const branch = this.#joined === undefined ? undefined : this.legOf(this.#joined);
    return [this.#inbound, branch].flatMap((leg) =>
      leg?.kind === 'webrtc' && leg.profile.opus?.preferAboveLossPercent !== undefined ? [leg.owner.legId] : [],
    );
  }

  setLoss(legId: LegId, loss: number): void {
    const leg = this.legOf(legId);
    if (leg !== undefined) this.#plans.setLoss(leg, loss);
  }

  codecs(): CallCodecs | undefined {
    const plan = this.#joined === undefined ? undefined : this.#plans.known(this.#joined);
    if (plan === undefined || this.#joined === undefined) return undefined;
    return {
      reason: plan.reason,
      isTranscoding: this.#meter.since !== undefined,
      transcodingSince: this.#meter.since,
      transcodedSec: this.#meter.seconds,
      replans: this.#replans,
      legs: new Map([
        [this.#inbound.owner.legId, legCodecOf(this.#inbound.format ?? plan.first.format)],
        [this.#joined, legCodecOf(this.legOf(this.#joined)?.format ?? plan.second.format)],
      ]),
    };
  }

  async quality(legId: LegId): Promise<PortReport | undefined> {
    const { owner } = this.legOf(legId) ?? this.#branch(legId).leg;
    return this.#options.media.quality(owner.portId);
  }

  async close(legId: LegId): Promise<PortReport | undefined> {
    const leg = this.legOf(legId);
    if (leg === this.#inbound) this.#earlyOffer?.close();
    if (leg === this.#inbound || legId === this.#joined) this.#meter.set(false);
    return leg === undefined ? this.#options.media.close(this.#branch(legId).leg.owner.portId) : leg.close();
  }

  /** What the caller's 200 says. */
  protected answerTo(plan: LegPlan): string {
    return this.#inbound.answer(plan);
  }

  /** Tells a party that nobody takes part in its video. */
  protected orphanDrop(): Alignment | undefined {
    const branch = this.#joined === undefined ? undefined : this.legOf(this.#joined);
    const leg = [branch, this.#inbound].find((each) => each?.video.isOrphan);
    return leg && dropOrphan(leg, (body) => this.#replanned(leg, (planLeg) => leg.accept(body, planLeg)));
  }

  /** Forgets what was planned with this branch, so that `heard` plans anew. */
  protected forgetPlan(legId: LegId): void {
    this.#plans.forget(legId);
  }

  protected planWith(legId: LegId): CodecPlan {
    return this.#planOf(legId);
  }

  async #connect(legId: LegId): Promise<void> {
    const plan = this.#planOf(legId);
    const branch = this.#branch(legId);
    await this.openInbound();
    if (branch.kind === 'sip') agreeOnVideo(this.#inbound, branch.leg, this.#options.logger);
    await Promise.all([
      this.#inbound.connect(plan.first),
      branch.kind === 'sip'
        ? branch.leg.connect(plan.second)
        : connectBuiltIn(branch.leg, plan.second.format, this.#options.media),
    ]);
    if (this.#bridged !== legId) await this.#options.media.bridge(this.#inbound.owner.portId, branch.leg.owner.portId);
    this.#bridged = legId;
    this.#joined = legId;
    await this.ringback(false);
    this.#meter.set(plan.isTranscoding);
  }

  /** `change` applies what one party has said; the other one keeps its codec and hears of nothing (decision D3). */
  async #replanned<T>(leg: LegMedia, change: (planLeg: PlanLeg) => Promise<T>): Promise<T> {
    // Without a counterpart it keeps to what it has been told.
    const branchId = leg === this.#inbound || leg.owner.legId === this.#joined ? this.#joined : undefined;
    if (branchId === undefined) return change((said) => leg.planTold(said));
    const before = this.#plans.known(branchId);
    const planned: CodecPlan[] = [];
    const result = await change(this.#plans.renegotiation(leg, branchId, (plan) => planned.push(plan)));
    const plan = planned.at(-1);
    if (plan === undefined) return result;
    await this.#followOther(leg, branchId, plan);
    this.#plans.take(branchId, plan);
    this.#meter.set(plan.isTranscoding);
    if (isOtherPlan(before, plan)) this.#replans += 1;
    return result;
  }

  /** What the other side is sent may be in packets of another length now, and a built-in party has whatever codec suits. */
  async #followOther(leg: LegMedia, branchId: LegId, plan: CodecPlan): Promise<void> {
    const branch = this.#branch(branchId);
    if (leg === this.#inbound && branch.kind === 'built-in')
      return connectBuiltIn(branch.leg, plan.second.format, this.#options.media);
    const other = this.#otherOf(leg);
    const { ptimeMs } = (leg === this.#inbound ? plan.second : plan.first).format;
    if (other?.plan === undefined || other.plan.format.ptimeMs === ptimeMs) return undefined;
    return other.connect({ ...other.plan, format: { ...other.plan.format, ptimeMs } });
  }

  /** With whom it is joined. */
  #otherOf(leg: LegMedia): LegMedia | undefined {
    if (leg === this.#inbound) return this.#joined === undefined ? undefined : this.legOf(this.#joined);
    return leg.owner.legId === this.#joined ? this.#inbound : undefined;
  }

  /** The winner has not the codec of the early media: a SIP caller is offered the new one, for a browser the callee keeps the old one. */
  #alignmentAfterEarly(legId: LegId, codec: AudioCodecName): Alignment {
    const plan = this.#planOf(legId);
    if (this.#inbound.kind === 'rtp') return this.#alignmentTo(this.#inbound, plan.first.said, legId);
    const leg = this.legOf(legId);
    const offered = this.#inbound.remote?.audio.codecs.find((each) => each.name === codec);
    if (leg === undefined || offered === undefined) throw telephonyErrors.TELEPHONY_ANSWER_CHANGED();
    return this.#alignmentTo(leg, { ...plan.second.said, codecs: [offered] }, legId);
  }

  /** The call cannot go on without it. */
  #alignmentTo(leg: LegMedia, said: SaidFormats, branchId: LegId): Alignment {
    return {
      legId: leg.owner.legId,
      offer: () => leg.reoffer(said),
      accepted: async (body) => {
        await leg.accept(body);
        this.#plans.make(branchId, this.#early?.codec);
        if (this.#joined === branchId) await this.#connect(branchId);
      },
      isOptional: false,
    };
  }

  /** The callee's codec alone is offered, or what can be made of it: it cannot be told another one before it has answered. */
  async #offerEarly(legId: LegId, codec: AudioCodecName | undefined): Promise<string> {
    if (this.#earlyOffer !== undefined) {
      if (this.#earlyOffer.legId !== legId) throw telephonyErrors.TELEPHONY_ANSWER_CHANGED();
      return this.#earlyOffer.text;
    }
    this.#earlyOffer = new EarlyOffer(legId, await this.#offerToCaller(legId, codec));
    return this.#earlyOffer.text;
  }

  /** Delayed offer (RFC 3261 §13.2.1): the caller is offered what the callee can do. */
  async #offerToCaller(legId: LegId, codec?: AudioCodecName): Promise<string> {
    const formats = this.#plans.offerToCaller(legId, codec);
    const callee = this.legOf(legId);
    if (callee !== undefined) planOfferedVideo(callee, this.#inbound, formats);
    await this.#inbound.open(formats);
    return this.#inbound.offer(formats);
  }

  /** Two browsers share a router only under the same payload types (decision D10). */
  #canJoin(leg: LegMedia, formats: SaidFormats): boolean {
    const first = this.#inbound.remote?.audio;
    if (first === undefined || leg.kind !== 'webrtc' || this.#inbound.kind !== 'webrtc') return false;
    const known = new Set([...first.codecs, ...first.telephoneEvents].map(formatKey));
    return [...formats.codecs, ...formats.telephoneEvents].every((each) => known.has(formatKey(each)));
  }

  #planOf(legId: LegId): CodecPlan {
    return this.#plans.of(legId, this.#early?.codec);
  }

  legOf(legId: LegId): LegMedia | undefined {
    if (legId === this.#inbound.owner.legId) return this.#inbound;
    const branch = this.#options.branches.get(legId);
    return branch?.kind === 'sip' ? branch.leg : undefined;
  }

  #branch(legId: LegId): BranchMedia {
    const branch = this.#options.branches.get(legId);
    if (branch === undefined) throw telephonyErrors.TELEPHONY_UNKNOWN_LEG([legId]);
    return branch;
  }
}

function formatKey(each: AudioCodec | TelephoneEventFormat): string {
  return `${each.payloadType} ${'name' in each ? each.name : 'event'} ${each.clockRate}`;
}
