/**
 * Media of a call whose parties, or one of them, talk already: their ports are open, and another codec is told to them
 * by a re-INVITE before the ports are bridged anew. A party that stays as it is hears of nothing.
 */
import type { MediaPlane, PortReport } from '../calls/index.ts';
import type { LegId } from '../kernel/index.ts';
import type { AudioCodecName, LegPlan, SaidFormats } from '../sdp/index.ts';
import { AnchoredMedia, type AnchoredMediaOptions } from './anchored-media.ts';
import type { CallerAnswer } from './call-media.ts';
import { telephonyErrors } from './errors.ts';
import type { LegMedia } from './leg-media.ts';
import type { StandingLeg } from './standing-leg.ts';

/** Every try is a re-INVITE that somebody waits for. */
const MAX_TRIES = 3;

export interface JoinMediaOptions extends Omit<AnchoredMediaOptions, 'keeps'> {
  readonly media: MediaPlane;
  /** Those parties that talk already. */
  readonly standing: ReadonlyMap<LegId, StandingLeg>;
  /** Whether the call still is to be. */
  readonly isWanted: () => boolean;
  /** Both sides hear each other: the parties are the new call's from now on. */
  readonly onJoined: () => void;
}

/** How a party was. */
interface Before {
  readonly standing: StandingLeg;
  readonly said: SaidFormats | undefined;
  readonly restoreVideo: () => void;
}

export class JoinMedia extends AnchoredMedia {
  readonly #options: JoinMediaOptions;
  /** What the plan keeps to: a codec that is tried for both, or that who talks keeps what it has. */
  #only: AudioCodecName | 'in-use' | undefined;

  constructor(options: JoinMediaOptions) {
    super({ ...options, keeps: (leg) => this.#kept(leg) });
    this.#options = options;
    for (const { parts } of options.standing.values()) parts.media.widen();
  }

  /** The transferee stays with its counterpart until the target has answered: it cannot hear both. */
  override async early(): Promise<string> {
    throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
  }

  override async answer(legId: LegId): Promise<CallerAnswer> {
    const before = [...this.#options.standing.values()].map((standing) => {
      const { media } = standing.parts;
      return { standing, said: media.plan?.said, restoreVideo: media.video.keep() };
    });
    try {
      await this.#agree(legId);
      // It may have been called off while the parties were asked for a codec, and while their ports are bridged.
      this.#checkWanted();
      const answer = await super.answer(legId);
      this.#checkWanted();
      this.#only = undefined;
      this.#options.onJoined();
      return { ...answer, alignment: answer.alignment ?? this.orphanDrop() };
    } catch (error) {
      await this.#undo(before);
      throw error;
    }
  }

  /** Who talks already has nothing to be answered. */
  protected override answerTo(plan: LegPlan): string {
    const { inbound, standing } = this.#options;
    return standing.has(inbound.owner.legId) ? '' : super.answerTo(plan);
  }

  override async close(legId: LegId): Promise<PortReport | undefined> {
    const standing = this.#options.standing.get(legId);
    return standing === undefined || standing.isTaken ? super.close(legId) : undefined;
  }

  /** The parties go on as they were: with whom they were, and in the codec they had. */
  async #undo(before: readonly Before[]): Promise<void> {
    for (const { standing, said, restoreVideo } of before) {
      restoreVideo();
      if (said !== undefined) await standing.align(said);
      const { media } = standing.parts;
      if (media.video.format !== undefined && media.plan !== undefined) await media.connect(media.plan);
    }
    for (const former of new Set(before.map(({ standing }) => standing.former))) {
      const { state, inbound, branches } = former.call;
      const winner = state.kind === 'talking' ? branches.find(({ legId }) => legId === state.winner) : undefined;
      if (winner !== undefined) await this.#options.media.bridge(inbound.portId, winner.portId);
    }
  }

  #checkWanted(): void {
    if (!this.#options.isWanted()) throw telephonyErrors.TELEPHONY_LEG_ENDED();
  }

  /** One codec for both, if they can be brought to it; else each keeps its own, if that may be transcoded. */
  async #agree(legId: LegId): Promise<void> {
    let tries = 0;
    for (const codec of this.#candidates(legId)) {
      if (tries === MAX_TRIES || !this.#plan(legId, codec)) continue;
      tries += 1;
      // What it has answered may be under another payload type than we thought.
      if ((await this.#align(legId)) && this.#plan(legId, codec)) return;
    }
    if (!this.#plan(legId, 'in-use')) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
  }

  #plan(legId: LegId, codec: AudioCodecName | 'in-use'): boolean {
    this.#only = codec;
    this.forgetPlan(legId);
    try {
      this.heard(legId, '');
      return true;
    } catch {
      return false;
    }
  }

  #kept(leg: LegMedia): AudioCodecName | undefined {
    if (this.#only !== 'in-use') return this.#only;
    const isStanding = this.#options.standing.has(leg.owner.legId);
    return isStanding ? leg.format?.codec.name : undefined;
  }

  async #align(legId: LegId): Promise<boolean> {
    const { first, second } = this.planWith(legId);
    for (const standing of this.#options.standing.values()) {
      const { said } = standing.parts.media === this.#options.inbound ? first : second;
      if (!(await standing.align(said))) return false;
    }
    return true;
  }

  /** What both know, first what is in use where a change costs most: a browser, then anybody who talks. */
  #candidates(legId: LegId): readonly AudioCodecName[] {
    const legs = [this.#options.inbound, this.legOf(legId)].filter((leg) => leg !== undefined);
    const inUse = legs
      .toSorted((a, b) => Number(b.kind === 'webrtc') - Number(a.kind === 'webrtc'))
      .flatMap((leg) => (leg.format === undefined ? [] : [leg.format.codec.name]));
    const known = legs.flatMap((leg) => (leg.remote?.audio.codecs ?? []).map(({ name }) => name));
    return [...new Set([...inUse, ...known])].filter((codec) =>
      legs.every((leg) => leg.profile.codecs.includes(codec) && has(leg, codec)),
    );
  }
}

function has({ remote, format }: LegMedia, codec: AudioCodecName): boolean {
  return format?.codec.name === codec || remote?.audio.codecs.some(({ name }) => name === codec) === true;
}
