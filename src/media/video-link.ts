/** The way between a browser Leg's video and the edge, beside the way of its audio (edge-link.ts): a PlainTransport of its own. */
import type { types } from 'mediasoup';
import type { PortOwner } from '../calls/index.ts';
import type { PortId } from '../kernel/index.ts';
import type { VideoCodec, VideoFormat } from '../sdp/index.ts';
import type { Edge } from './edge/index.ts';
import { videoCapabilities, videoParameters } from './router-video.ts';
import type { SharedRouter } from './shared-router.ts';

const loopback = '127.0.0.1';

interface VideoLinkParts {
  readonly edge: Edge;
  /** Of the video in the edge. */
  readonly portId: PortId;
  readonly transport: types.PlainTransport;
  /** Of what the edge sends. */
  readonly ssrc: number;
}

export class VideoLink {
  readonly #parts: VideoLinkParts;
  #producer: types.Producer | undefined;

  private constructor(parts: VideoLinkParts) {
    this.#parts = parts;
  }

  static async open(edge: Edge, owner: PortOwner, shared: SharedRouter): Promise<VideoLink> {
    const [inner, transport] = await Promise.all([
      edge.openInner(owner),
      shared.router.createPlainTransport({
        listenInfo: { protocol: 'udp', ip: loopback, portRange: shared.innerPorts },
        rtcpMux: true,
        comedia: false,
      }),
    ]);
    await transport.connect({ ip: inner.address, port: inner.port });
    return new VideoLink({ edge, portId: owner.portId, transport, ssrc: inner.ssrc });
  }

  /** Joins the browser's video with the edge, and answers with what the edge sends, for the browser to see. */
  async carry(fromBrowser: types.Producer, { codec }: VideoFormat): Promise<types.Producer> {
    if (this.#producer !== undefined) return this.#producer;
    const { edge, portId, transport, ssrc } = this.#parts;
    // Nothing is lost on loopback: only complete pictures are asked for, of the party behind.
    const inner: VideoCodec = { ...codec, feedback: ['nack pli'] };
    const [producer, consumer] = await Promise.all([
      transport.produce({
        kind: 'video',
        rtpParameters: { codecs: [videoParameters(inner)], encodings: [{ ssrc }] },
      }),
      transport.consume({ producerId: fromBrowser.id, rtpCapabilities: videoCapabilities(inner), paused: true }),
    ]);
    const consumerSsrc = consumer.rtpParameters.encodings?.[0]?.ssrc ?? 0;
    await edge.connectVideoInner({ portId, remotePort: transport.tuple.localPort, video: { codec }, consumerSsrc });
    // Not before it is heard: it begins with a complete picture.
    await consumer.resume();
    this.#producer = producer;
    return producer;
  }

  /** What was carried is over: `carry` begins anew. The Consumer has gone with the browser's Producer. */
  dropCarried(): void {
    this.#producer?.close();
    this.#producer = undefined;
  }

  /** Closes the transport. The edge's endpoint is closed by the port's owner. */
  close(): void {
    this.#parts.transport.close();
  }
}
