/**
 * The way between a browser Leg and the edge: a PlainTransport on loopback facing the edge's inner endpoint.
 * Plain RTP under the browser Leg's payload types, RTCP on the same port.
 */
import type { types } from 'mediasoup';
import type { PortOwner } from '../calls/index.ts';
import type { PortId } from '../kernel/index.ts';
import type { AudioFormat } from '../sdp/index.ts';
import type { Edge } from './edge/index.ts';
import { routerFormats, rtpCapabilities, rtpCodecs } from './router-codecs.ts';
import type { SharedRouter } from './shared-router.ts';

const loopback = '127.0.0.1';

interface EdgeLinkParts {
  readonly edge: Edge;
  readonly portId: PortId;
  readonly shared: SharedRouter;
  readonly transport: types.PlainTransport;
  /** Of what the edge sends. */
  readonly ssrc: number;
}

export class EdgeLink {
  readonly #parts: EdgeLinkParts;
  #producer: types.Producer | undefined;
  #toEdge: types.Consumer | undefined;

  private constructor(parts: EdgeLinkParts) {
    this.#parts = parts;
  }

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
  async carry(fromBrowser: types.Producer, format: AudioFormat): Promise<types.Producer> {
    if (this.#producer !== undefined) return this.#producer;
    const { edge, portId, transport, shared, ssrc } = this.#parts;
    const codecs = rtpCodecs(routerFormats([format.codec], format.telephoneEvents));
    const [producer, consumer] = await Promise.all([
      transport.produce({ kind: 'audio', rtpParameters: { codecs, encodings: [{ ssrc }] } }),
      transport.consume({ producerId: fromBrowser.id, rtpCapabilities: rtpCapabilities(shared.formats) }),
      edge.connectInner({ portId, remotePort: transport.tuple.localPort, format }),
    ]);
    this.#producer = producer;
    this.#toEdge = consumer;
    return producer;
  }

  /** Whether the edge gets what the browser says. */
  async feedEdge(isFed: boolean): Promise<void> {
    await (isFed ? this.#toEdge?.resume() : this.#toEdge?.pause());
  }

  /** What was carried was of another codec: `carry` begins anew. The Consumer has gone with the browser's Producer. */
  dropCarried(): void {
    this.#producer?.close();
    this.#producer = undefined;
    this.#toEdge = undefined;
  }

  /** Closes the transport. The edge's endpoint is closed by the port's owner, who wants its report. */
  close(): void {
    this.#parts.transport.close();
  }
}
