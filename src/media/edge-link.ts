/**
 * The way between a browser Leg and the edge: a PlainTransport on loopback facing the edge's inner endpoint.
 * Plain RTP under the browser Leg's payload types, RTCP on the same port.
 */
import type { types } from 'mediasoup';
import type { PortOwner } from '../calls/index.ts';
import type { PortId } from '../kernel/index.ts';
import type { AudioFormat } from '../sdp/index.ts';
import type { Edge } from './edge/index.ts';
import { rtpCapabilities, rtpCodecs } from './router-codecs.ts';
import type { SharedRouter } from './shared-router.ts';

const loopback = '127.0.0.1';

interface EdgeLinkParts {
  readonly edge: Edge;
  readonly portId: PortId;
  readonly shared: SharedRouter;
  readonly transport: types.PlainTransport;
  readonly producer: types.Producer;
}

export class EdgeLink {
  readonly #parts: EdgeLinkParts;
  #consumer: types.Consumer | undefined;

  private constructor(parts: EdgeLinkParts) {
    this.#parts = parts;
  }

  /** What the edge sends, for the browser to hear. */
  get producer(): types.Producer {
    return this.#parts.producer;
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
    // No waiting in between: the worker takes the requests of one transport in their order.
    const [, producer] = await Promise.all([
      transport.connect({ ip: inner.address, port: inner.port }),
      transport.produce({
        kind: 'audio',
        rtpParameters: { codecs: rtpCodecs(shared.formats), encodings: [{ ssrc: inner.ssrc }] },
      }),
    ]);
    return new EdgeLink({ edge, portId: owner.portId, shared, transport, producer });
  }

  /** Sends to the edge what the browser says, in the format that was negotiated with it. */
  async carry(fromBrowser: types.Producer, format: AudioFormat): Promise<void> {
    if (this.#consumer?.producerId === fromBrowser.id) return;
    this.#consumer?.close();
    const { edge, portId, transport, shared } = this.#parts;
    [this.#consumer] = await Promise.all([
      transport.consume({ producerId: fromBrowser.id, rtpCapabilities: rtpCapabilities(shared.formats) }),
      edge.connectInner({ portId, remotePort: transport.tuple.localPort, format }),
    ]);
  }

  /** Closes the transport. The edge's endpoint is closed by the port's owner, who wants its report. */
  close(): void {
    this.#parts.transport.close();
  }
}
