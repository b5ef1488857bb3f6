/**
 * One SIP Leg's side of offer and answer (RFC 3264), and its port: what we said last, what the peer said last.
 * Legs are isolated: what one peer renegotiates is answered here and never reaches the other (decision D3).
 */
import { isIP } from 'node:net';
import type { MediaPlane, PortOwner, PortReport } from '../calls/index.ts';
import type { Random } from '../kernel/index.ts';
import {
  type AudioCodec,
  type AudioCodecName,
  type AudioFormat,
  acceptSrtp,
  answerDirection,
  answerSrtp,
  bumpOrigin,
  createOrigin,
  type DtlsParameters,
  formatAnswer,
  formatOffer,
  type IceParameters,
  type LegPlan,
  type LocalAudio,
  type LocalRtp,
  type LocalWebRtc,
  NO_SRTP,
  offerSrtp,
  type PlanSide,
  parseRemoteDescription,
  planBuiltIn,
  type RemoteAudio,
  type RemoteDescription,
  resolveDtlsRole,
  type SaidFormats,
  type SdpKind,
  type SdpOrigin,
  type SrtpPolicy,
  sdpErrors,
  sharedExtensions,
  widenedCodecs,
} from '../sdp/index.ts';
import type { Alignment } from './alignment.ts';
import { telephonyErrors } from './errors.ts';
import { LegVideo } from './leg-video.ts';
import type { ProfilePolicy } from './options.ts';

/** Makes a plan of a description of the peer. Throws when there is none. */
export type PlanLeg = (said: Said) => LegPlan;

/** A description of the peer, and what it was. */
export interface Said {
  readonly audio: RemoteAudio;
  readonly spoke: PlanSide['spoke'];
}

/** What a Leg wants of the media plane. */
export type LegMediaPlane = Pick<MediaPlane, 'open' | 'openVideo' | 'connect' | 'restartIce' | 'close'>;

export interface LegMediaOptions {
  readonly owner: PortOwner;
  readonly kind: SdpKind;
  readonly profile: ProfilePolicy;
  readonly media: LegMediaPlane;
  readonly random: Random;
  /** The address family of the peer's signaling: that of its media until its SDP says otherwise. */
  readonly family?: 4 | 6;
  /** Where the peer's signaling comes from, when that is the peer itself and no proxy. */
  readonly signalingAddress?: string | undefined;
  /** The peer's signaling is encrypted (TLS, WSS). Default false. */
  readonly isSecure?: boolean;
}

export class LegMedia {
  readonly owner: PortOwner;
  readonly kind: SdpKind;
  readonly profile: ProfilePolicy;
  readonly video: LegVideo;
  readonly #media: LegMediaPlane;
  readonly #family: 4 | 6 | undefined;
  readonly #signalingAddress: string | undefined;
  readonly #random: Random;
  readonly #srtpPolicy: SrtpPolicy;
  #srtp = NO_SRTP;
  #origin: SdpOrigin;
  #remote: RemoteDescription | undefined;
  #opening: Promise<LocalRtp | LocalWebRtc> | undefined;
  #local: LocalRtp | LocalWebRtc | undefined;
  #plan: LegPlan | undefined;
  #lastText = '';
  /** The port was opened for these. */
  #opened: SaidFormats | undefined;
  /** We have made an offer since the peer made its last one: what it says is an answer. */
  #hasOffered = false;
  /** The codecs that the peer has named in its last offer and since then, as it did last. */
  readonly #known = new Map<AudioCodecName, AudioCodec>();
  /** What it was told last: other codecs than the one in use, if those. */
  #told: SaidFormats | undefined;
  /** The peer's offer asks for new ICE credentials. */
  #isRestarting = false;
  /** We made the first offer. */
  #isOfferer = false;
  #isClosed = false;

  constructor(options: LegMediaOptions) {
    this.owner = options.owner;
    this.kind = options.kind;
    this.profile = options.profile;
    this.#media = options.media;
    this.#family = options.family;
    this.#signalingAddress = options.signalingAddress;
    this.#random = options.random;
    const { srtp = 'refused', srtpKeysInClear = false, video = [] } = options.profile;
    this.video = new LegVideo({ ...options, allowed: video });
    this.#srtpPolicy = { mode: srtp, mayTellKeys: options.isSecure === true || srtpKeysInClear };
    this.#origin = createOrigin(options.random);
  }

  /** The peer's last description. */
  get remote(): RemoteDescription | undefined {
    return this.#remote;
  }

  /** The peer sends, if anything, and does not listen (RFC 3264 §8.4). */
  get isHeldByPeer(): boolean {
    const direction = this.#remote?.audio.direction;
    return direction === 'sendonly' || direction === 'inactive';
  }

  /** What is exchanged, and what the peer was told about it; undefined until connected. */
  get plan(): LegPlan | undefined {
    return this.#plan;
  }

  get format(): AudioFormat | undefined {
    return this.#plan?.format;
  }

  /** Whether its last description was an answer to an offer of ours. */
  get spoke(): PlanSide['spoke'] {
    return this.#hasOffered ? 'answered' : 'offered';
  }

  /** Every codec that the peer has named in its last offer and since then, those of its last description first. */
  get known(): readonly AudioCodec[] {
    const current = this.#remote?.audio.codecs ?? [];
    return [...current, ...[...this.#known.values()].filter(({ name }) => current.every((each) => each.name !== name))];
  }

  /**
   * A SIP peer whose description was an answer may know more codecs than it listed: those of its profile may be tried.
   * What is in use comes first, so that nothing changes without need.
   */
  widen(): void {
    const remote = this.#remote;
    if (remote === undefined || this.#plan === undefined) return;
    const more = this.kind === 'rtp' ? this.profile.codecs : [];
    const known = { codecs: this.known, telephoneEvents: remote.audio.telephoneEvents };
    const codecs = widenedCodecs({ inUse: this.#plan.format.codec, known, more });
    this.#remote = { ...remote, audio: { ...remote.audio, codecs } };
  }

  /** Reads and keeps the peer's description. Throws what the SIP status is owed for. */
  hear(text: string): RemoteDescription {
    const remote = this.#agreeSrtp(this.read(text), this.#isOfferer ? 'answer' : 'offer');
    this.#remote = remote;
    this.#learn(remote);
    return remote;
  }

  /** Opens the port, once. `join`: the port of a webrtc Leg with the same payload types. */
  async open(formats: SaidFormats, join?: LegMedia): Promise<void> {
    // The call may have ended while it waited to open this port.
    if (this.#isClosed) throw telephonyErrors.TELEPHONY_LEG_ENDED();
    if (this.#opening === undefined) {
      this.#opened = formats;
      this.#opening = this.#open(formats, join);
    }
    this.#local = await this.#opening;
    if (this.video.offered.length > 0) await this.video.open();
  }

  /** Our offer, also as the answer to a re-INVITE without one. */
  offer(formats: SaidFormats): string {
    if (this.#remote === undefined) this.#isOfferer = true;
    if (this.kind === 'rtp') this.#srtp = offerSrtp(this.#srtp, this.#srtpPolicy, this.#random);
    this.video.offerSrtp(this.#srtp);
    this.#hasOffered = true;
    const allowed = this.#hasEvents ? formats : { ...formats, telephoneEvents: [] };
    const video = this.video.local(true);
    return this.#say(allowed, (local) => formatOffer({ ...local, video }, this.#remote));
  }

  /** Our answer to the peer's offer. */
  answer({ said }: LegPlan): string {
    const remote = this.#remote;
    if (remote === undefined) throw sdpErrors.SDP_NO_AUDIO();
    const video = this.video.local(false);
    return this.#say(said, (local) => formatAnswer(remote, { ...local, video }));
  }

  /** Applies what was agreed, and again whenever the peer moves. A browser's transport stays, and its codec unless it was told another. */
  async connect(plan: LegPlan): Promise<void> {
    const remote = this.#remote;
    if (remote === undefined) throw sdpErrors.SDP_NO_AUDIO();
    if (this.kind === 'rtp') {
      await this.#connectRtp(remote, plan.format);
      this.#plan = plan;
      return;
    }
    const { name } = plan.format.codec;
    const isTold = this.#plan?.format.codec.name === name || this.#told?.codecs.some((codec) => codec.name === name);
    const next = isTold === true ? plan : (this.#plan ?? plan);
    await this.#connectWebRtc(remote, next.format);
    this.#plan = next;
  }

  /** A re-INVITE or UPDATE with an offer: the answer to it, once it is applied. */
  async renegotiate(text: string, planLeg: PlanLeg): Promise<string> {
    return this.#orAsBefore(async () => {
      const offer = this.#agreeSrtp(this.read(text), 'offer');
      this.#hasOffered = false;
      const plan = this.#follow(offer, planLeg);
      this.#told = plan.said;
      if (this.#isRestarting) {
        this.#local = await this.#media.restartIce(this.owner.portId);
        this.#isRestarting = false;
      }
      await this.connect(plan);
      return this.answer(plan);
    });
  }

  /** Our offer for a re-INVITE that came without one (RFC 3261 §14.2), or to tell another codec than the one in use. */
  reoffer(formats = this.#plan?.said): string {
    if (formats === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    this.#told = formats;
    // Chromium stops to tell streams by their payload type once MID is negotiated again, and we send none. Its own
    // stream is known by its SSRC meanwhile.
    if (this.#local?.kind === 'webrtc' && this.#remote?.audio.ssrc !== undefined)
      this.#local = { ...this.#local, headerExtensions: [] };
    return this.offer(formats);
  }

  /** The answer to an offer of ours inside the dialog. */
  async accept(text: string, planLeg: PlanLeg = (said) => this.planTold(said)): Promise<void> {
    await this.#orAsBefore(async () => {
      const answer = this.#agreeSrtp(this.read(text), 'answer');
      await this.connect(this.#follow(answer, planLeg));
    });
  }

  /** An offer of what is in use: for a peer that has accepted what it cannot do. */
  asBefore(): Alignment {
    const said = this.#plan?.said;
    const { legId } = this.owner;
    return { legId, offer: () => this.reoffer(said), accepted: async (body) => this.accept(body), isOptional: true };
  }

  /** A plan that keeps to what the peer was told last. */
  planTold({ audio }: Said): LegPlan {
    const said = this.#told ?? this.#plan?.said;
    const codecs = said?.codecs.map(({ name }) => name) ?? [];
    const plan = planBuiltIn({ remote: audio, codecs });
    if (said === undefined || plan === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    return { format: plan.format, said };
  }

  /** Closes the port, also one that is still being opened. */
  async close(): Promise<PortReport> {
    this.#isClosed = true;
    await this.#opening?.catch(() => {});
    return this.#media.close(this.owner.portId);
  }

  /** A peer that wants its keys otherwise is neither offered events nor answered any. */
  get #hasEvents(): boolean {
    const { dtmf } = this.profile;
    return dtmf === 'auto' || dtmf === 'rfc4733';
  }

  /** The peer's description, with nothing done about it. Throws what the SIP status is owed for. */
  read(text: string): RemoteDescription {
    const remote = parseRemoteDescription(text);
    if (remote.kind !== this.kind)
      throw sdpErrors.SDP_PROTOCOL([remote.kind === 'rtp' ? 'RTP/AVP' : 'UDP/TLS/RTP/SAVPF']);
    return this.#hasEvents ? remote : { ...remote, audio: { ...remote.audio, telephoneEvents: [] } };
  }

  #agreeSrtp(remote: RemoteDescription, role: 'offer' | 'answer'): RemoteDescription {
    if (this.kind !== 'rtp') return remote;
    this.#srtp =
      role === 'answer'
        ? acceptSrtp(this.#srtp, remote.audio)
        : answerSrtp(this.#srtp, remote.audio, { ...this.#srtpPolicy, random: this.#random });
    return this.video.agreeSrtp(remote, this.#srtp, role);
  }

  /** Takes over the peer's new description, as far as there is a plan for it. */
  #follow(next: RemoteDescription, planLeg: PlanLeg): LegPlan {
    const plan = planLeg({ audio: next.audio, spoke: this.spoke });
    if (next.kind === 'webrtc') this.#checkBrowser(next, plan.format);
    this.#remote = next;
    this.#learn(next);
    return plan;
  }

  /** An offer names all that the peer has now; an answer only what it likes of what it was offered. */
  #learn({ audio }: RemoteDescription): void {
    if (!this.#hasOffered) this.#known.clear();
    for (const codec of audio.codecs) this.#known.set(codec.name, codec);
  }

  /** What a browser's transport cannot follow: other keys, a payload type that its router does not know. ICE it can restart. */
  #checkBrowser(next: RemoteDescription, { codec }: AudioFormat): void {
    const before = this.#remote?.audio;
    if (before === undefined) return;
    if (!isSameDtls(before.dtls, next.audio.dtls)) throw telephonyErrors.TELEPHONY_OTHER_DTLS();
    const isRouted = this.#opened?.codecs.some(
      ({ name, payloadType }) => codec.name === name && codec.payloadType === payloadType,
    );
    if (isRouted !== true) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    this.#isRestarting = isOtherIce(before.ice, next.audio.ice);
  }

  /** A change that fails leaves the session as it was (RFC 3261 §14.2). */
  async #orAsBefore<T>(change: () => Promise<T>): Promise<T> {
    const [remote, plan, origin, lastText] = [this.#remote, this.#plan, this.#origin, this.#lastText];
    const [hasOffered, told, srtp, restoreVideo] = [this.#hasOffered, this.#told, this.#srtp, this.video.keep()];
    try {
      return await change();
    } catch (error) {
      this.#remote = remote;
      this.#srtp = srtp;
      restoreVideo();
      this.#plan = plan;
      this.#origin = origin;
      this.#lastText = lastText;
      this.#hasOffered = hasOffered;
      this.#told = told;
      this.#isRestarting = false;
      throw error;
    }
  }

  async #open({ codecs, telephoneEvents }: SaidFormats, join: LegMedia | undefined): Promise<LocalRtp | LocalWebRtc> {
    const { announcedAddress } = this.profile;
    const family = familyOf(this.#remote?.audio.rtp.address) ?? this.#family;
    if (this.kind === 'rtp')
      return this.#media.open({
        ...this.owner,
        kind: 'rtp',
        ...(family === undefined ? {} : { family }),
        ...(announcedAddress === undefined ? {} : { announcedAddress }),
      });
    const joined = join === undefined ? {} : { joinPortId: join.owner.portId };
    return this.#media.open({ ...this.owner, kind: 'webrtc', codecs, telephoneEvents, ...joined });
  }

  async #connectRtp(remote: RemoteDescription, format: AudioFormat): Promise<void> {
    const { audio } = remote;
    const { mediaTimeoutSec = 0, mediaTimeoutOnHoldSec = 0 } = this.profile;
    await this.#media.connect({
      kind: 'rtp',
      portId: this.owner.portId,
      remote: audio.rtp,
      rtcpMux: audio.rtcpMux,
      sourcePolicy: this.profile.nat.source,
      signalingAddress: this.#signalingAddress,
      format,
      direction: answerDirection(audio.direction, 'sendrecv'),
      srtp: this.#srtp.keys,
      mediaTimeout: { talkingMs: mediaTimeoutSec * 1000, restingMs: mediaTimeoutOnHoldSec * 1000 },
      video: await this.video.toRtp(remote),
    });
  }

  async #connectWebRtc(remote: RemoteDescription, format: AudioFormat): Promise<void> {
    const { audio } = remote;
    const { ice, dtls, mid, ssrc, cname } = audio;
    if (ice === undefined) throw sdpErrors.SDP_NO_ICE();
    if (dtls === undefined) throw sdpErrors.SDP_NO_FINGERPRINT();
    const direction = answerDirection(audio.direction, 'sendrecv');
    await this.#media.connect({
      kind: 'webrtc',
      portId: this.owner.portId,
      ice,
      dtls: resolveDtlsRole(dtls),
      mid,
      headerExtensions: this.#local === undefined ? [] : sharedExtensions(audio, this.#local),
      ssrc,
      cname,
      format,
      direction,
      video: this.video.toWebRtc(remote),
    });
  }

  /** The version of o= goes up only when the rest of the text changes (RFC 3264 §8). */
  #say({ codecs, telephoneEvents, ptimeMs, maxPtimeMs }: SaidFormats, format: (local: LocalAudio) => string): string {
    const transport = this.#local;
    if (transport === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    const formats = { codecs, telephoneEvents, ptimeMs, maxPtimeMs };
    const local = (origin: SdpOrigin): LocalAudio => ({
      origin,
      transport,
      ...formats,
      direction: 'sendrecv',
      srtp: this.#srtp.local,
    });
    const draft = format(local(this.#origin));
    if (this.#lastText !== '') this.#origin = bumpOrigin(this.#origin, this.#lastText, draft);
    this.#lastText = format(local(this.#origin));
    return this.#lastText;
  }
}

/** Of an address, with or without brackets and port; undefined for a host name, which says nothing yet. */
export function familyOf(address: string | undefined): 4 | 6 | undefined {
  const text = address ?? '';
  const bare = /^\[([^\]]*)\]/.exec(text)?.[1] ?? text.replace(/^([^:]*):\d+$/, '$1');
  const family = isIP(bare);
  return family === 4 || family === 6 ? family : undefined;
}

function isOtherIce(before: IceParameters | undefined, next: IceParameters | undefined): boolean {
  return before?.usernameFragment !== next?.usernameFragment || before?.password !== next?.password;
}

/** The certificate cannot change within a DTLS association (RFC 8842 §4). */
function isSameDtls(before: DtlsParameters | undefined, next: DtlsParameters | undefined): boolean {
  return fingerprintsOf(before) === fingerprintsOf(next);
}

function fingerprintsOf(dtls: DtlsParameters | undefined): string {
  return dtls?.fingerprints.map(({ value }) => value).join() ?? '';
}
