/**
 * Video of a call of two parties: offered to the one as far as the other has it, and agreed on when it answers. It passes
 * through untouched or not at all.
 */
import type { Logger } from '../kernel/index.ts';
import {
  planVideoAnswer,
  planVideoOffer,
  type RemoteDescription,
  type RemoteVideo,
  type SaidFormats,
  USUAL_VIDEO,
  type VideoCodec,
  type VideoCodecName,
  type VideoPlan,
} from '../sdp/index.ts';
import type { Alignment } from './alignment.ts';
import type { OfferOfOne } from './call-media.ts';
import type { LegMedia } from './leg-media.ts';

/** What will be offered to a party beside this audio, because the other one has it. */
export function planOfferedVideo(other: LegMedia, party: LegMedia, audio: SaidFormats | undefined): void {
  // Who talks already has told its former party what it has, and has been told.
  if (party.format !== undefined) return;
  const inbound = other.remote === undefined ? USUAL_VIDEO : videoOf(other, other.remote);
  party.video.offered = offerOf(inbound, { other, party, audio });
}

/** Both have spoken: what either exchanges. Before both are connected. Who exchanges something is not told otherwise. */
export function agreeOnVideo(caller: LegMedia, callee: LegMedia, logger: Logger): void {
  const plan = planBetween(caller, callee);
  if (plan !== undefined) logger.debug({ legId: callee.owner.legId, reason: plan.reason }, 'video planned');
  caller.video.agreed = plan?.inbound;
  callee.video.agreed = plan?.outbound;
  callee.video.offered = [];
  caller.video.offered = [];
}

/** Video that one of two that talk offers, and neither exchanges yet: the other one is asked before that is answered. */
export class AddedVideo {
  readonly #leg: LegMedia;
  readonly #other: LegMedia;
  readonly #said: RemoteDescription;

  private constructor(leg: LegMedia, other: LegMedia, said: RemoteDescription) {
    this.#leg = leg;
    this.#other = other;
    this.#said = said;
  }

  /** Undefined when nothing is to be asked for. Throws what the offer is refused with. */
  static plan(leg: LegMedia, other: LegMedia, offer: string): AddedVideo | undefined {
    if (leg.video.format !== undefined || other.video.format !== undefined) return undefined;
    const said = leg.read(offer);
    other.video.offered = offerOf(said.video, { other: leg, party: other, audio: other.plan?.said });
    return other.video.offered.length === 0 ? undefined : new AddedVideo(leg, other, said);
  }

  /** `accept` applies the other one's answer. Whatever goes wrong with it leaves a call of audio alone. */
  async ask(ask: OfferOfOne['ask'], accept: (body: string) => Promise<void>): Promise<void> {
    const [leg, other] = [this.#leg, this.#other];
    const { legId } = other.owner;
    await other.video.open();
    const accepted = async (body: string): Promise<void> => {
      const allowed = allowedBy(leg, other);
      const plan = planVideoAnswer({ inbound: this.#said, outbound: other.read(body), allowed });
      leg.video.agreed = plan?.inbound;
      other.video.agreed = plan?.outbound;
      await accept(body);
    };
    const outcome = await ask({ legId, offer: () => other.reoffer(), accepted, isOptional: true });
    other.video.offered = [];
    if (outcome === 'unusable') await ask(other.asBefore());
    if (other.video.format === undefined) leg.video.agreed = undefined;
  }

  /** The offer itself has been taken: without its video in it, after all, the other one has it for nothing. */
  async settle(): Promise<void> {
    const { plan, video } = this.#other;
    if (this.#leg.video.format !== undefined || video.format === undefined || plan === undefined) return;
    video.agreed = undefined;
    await this.#other.connect(plan);
  }
}

/** An offer without the video that nobody else takes part in. */
export function dropOrphan(leg: LegMedia, accepted: (body: string) => Promise<void>): Alignment {
  leg.video.forgetOrphan();
  return { legId: leg.owner.legId, offer: () => leg.reoffer(), accepted, isOptional: true };
}

interface Asked {
  readonly other: LegMedia;
  /** Who gets the offer. */
  readonly party: LegMedia;
  /** What is offered with it. */
  readonly audio: SaidFormats | undefined;
}

function offerOf(
  inbound: Pick<RemoteVideo, 'codecs' | 'direction'> | undefined,
  { other, party, audio }: Asked,
): readonly VideoCodec[] {
  const taken = [...(audio?.codecs ?? []), ...(audio?.telephoneEvents ?? [])].map(({ payloadType }) => payloadType);
  return planVideoOffer({ inbound, allowed: allowedBy(other, party), kind: party.kind, taken });
}

function planBetween(caller: LegMedia, callee: LegMedia): VideoPlan | undefined {
  const [inbound, outbound] = [spoken(caller), spoken(callee)];
  if (inbound === undefined || outbound === undefined) return undefined;
  return planVideoAnswer({ inbound, outbound, allowed: allowedBy(caller, callee) });
}

function spoken(leg: LegMedia): { kind: LegMedia['kind']; video: RemoteVideo | undefined } | undefined {
  const { remote, kind, video, spoke, format } = leg;
  if (remote === undefined) return undefined;
  // An answer names nothing that was not offered.
  if (format === undefined && spoke === 'answered' && video.offered.length === 0) return undefined;
  return { kind, video: videoOf(leg, remote) };
}

/** What counts of what a party has said: for who talks already, what it exchanges. */
function videoOf({ format, video }: LegMedia, remote: RemoteDescription): RemoteVideo | undefined {
  if (format === undefined || remote.video === undefined) return remote.video;
  const inUse = video.format?.codec.payloadType;
  return { ...remote.video, codecs: remote.video.codecs.filter(({ payloadType }) => payloadType === inUse) };
}

function allowedBy(a: LegMedia, b: LegMedia): readonly VideoCodecName[] {
  return a.video.allowed.filter((name) => b.video.allowed.includes(name));
}
