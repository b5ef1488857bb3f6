/**
 * The way between one stream of a browser Leg, its audio or its video, and the edge: a PlainTransport on loopback facing
 * the edge's inner endpoint. Plain RTP under the browser Leg's payload types, RTCP on the same port.
 */
import type { types } from 'mediasoup';
import type { PortOwner } from '../calls/index.ts';
import type { PortId } from '../kernel/index.ts';
import type { AudioFormat, VideoCodec, VideoFormat } from '../sdp/index.ts';
import type { Edge } from './edge/index.ts';
import { routerFormats, rtpCapabilities, rtpCodecs } from './router-codecs.ts';
import { videoCapabilities, videoParameters } from './router-video.ts';
import type { SharedRouter } from './shared-router.ts';

const loopback = '127.0.0.1';

interface EdgeLinkParts {
  readonly edge: Edge;
  /** Of the stream in the edge. */
  readonly portId: PortId;
  readonly shared: SharedRouter;
  readonly transport: types.PlainTransport;
  /** Of what the edge sends. */
  readonly ssrc: number;
}

/** One stream as mediasoup and the edge want it. */
interface Carried {
  readonly kind: 'audio' | 'video';
  readonly codecs: types.RtpCodecParameters[];
  readonly rtpCapabilities: types.RtpCapabilities;
  readonly connect: (remotePort: number, consumerSsrc: number) => Promise<void>;
}

export class EdgeLink {
  readonly #parts: EdgeLinkParts;
  #producer: types.Producer | undefined;
  #toEdge: types.Consumer | undefined;

  private constructor(parts: EdgeLinkParts) {
    this.#parts = parts;
  }

  /** `owner`: of the stream's endpoint in the edge. */
  static async open(edge: Edge, owner: PortOwner, shared: SharedRouter): Promise<EdgeLink> {
    const [inner, transport] = await Promise.all([
      edge.openInner(owner),
      shared.router.createPlainTransport({
        listenInfo: { protocol: 'udp', ip: loopback, portRange: shared.innerPorts },
        rtcpMux: true,
        comedia: false,
      }),
    ]);
    await transport.connect({ ip: inner.address, port: inner.port });
    return new EdgeLink({ edge, portId: owner.portId, shared, transport, ssrc: inner.ssrc });
  }

  /**
   * Joins the browser's audio with the edge, in the format that was negotiated with it, and answers with what the
   * edge sends, for the browser to hear. Not before the format is known: a mediasoup Producer takes nothing until
   * the first codec of its list has come.
   */
  async carryAudio(fromBrowser: types.Producer, format: AudioFormat): Promise<types.Producer> {
    const { edge, portId, shared } = this.#parts;
    return this.#carry(fromBrowser, {
      kind: 'audio',
      codecs: rtpCodecs(routerFormats([format.codec], format.telephoneEvents)),
      rtpCapabilities: rtpCapabilities(shared.formats),
      connect: async (remotePort, consumerSsrc) => edge.connectInner({ portId, remotePort, format, consumerSsrc }),
    });
  }

  /** The same for its video. */
  async carryVideo(fromBrowser: types.Producer, { codec }: VideoFormat): Promise<types.Producer> {
    const { edge, portId } = this.#parts;
    // Nothing is lost on loopback: only complete pictures are asked for, of the party behind.
    const inner: VideoCodec = { ...codec, feedback: ['nack pli'] };
    return this.#carry(fromBrowser, {
      kind: 'video',
      codecs: [videoParameters(inner)],
      rtpCapabilities: videoCapabilities(inner),
      connect: async (remotePort, consumerSsrc) =>
        edge.connectVideoInner({ portId, remotePort, video: { codec }, consumerSsrc }),
    });
  }

  /** Whether the edge gets what the browser says. */
  async feedEdge(isFed: boolean): Promise<void> {
    await (isFed ? this.#toEdge?.resume() : this.#toEdge?.pause());
  }

  /** What was carried is over: it begins anew. The Consumer has gone with the browser's Producer. */
  dropCarried(): void {
    this.#producer?.close();
    this.#producer = undefined;
    this.#toEdge = undefined;
  }

  /** Closes the transport. The edge's endpoint is closed by the port's owner, who wants its report. */
  close(): void {
    this.#parts.transport.close();
  }

  async #carry(fromBrowser: types.Producer, { kind, codecs, connect, ...rest }: Carried): Promise<types.Producer> {
    if (this.#producer !== undefined) return this.#producer;
    const { transport, ssrc } = this.#parts;
    const [producer, consumer] = await Promise.all([
      transport.produce({ kind, rtpParameters: { codecs, encodings: [{ ssrc }] } }),
      transport.consume({ ...rest, producerId: fromBrowser.id, paused: true }),
    ]);
    await connect(transport.tuple.localPort, consumer.rtpParameters.encodings?.[0]?.ssrc ?? 0);
    // Not before it is heard: video begins with a complete picture.
    await consumer.resume();
    this.#producer = producer;
    this.#toEdge = consumer;
    return producer;
  }
}
