/** Media through the gateway: every Leg has a port of its own, and the planner sees both sides (decision D4). */
import type { MediaPlane, PortReport } from '../calls/index.ts';
import type { LegId, Logger } from '../kernel/index.ts';
import {
  type AnswerPlan,
  type AudioCodec,
  type AudioCodecName,
  type AudioFormat,
  planAnswer,
  planBuiltIn,
  planOffer,
  planOffererAnswer,
  type RemoteAudio,
  type TelephoneEventFormat,
} from '../sdp/index.ts';
import { type BuiltInLeg, builtInCodecs, connectBuiltIn, openBuiltIn } from './built-in-leg.ts';
import type { Alignment, CallerAnswer, CallMediaWork } from './call-media.ts';
import { EarlyOffer } from './early-offer.ts';
import { telephonyErrors } from './errors.ts';
import type { Formats, LegMedia } from './leg-media.ts';
import type { InDialogOffer } from './sip-ports.ts';

export type BranchMedia =
  | { readonly kind: 'sip'; readonly leg: LegMedia }
  | { readonly kind: 'built-in'; readonly leg: BuiltInLeg };

export interface AnchoredMediaOptions {
  readonly inbound: LegMedia;
  readonly branches: ReadonlyMap<LegId, BranchMedia>;
  readonly media: MediaPlane;
  readonly logger: Logger;
  /** When it names a codec, no other may be chosen. */
  readonly only?: () => AudioCodecName | undefined;
}

/** What both sides will exchange. */
interface Plan {
  readonly inbound: AudioFormat;
  readonly outbound: AudioFormat;
}

export class AnchoredMedia implements CallMediaWork {
  readonly #options: AnchoredMediaOptions;
  readonly #inbound: LegMedia;
  readonly #plans = new Map<LegId, Plan>();
  /** What early media has told the caller: it keeps this answer, whoever wins (RFC 3261 §13.2.1). */
  #early: { readonly codec: AudioCodecName; readonly answer: string } | undefined;
  /** What `heard` read last, by Leg: a 200 often repeats what a 183 has said. */
  readonly #heard = new Map<LegId, string>();
  /** To a caller that made none. */
  #earlyOffer: EarlyOffer | undefined;
  /** The branch that the caller hears. */
  #joined: LegId | undefined;
  /** The branch whose port is bridged with the caller's. */
  #bridged: LegId | undefined;

  constructor(options: AnchoredMediaOptions) {
    this.#options = options;
    this.#inbound = options.inbound;
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
    const inbound = this.#inbound.remote?.audio;
    const plan = planOffer({
      inbound,
      allowed: this.#allowed(legId),
      kind: leg.kind,
      preferNarrowband: this.#inbound.kind !== 'webrtc',
    });
    if (plan === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    this.#options.logger.debug({ legId, reason: plan.reason }, 'offer planned');
    const join = this.#canJoin(leg, plan) ? this.#inbound : undefined;
    if (join !== undefined) await this.openInbound();
    await leg.open(plan, join);
    return leg.offer(plan);
  }

  async early(legId: LegId, body: string, isReliable: boolean): Promise<string> {
    const codec = this.heard(legId, body);
    if (isReliable && (this.#inbound.remote === undefined || this.#earlyOffer !== undefined))
      return this.#offerEarly(legId, codec);
    if (codec === undefined || this.#inbound.remote === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    if (this.#early !== undefined && this.#early.codec !== codec) throw telephonyErrors.TELEPHONY_ANSWER_CHANGED();
    await this.#connect(legId);
    this.#early ??= { codec, answer: this.#inbound.answer(this.#planOf(legId).inbound) };
    return this.#early.answer;
  }

  async pracked(body: string): Promise<void> {
    const offer = this.#earlyOffer;
    if (offer === undefined || this.#early !== undefined) return;
    const { legId, codec } = offer;
    const inbound = this.#inbound.hear(body).audio;
    const outbound = this.legOf(legId)?.remote?.audio;
    const plan = outbound === undefined ? undefined : planOffererAnswer({ inbound, outbound, allowed: [codec] });
    if (plan === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    this.#plans.set(legId, plan);
    await this.#connect(legId);
    // The 200 says nothing more: offer and answer are through.
    this.#early = { codec, answer: '' };
    offer.onAnswer();
  }

  heard(legId: LegId, body: string): AudioCodecName | undefined {
    const branch = this.#branch(legId);
    const inbound = this.#inbound.remote?.audio;
    if (branch.kind === 'built-in')
      return inbound === undefined ? undefined : this.#planBuiltIn(legId, inbound).codec.name;
    const known = this.#plans.get(legId);
    if (known !== undefined && this.#heard.get(legId) === body) return known.inbound.codec.name;
    // Nothing new: what the party has said before counts.
    const said = body === '' ? branch.leg.remote : undefined;
    const outbound = (said ?? branch.leg.hear(body)).audio;
    this.#heard.set(legId, body);
    if (this.#joined === legId) this.#joined = undefined;
    if (inbound === undefined) {
      const allowed = this.#allowed(legId);
      const first = outbound.codecs.find((codec) => allowed.includes(codec.name));
      if (first === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
      return first.name;
    }
    const plan = this.#planAnswer(legId, inbound, outbound);
    this.#options.logger.debug({ legId, reason: plan.reason }, 'answer planned');
    this.#plans.set(legId, plan);
    return plan.inbound.codec.name;
  }

  async answer(legId: LegId): Promise<CallerAnswer> {
    await this.#earlyOffer?.answered();
    if (this.#inbound.remote === undefined)
      return { body: await this.#offerToCaller(legId), awaitsAck: true, alignment: undefined };
    if (this.#joined !== legId) await this.#connect(legId);
    const plan = this.#planOf(legId);
    if (this.#early === undefined)
      return { body: this.#inbound.answer(plan.inbound), awaitsAck: false, alignment: undefined };
    const isChanged = this.#early.codec !== plan.inbound.codec.name;
    return {
      body: this.#early.answer,
      awaitsAck: false,
      alignment: isChanged ? this.#alignmentAfterEarly(legId, this.#early.codec) : undefined,
    };
  }

  async acknowledged(legId: LegId, body: string): Promise<{ codec: AudioCodecName; alignment: Alignment | undefined }> {
    const inbound = this.#inbound.hear(body).audio;
    const branch = this.#branch(legId);
    if (branch.kind === 'built-in') {
      const { codec } = this.#planBuiltIn(legId, inbound);
      await this.#connect(legId);
      return { codec: codec.name, alignment: undefined };
    }
    const outbound = branch.leg.remote?.audio;
    const plan =
      outbound === undefined ? undefined : planOffererAnswer({ inbound, outbound, allowed: this.#allowed(legId) });
    if (outbound === undefined || plan === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    this.#plans.set(legId, plan);
    await this.#connect(legId);
    const isOther = outbound.codecs[0]?.name !== plan.outbound.codec.name;
    return {
      codec: plan.inbound.codec.name,
      alignment: isOther ? { legId, offer: () => branch.leg.reoffer(plan.outbound) } : undefined,
    };
  }

  async aligned(legId: LegId, body: string): Promise<void> {
    await this.legOf(legId)?.accept(body);
  }

  async renegotiate(legId: LegId, offer: InDialogOffer): Promise<void> {
    const leg = this.legOf(legId);
    if (leg === undefined) offer.reply(488);
    else if (offer.body === '') offer.reply(200, {}, leg.reoffer());
    else offer.reply(200, {}, await leg.renegotiate(offer.body));
  }

  async reacknowledged(legId: LegId, body: string): Promise<void> {
    await this.legOf(legId)?.accept(body);
  }

  async quality(legId: LegId): Promise<PortReport | undefined> {
    const { owner } = this.legOf(legId) ?? this.#branch(legId).leg;
    return this.#options.media.quality(owner.portId);
  }

  async close(legId: LegId): Promise<PortReport | undefined> {
    const leg = this.legOf(legId);
    if (leg === this.#inbound) this.#earlyOffer?.close();
    return leg === undefined ? this.#options.media.close(this.#branch(legId).leg.owner.portId) : leg.close();
  }

  /** Forgets what was planned with this branch, so that `heard` plans anew. */
  protected forgetPlan(legId: LegId): void {
    this.#plans.delete(legId);
  }

  async #connect(legId: LegId): Promise<void> {
    const plan = this.#planOf(legId);
    const branch = this.#branch(legId);
    await this.openInbound();
    await Promise.all([
      this.#inbound.connect(plan.inbound),
      branch.kind === 'sip'
        ? branch.leg.connect(plan.outbound)
        : connectBuiltIn(branch.leg, plan.outbound, this.#options.media),
    ]);
    if (this.#bridged !== legId) await this.#options.media.bridge(this.#inbound.owner.portId, branch.leg.owner.portId);
    this.#bridged = legId;
    this.#joined = legId;
  }

  /** The codec that the caller knows already, if the branch has it; else whatever both can do. */
  #planAnswer(legId: LegId, inbound: RemoteAudio, outbound: RemoteAudio): AnswerPlan {
    const allowed = this.#allowed(legId);
    const kept =
      this.#early === undefined ? undefined : planAnswer({ inbound, outbound, allowed: [this.#early.codec] });
    const plan = kept ?? planAnswer({ inbound, outbound, allowed });
    if (plan === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    return plan;
  }

  /** The winner has not the codec of the early media: a SIP caller is offered the new one, for a browser the callee keeps the old one. */
  #alignmentAfterEarly(legId: LegId, codec: AudioCodecName): Alignment {
    const plan = this.#planOf(legId);
    if (this.#inbound.kind === 'rtp')
      return { legId: this.#inbound.owner.legId, offer: () => this.#inbound.reoffer(plan.inbound) };
    const leg = this.legOf(legId);
    const offered = this.#inbound.remote?.audio.codecs.find((each) => each.name === codec);
    if (leg === undefined || offered === undefined) throw telephonyErrors.TELEPHONY_ANSWER_CHANGED();
    return { legId, offer: () => leg.reoffer({ ...plan.outbound, codec: offered }) };
  }

  /** The callee's codec alone is offered: it cannot be told another one before it has answered. */
  async #offerEarly(legId: LegId, codec: AudioCodecName | undefined): Promise<string> {
    if (this.#earlyOffer !== undefined) {
      if (this.#earlyOffer.legId !== legId) throw telephonyErrors.TELEPHONY_ANSWER_CHANGED();
      return this.#earlyOffer.text;
    }
    const outbound = this.legOf(legId)?.remote?.audio;
    const formats =
      codec === undefined || outbound === undefined
        ? undefined
        : planOffer({ inbound: outbound, allowed: [codec], kind: this.#inbound.kind });
    if (codec === undefined || formats === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    await this.#inbound.open(formats);
    this.#earlyOffer = new EarlyOffer(legId, codec, this.#inbound.offer(formats));
    return this.#earlyOffer.text;
  }

  /** Delayed offer (RFC 3261 §13.2.1): the caller is offered what the callee can do. */
  async #offerToCaller(legId: LegId): Promise<string> {
    const allowed = this.#allowed(legId);
    const outbound = this.legOf(legId)?.remote?.audio;
    const { kind } = this.#inbound;
    const formats: Formats | undefined =
      outbound === undefined
        ? planOffer({ inbound: undefined, allowed, kind, preferNarrowband: kind !== 'webrtc' })
        : planOffer({ inbound: outbound, allowed, kind });
    if (formats === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    await this.#inbound.open(formats);
    return this.#inbound.offer(formats);
  }

  #planBuiltIn(legId: LegId, remote: RemoteAudio): AudioFormat {
    const plan = planBuiltIn({ remote, codecs: this.#allowed(legId) });
    if (plan === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    this.#plans.set(legId, { inbound: plan.format, outbound: plan.format });
    return plan.format;
  }

  /** What both profiles allow and the branch can do. */
  #allowed(legId: LegId): readonly AudioCodecName[] {
    const branch = this.#branch(legId);
    const able = branch.kind === 'sip' ? branch.leg.profile.codecs : builtInCodecs(branch.leg);
    const only = this.#options.only?.();
    return this.#inbound.profile.codecs.filter((codec) => able.includes(codec) && (only ?? codec) === codec);
  }

  /** Two browsers share a router only under the same payload types (decision D10). */
  #canJoin(leg: LegMedia, formats: Formats): boolean {
    const first = this.#inbound.remote?.audio;
    if (first === undefined || leg.kind !== 'webrtc' || this.#inbound.kind !== 'webrtc') return false;
    const known = new Set([...first.codecs, ...first.telephoneEvents].map(formatKey));
    return [...formats.codecs, ...formats.telephoneEvents].every((each) => known.has(formatKey(each)));
  }

  #planOf(legId: LegId): Plan {
    const plan = this.#plans.get(legId);
    if (plan !== undefined) return plan;
    // Heard before the caller had said anything.
    const [inbound, outbound] = [this.#inbound.remote?.audio, this.legOf(legId)?.remote?.audio];
    if (inbound === undefined || outbound === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    const made = this.#planAnswer(legId, inbound, outbound);
    this.#plans.set(legId, made);
    return made;
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
