/** One SIP Leg's video beside its audio: what we offer, what is agreed, and where it goes. Audio never waits for it. */
import type { ConnectRtpPort, ConnectWebRtcVideo, MediaPlane, PortOwner } from '../calls/index.ts';
import { CodedError, type Random } from '../kernel/index.ts';
import {
  acceptSrtp,
  answerDirection,
  answerSrtp,
  type LocalVideo,
  NO_SRTP,
  offerSrtp,
  planSameVideo,
  type RemoteDescription,
  type RemoteVideo,
  type RtpAddress,
  type SdpKind,
  type SrtpState,
  type VideoCodec,
  type VideoCodecName,
  type VideoFormat,
  videoSrtpPolicy,
} from '../sdp/index.ts';

export interface LegVideoOptions {
  readonly owner: PortOwner;
  readonly kind: SdpKind;
  readonly media: Pick<MediaPlane, 'openVideo'>;
  readonly random: Random;
  readonly allowed: readonly VideoCodecName[];
}

/** What a change that fails is to leave as it was. */
interface VideoState {
  /** What was agreed once; it holds while the peer's description has it. */
  agreed: VideoFormat | undefined;
  /** What is exchanged now. */
  inUse: VideoFormat | undefined;
  srtp: SrtpState;
  /** Our last description that was answered, or was an answer, has video in it. */
  isSaid: boolean;
  /** Of an offer that waits for its answer. */
  isOffered: boolean | undefined;
  /** What the peer said when it was connected last. */
  remote: RemoteVideo | undefined;
}

export class LegVideo {
  /** What our next offer lists, as long as nothing is agreed. */
  offered: readonly VideoCodec[] = [];
  readonly allowed: readonly VideoCodecName[];
  readonly #options: LegVideoOptions;
  /** Of an rtp Leg, while it is open. */
  #rtp: RtpAddress | undefined;
  #state: VideoState = {
    agreed: undefined,
    inUse: undefined,
    srtp: NO_SRTP,
    isSaid: false,
    isOffered: undefined,
    remote: undefined,
  };

  constructor(options: LegVideoOptions) {
    this.#options = options;
    this.allowed = options.allowed;
  }

  get agreed(): VideoFormat | undefined {
    return this.#state.agreed;
  }

  set agreed(agreed: VideoFormat | undefined) {
    this.#state.agreed = agreed;
  }

  /** What is exchanged now; undefined: nothing. */
  get format(): VideoFormat | undefined {
    return this.#state.inUse;
  }

  /** Both sides have said yes to video that nobody else takes part in: the peer is to be told so. */
  get isOrphan(): boolean {
    const { isSaid, inUse, remote } = this.#state;
    return isSaid && inUse === undefined && remote !== undefined && remote.direction !== 'inactive';
  }

  /** It is being told: not twice. */
  forgetOrphan(): void {
    this.#state.isSaid = false;
  }

  /** What it returns makes everything as it is now. */
  keep(): () => void {
    const state = { ...this.#state };
    return () => {
      this.#state = state;
    };
  }

  /** Opens an rtp Leg's second pair of ports. */
  async open(): Promise<void> {
    const { kind, media, owner } = this.#options;
    if (kind === 'rtp') this.#rtp ??= await media.openVideo(owner.portId);
  }

  /** Before our offer; `audio` is what that says of SRTP. */
  offerSrtp(audio: SrtpState): void {
    if (this.#options.kind === 'webrtc') return;
    this.#state.srtp = offerSrtp(this.#state.srtp, videoSrtpPolicy(audio, 'offer'), this.#options.random);
  }

  /** The peer's description with its video as far as we agree on SRTP for it; `audio` is what that has now. */
  agreeSrtp(remote: RemoteDescription, audio: SrtpState, role: 'offer' | 'answer'): RemoteDescription {
    const { random, kind } = this.#options;
    const { video } = remote;
    if (video === undefined || kind === 'webrtc') return remote;
    const policy = videoSrtpPolicy(audio, 'answer');
    try {
      const { srtp } = this.#state;
      const next = role === 'offer' ? answerSrtp(srtp, video, { ...policy, random }) : acceptSrtp(srtp, video);
      if (policy.mode === 'required' && next.keys === undefined) return { ...remote, video: undefined };
      this.#state.srtp = next;
      return remote;
    } catch (error) {
      // It costs the video, not the call.
      if (error instanceof CodedError) return { ...remote, video: undefined };
      throw error;
    }
  }

  /** Takes over what was agreed and what the peer says now; what to connect an rtp port with. */
  async toRtp({ video }: RemoteDescription): Promise<ConnectRtpPort['video']> {
    const format = this.#take(video);
    if (video === undefined || format === undefined) {
      // The media plane closes what it is not connected with.
      this.#rtp = undefined;
      return undefined;
    }
    await this.open();
    const { keys } = this.#state.srtp;
    return { remote: video.rtp, format, direction: answerDirection(video.direction, 'sendrecv'), srtp: keys };
  }

  /** The same for a browser's port. */
  toWebRtc({ video }: RemoteDescription): ConnectWebRtcVideo | undefined {
    const format = this.#take(video);
    if (video === undefined || format === undefined) return undefined;
    const { mid, ssrc, cname, headerExtensions } = video;
    return { mid, ssrc, cname, headerExtensions, format, direction: answerDirection(video.direction, 'sendrecv') };
  }

  /** Our side of it: what an answer, or an offer, says. */
  local(isOffer: boolean): LocalVideo | undefined {
    const { inUse, srtp } = this.#state;
    const codecs = inUse !== undefined ? [inUse.codec] : isOffer ? this.offered : [];
    const { isSaid } = this.#state;
    if (isOffer) this.#state.isOffered = codecs.length > 0;
    else this.#state.isSaid = codecs.length > 0;
    if (codecs.length === 0) return undefined;
    return { codecs, direction: 'sendrecv', rtp: this.#rtp, srtp: srtp.local, isNew: !isSaid };
  }

  #take(video: RemoteVideo | undefined): VideoFormat | undefined {
    const { agreed } = this.#state;
    const same = agreed === undefined ? undefined : planSameVideo(video, agreed);
    // A browser's router knows its payload types once and for all (decision D10).
    const isRouted = this.#options.kind === 'rtp' || same?.codec.payloadType === agreed?.codec.payloadType;
    this.#state.inUse = isRouted ? same : undefined;
    this.#state.remote = video;
    this.#state.isSaid = this.#state.isOffered ?? this.#state.isSaid;
    this.#state.isOffered = undefined;
    return this.#state.inUse;
  }
}
