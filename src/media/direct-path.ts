/**
 * The way of a flow that mediasoup carries alone: a PlainTransport bound to the very port that the SIP peer sends to,
 * beneath the edge's socket. One lives as long as the peer's address stays the same, so that its Consumer towards the
 * peer keeps SSRC and sequence through all takes back of what the peer sends.
 */
import type { types } from 'mediasoup';
import type { PortReport } from '../calls/index.ts';
import type { Clock, PortId } from '../kernel/index.ts';
import type { DigitPress } from '../rtp/index.ts';
import type { AudioFormat } from '../sdp/index.ts';
import { DigitWatch } from './digit-watch.ts';
import type { Edge, ProvenFlow } from './edge/index.ts';
import { emptyReport } from './empty-report.ts';
import { routerFormats, rtpCapabilities, rtpCodecs } from './router-codecs.ts';
import type { SharedRouter } from './shared-router.ts';
import { addReport, webRtcReport } from './webrtc-report.ts';

/** For what is queued at a Producer's socket when the edge takes over, ms. */
const drainMs = 250;

/** Who has pressed a key. */
export type DigitSide = 'peer' | 'browser';

export interface DirectPathParts {
  readonly edge: Edge;
  readonly portId: PortId;
  readonly shared: SharedRouter;
  /** What the browser says. */
  readonly says: types.Producer;
  readonly format: AudioFormat;
  readonly flow: ProvenFlow;
  readonly clock: Clock;
  readonly onDigit: (from: DigitSide, press: DigitPress) => void;
}

/** As they grow. */
export interface PathBytes {
  /** Of everything that reached the transport's sockets. */
  readonly all: number;
  /** Of that, what a Producer took. */
  readonly taken: number;
  /** Of the RTP that went out. */
  readonly sent: number;
}

export class DirectPath {
  /** Of Producers that are closed. */
  #before: PortReport;
  readonly #parts: DirectPathParts;
  readonly #transport: types.PlainTransport;
  readonly #toPeer: types.Consumer;
  /** Where keys come to this process. */
  readonly #toUs: types.DirectTransport;
  readonly #watches: Partial<Record<DigitSide, DigitWatch>> = {};
  #fromPeer: types.Producer | undefined;
  /** Producers that still take what was queued for them. */
  #draining: Promise<void> = Promise.resolve();
  #endDrain = (): void => {};

  private constructor(
    parts: DirectPathParts,
    transport: types.PlainTransport,
    toPeer: types.Consumer,
    toUs: types.DirectTransport,
  ) {
    this.#parts = parts;
    this.#toUs = toUs;
    this.#before = emptyReport(parts.portId);
    this.#transport = transport;
    this.#toPeer = toPeer;
  }

  /** Makes the way, and leaves it unused: the edge carries every packet meanwhile. */
  static async open(parts: DirectPathParts): Promise<DirectPath> {
    const { shared, says, flow } = parts;
    const transport = await bindBeneath(parts);
    try {
      const { source, rtcp } = flow;
      await transport.connect({
        ip: source.address,
        port: source.port,
        ...(rtcp === undefined ? {} : { rtcpPort: rtcp.port }),
      });
      const toPeer = await transport.consume({
        producerId: says.id,
        rtpCapabilities: rtpCapabilities(shared.formats),
        paused: true,
      });
      return new DirectPath(parts, transport, toPeer, await shared.router.createDirectTransport());
    } catch (error) {
      transport.close();
      throw error;
    }
  }

  /** Whether this way leads to where a flow comes from. */
  leadsTo(flow: ProvenFlow): boolean {
    const { source, rtcp } = this.#parts.flow;
    return (
      source.address === flow.source.address &&
      source.port === flow.source.port &&
      (rtcp?.port ?? 0) === (flow.rtcp?.port ?? 0)
    );
  }

  /** What the peer says by this way, from the moment on that the edge leaves the port to us. */
  async take(ssrc: number): Promise<types.Producer> {
    const { format } = this.#parts;
    await this.#draining;
    this.#fromPeer = await this.#transport.produce({
      kind: 'audio',
      rtpParameters: {
        codecs: rtpCodecs(routerFormats([format.codec], format.telephoneEvents)),
        encodings: [{ ssrc }],
      },
    });
    await this.#watch('peer', this.#fromPeer);
    return this.#fromPeer;
  }

  /** The edge has the port again; what came before is still taken. */
  give(): void {
    const producer = this.#fromPeer;
    this.#fromPeer = undefined;
    this.#watches.peer?.close();
    if (producer !== undefined) this.#draining = this.#drain(producer);
  }

  /** Nobody waits any more for what was queued. */
  hurry(): void {
    this.#endDrain();
  }

  /** Sends to the peer what the browser says, or no longer. */
  async send(isSending: boolean): Promise<void> {
    await (isSending ? this.#toPeer.resume() : this.#toPeer.pause());
  }

  /** Whether the keys of the browser are told, which go past the edge. */
  async watchBrowser(isOn: boolean): Promise<void> {
    if (isOn) await this.#watch('browser', this.#parts.says);
    else this.#watches.browser?.close();
  }

  async bytes(): Promise<PathBytes> {
    const [stat] = await this.#transport.getStats();
    return { all: stat?.bytesReceived ?? 0, taken: stat?.rtpBytesReceived ?? 0, sent: stat?.rtpBytesSent ?? 0 };
  }

  /** What went over it so far: zeros when the worker has died. */
  async report(): Promise<PortReport> {
    await this.#draining;
    return addReport(this.#before, await webRtcReport(this.#parts.portId, this.#fromPeer, this.#toPeer));
  }

  close(): void {
    for (const watch of Object.values(this.#watches)) watch.close();
    this.#toUs.close();
    this.#transport.close();
  }

  async #watch(from: DigitSide, producer: types.Producer): Promise<void> {
    const { format, clock, onDigit } = this.#parts;
    this.#watches[from]?.close();
    this.#watches[from] = await DigitWatch.open({
      transport: this.#toUs,
      producer,
      telephoneEvents: format.telephoneEvents,
      clock,
      onDigit: (press) => onDigit(from, press),
    });
  }

  async #drain(producer: types.Producer): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#endDrain = resolve;
      this.#parts.clock.after(drainMs, resolve);
    });
    this.#before = addReport(this.#before, await webRtcReport(this.#parts.portId, producer, undefined));
    producer.close();
  }
}

/** Binds the transport without losing a packet to it before it can take any. */
async function bindBeneath({ edge, portId, shared, flow }: DirectPathParts): Promise<types.PlainTransport> {
  const { address, rtpPort } = edge.boundTo(portId);
  const listen = (port: number): types.TransportListenInfo => ({
    protocol: 'udp',
    ip: address,
    port,
    flags: { udpReusePort: true },
  });
  await edge.shield(portId);
  try {
    return await shared.router.createPlainTransport({
      listenInfo: listen(rtpPort),
      ...(flow.rtcp === undefined ? { rtcpMux: true } : { rtcpMux: false, rtcpListenInfo: listen(rtpPort + 1) }),
      // Nobody but the address it is connected to is heard.
      comedia: false,
    });
  } finally {
    await edge.rise(portId);
  }
}
