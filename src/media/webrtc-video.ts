/** What a browser Leg shows and sees beside its audio, on the same transport. */
import type { types } from 'mediasoup';
import type { ConnectWebRtcVideo, PortOwner } from '../calls/index.ts';
import { TRANSPORT_CC } from '../sdp/index.ts';
import type { Edge } from './edge/index.ts';
import { EdgeLink } from './edge-link.ts';
import { midExtension } from './local-webrtc.ts';
import { videoCapabilities, videoParameters } from './router-video.ts';
import type { SharedRouter } from './shared-router.ts';
import { videoPortOf } from './video-port-id.ts';

export interface WebRtcVideoParts {
  readonly owner: PortOwner;
  readonly shared: SharedRouter;
  readonly transport: types.WebRtcTransport;
}

/** Not safe against itself: its owner calls it in turn. */
export class WebRtcVideo {
  readonly #parts: WebRtcVideoParts;
  #agreed: ConnectWebRtcVideo | undefined;
  #shows: types.Producer | undefined;
  #sees: types.Consumer | undefined;
  #link: EdgeLink | undefined;

  constructor(parts: WebRtcVideoParts) {
    this.#parts = parts;
  }

  /** What the browser shows; undefined while there is no video. */
  get producer(): types.Producer | undefined {
    return this.#shows;
  }

  get isOn(): boolean {
    return this.#shows !== undefined;
  }

  /** Applies what was negotiated, first or again; undefined ends the video. */
  async connect(video: ConnectWebRtcVideo | undefined): Promise<void> {
    const before = this.#agreed;
    this.#agreed = video;
    if (video === undefined || (before !== undefined && isOther(before, video))) this.#stop();
    if (video === undefined) return;
    this.#parts.shared.addVideo(video.format.codec);
    this.#shows ??= await this.#produce(video);
    await this.#joinLink();
    await this.#applyDirection(video);
  }

  /** Makes the edge see this Leg and be seen by it. Does nothing the second time. */
  async linkToEdge(edge: Edge): Promise<void> {
    const { owner, shared, transport } = this.#parts;
    if (transport.closed) return;
    this.#link ??= await EdgeLink.open(edge, { ...owner, portId: videoPortOf(owner.portId) }, shared);
    await this.#joinLink();
  }

  /** Shows the browser what `other`, on the same router, shows. */
  async see(other: WebRtcVideo): Promise<void> {
    if (other.producer !== undefined) await this.#watch(other.producer);
  }

  /** Shows nothing to the browser any more, and gives up the link to the edge, whose endpoint the caller closes. */
  seeNobody(): void {
    this.#sees?.close();
    this.#sees = undefined;
    this.#link?.close();
    this.#link = undefined;
  }

  #produce({ mid, ssrc, cname, format, headerExtensions = [] }: ConnectWebRtcVideo): Promise<types.Producer> {
    const transportCc = headerExtensions.filter(({ uri }) => uri === TRANSPORT_CC);
    return this.#parts.transport.produce({
      kind: 'video',
      rtpParameters: {
        ...(mid === '' ? {} : { mid }),
        codecs: [videoParameters(format.codec)],
        encodings: ssrc === undefined ? [] : [{ ssrc }],
        headerExtensions: [
          midExtension,
          ...transportCc.map(({ uri, id }) => ({ uri: uri as typeof midExtension.uri, id })),
        ],
        rtcp: { reducedSize: true, ...(cname === undefined ? {} : { cname }) },
      },
    });
  }

  async #joinLink(): Promise<void> {
    if (this.#link === undefined || this.#shows === undefined || this.#agreed === undefined) return;
    await this.#watch(await this.#link.carryVideo(this.#shows, this.#agreed.format));
  }

  async #watch(producer: types.Producer): Promise<void> {
    const agreed = this.#agreed;
    if (agreed === undefined || this.#sees?.producerId === producer.id) return;
    this.#sees?.close();
    const { mid, headerExtensions = [], format, direction } = agreed;
    // We do not number our packets for the whole transport.
    const extensions = headerExtensions.filter(({ uri }) => uri !== TRANSPORT_CC);
    this.#sees = await this.#parts.transport.consume({
      producerId: producer.id,
      ...(mid === '' ? {} : { mid }),
      rtpCapabilities: videoCapabilities(format.codec, extensions),
      paused: direction === 'recvonly' || direction === 'inactive',
    });
  }

  async #applyDirection({ direction }: ConnectWebRtcVideo): Promise<void> {
    await Promise.all([
      setFlow(this.#shows, direction === 'sendrecv' || direction === 'recvonly'),
      setFlow(this.#sees, direction === 'sendrecv' || direction === 'sendonly'),
    ]);
  }

  #stop(): void {
    this.#shows?.close();
    this.#shows = undefined;
    this.#link?.dropCarried();
    this.#sees?.close();
    this.#sees = undefined;
  }
}

/** Who only watched has no SSRC until it turns its camera on. */
function isOther(before: ConnectWebRtcVideo, { format: { codec }, ssrc }: ConnectWebRtcVideo): boolean {
  const { name, payloadType } = before.format.codec;
  return name !== codec.name || payloadType !== codec.payloadType || before.ssrc !== ssrc;
}

async function setFlow(flow: types.Producer | types.Consumer | undefined, isFlowing: boolean): Promise<void> {
  if (flow === undefined || flow.paused === !isFlowing) return;
  await (isFlowing ? flow.resume() : flow.pause());
}
