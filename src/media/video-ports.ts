/**
 * Video in the edge: each rtp port may have a second pair of sockets, each browser Leg a second inner endpoint, and two
 * of them are joined when both sides have video. Audio neither waits for any of it nor fails with it.
 */
import type { ConnectPort, ConnectRtpPort, KeyframeResult, OpenRtpPort } from '../calls/index.ts';
import type { Logger, PortId } from '../kernel/index.ts';
import type { RtpAddress } from '../sdp/index.ts';
import type { Edge } from './edge/index.ts';
import { mediaErrors } from './media-errors.ts';
import { videoPortOf } from './video-port-id.ts';
import type { WebRtcPort } from './webrtc-port.ts';

/** As much of a port as video asks for. */
export interface VideoParty {
  readonly portId: PortId;
  /** Undefined for an rtp port. */
  readonly webRtc: WebRtcPort | undefined;
}

export class VideoPorts {
  readonly #edge: Edge;
  readonly #logger: Logger;
  /** rtp ports whose sockets for video are open, and whether they are connected. */
  readonly #rtp = new Map<PortId, { isOn: boolean }>();
  /** Who sees whom. */
  readonly #pairs = new Map<PortId, PortId>();

  constructor(edge: Edge, logger: Logger) {
    this.#edge = edge;
    this.#logger = logger;
  }

  async open(owner: OpenRtpPort): Promise<RtpAddress> {
    if (this.#rtp.has(owner.portId)) throw mediaErrors.MEDIA_PORT_EXISTS([owner.portId]);
    this.#rtp.set(owner.portId, { isOn: false });
    try {
      const { rtp } = await this.#edge.openPort({ ...owner, portId: videoPortOf(owner.portId) });
      return rtp;
    } catch (error) {
      this.#rtp.delete(owner.portId);
      throw error;
    }
  }

  /** Applies what was negotiated. What goes wrong with video never costs the audio. */
  async connect(request: ConnectPort, { webRtc }: VideoParty): Promise<void> {
    try {
      if (request.kind === 'rtp') await this.#connectRtp(request);
      if (request.kind === 'webrtc') await webRtc?.connectVideo(request.video);
    } catch (error) {
      this.#logger.warn({ err: error, portId: request.portId }, 'video not connected');
    }
  }

  async #connectRtp({ portId, sourcePolicy, signalingAddress, video }: ConnectRtpPort): Promise<void> {
    const port = this.#rtp.get(portId);
    if (port === undefined) {
      if (video !== undefined) throw mediaErrors.MEDIA_PORT_UNKNOWN([videoPortOf(portId)]);
      return;
    }
    if (video === undefined) return this.close(portId);
    const { remote, format, direction, srtp } = video;
    await this.#edge.connectVideo({
      portId: videoPortOf(portId),
      remote,
      rtcpMux: false,
      sourcePolicy,
      signalingAddress,
      video: format,
      direction,
      srtp,
    });
    port.isOn = true;
  }

  /** Two parties that hear each other through the edge see each other, too, when both have video. */
  async join(a: VideoParty, b: VideoParty): Promise<void> {
    if (!this.#isOn(a) || !this.#isOn(b) || this.#pairs.get(a.portId) === b.portId) return;
    try {
      await this.#join(a, b);
    } catch (error) {
      this.#logger.warn({ err: error, portId: a.portId }, 'video not joined');
    }
  }

  async #join(a: VideoParty, b: VideoParty): Promise<void> {
    this.part(a.portId);
    this.part(b.portId);
    this.#pairs.set(a.portId, b.portId);
    this.#pairs.set(b.portId, a.portId);
    await Promise.all([a.webRtc?.linkVideo(this.#edge), b.webRtc?.linkVideo(this.#edge)]);
    await this.#edge.bridge(videoPortOf(a.portId), videoPortOf(b.portId));
    await Promise.all([a, b].map(({ portId }) => this.#edge.wantKeyframe(videoPortOf(portId))));
  }

  /** At most once a second, whoever asks. */
  async requestKeyframe({ portId, webRtc }: VideoParty): Promise<KeyframeResult> {
    if (!this.#isOn({ portId, webRtc })) return 'no-video';
    if (webRtc !== undefined && !this.#pairs.has(portId)) return 'no-video';
    await this.#edge.wantKeyframe(videoPortOf(portId));
    return 'requested';
  }

  part(portId: PortId): void {
    const other = this.#pairs.get(portId);
    this.#pairs.delete(portId);
    if (other !== undefined && this.#pairs.get(other) === portId) this.#pairs.delete(other);
  }

  /** Closes what the edge has of the port's video. */
  async close(portId: PortId): Promise<void> {
    this.part(portId);
    this.#rtp.delete(portId);
    await this.#edge.close(videoPortOf(portId));
  }

  #isOn({ portId, webRtc }: VideoParty): boolean {
    return webRtc === undefined ? (this.#rtp.get(portId)?.isOn ?? false) : webRtc.hasVideo;
  }
}
