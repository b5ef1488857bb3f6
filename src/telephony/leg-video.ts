/** One SIP Leg's video beside its audio: what we offer, what is agreed, and where it goes. Audio never waits for it. */
import type { ConnectRtpPort, ConnectWebRtcVideo, MediaPlane, PortOwner } from '../calls/index.ts';
import {
  answerDirection,
  type LocalVideo,
  planSameVideo,
  type RemoteDescription,
  type RemoteVideo,
  type RtpAddress,
  type SdpKind,
  type VideoCodec,
  type VideoCodecName,
  type VideoFormat,
} from '../sdp/index.ts';

export interface LegVideoOptions {
  readonly owner: PortOwner;
  readonly kind: SdpKind;
  readonly media: MediaPlane;
  readonly allowed: readonly VideoCodecName[];
}

export class LegVideo {
  /** What our next offer lists, as long as nothing is agreed. */
  offered: readonly VideoCodec[] = [];
  /** What was agreed once; it holds while the peer's description has it. */
  agreed: VideoFormat | undefined;
  readonly allowed: readonly VideoCodecName[];
  readonly #options: LegVideoOptions;
  /** Of an rtp Leg, while it is open. */
  #rtp: RtpAddress | undefined;
  /** What is exchanged now. */
  #inUse: VideoFormat | undefined;

  constructor(options: LegVideoOptions) {
    this.#options = options;
    this.allowed = options.allowed;
  }

  /** What is exchanged now; undefined: nothing. */
  get format(): VideoFormat | undefined {
    return this.#inUse;
  }

  /** What the Leg's port must be opened for. */
  toOpen(remote: RemoteDescription | undefined): readonly VideoCodec[] {
    if (this.offered.length > 0) return this.offered;
    return (remote?.video?.codecs ?? []).filter(({ name }) => this.allowed.includes(name));
  }

  /** Opens an rtp Leg's second pair of ports. */
  async open(): Promise<void> {
    const { kind, media, owner } = this.#options;
    if (kind === 'rtp') this.#rtp ??= await media.openVideo(owner.portId);
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
    return { remote: video.rtp, format, direction: answerDirection(video.direction, 'sendrecv') };
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
    const codecs = this.#inUse !== undefined ? [this.#inUse.codec] : isOffer ? this.offered : [];
    if (codecs.length === 0) return undefined;
    return { codecs, direction: 'sendrecv', rtp: this.#rtp };
  }

  #take(video: RemoteVideo | undefined): VideoFormat | undefined {
    const same = this.agreed === undefined ? undefined : planSameVideo(video, this.agreed);
    // A browser's router knows its payload types once and for all (decision D10).
    const isRouted = this.#options.kind === 'rtp' || same?.codec.payloadType === this.agreed?.codec.payloadType;
    this.#inUse = isRouted ? same : undefined;
    return this.#inUse;
  }
}
