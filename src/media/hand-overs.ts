/** The second phase of every port towards a SIP peer: when it may begin, and what ends it. */
import type { ConnectPort, PortReport } from '../calls/index.ts';
import type { Clock, Logger, PortId, Unsubscribe } from '../kernel/index.ts';
import type { DigitPress } from '../rtp/index.ts';
import type { Edge, ProvenFlow } from './edge/index.ts';
import { emptyReport } from './empty-report.ts';
import { HandOver, type HandOverParts, type TakeBack } from './hand-over.ts';
import { changeOf, type WhyCarried, whyCarried } from './hand-over-rule.ts';
import { onStray, StrayRate } from './stray-log.ts';
import type { WebRtcPort } from './webrtc-port.ts';
import { addReport } from './webrtc-report.ts';

/** An SSRC that was looked for and found to be of no importance is not looked for again within this, ms. */
const strayRestMs = 10_000;
/** How long no worker tells of strays after a flood of them: what they show is then seen by statistics alone, ms. */
const deafMs = 10_000;
/** Strays remembered at once. */
const mostStrays = 1000;

export interface HandOversParts {
  readonly edge: Edge;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Undefined: never hand over. */
  readonly stableMs: number | undefined;
  readonly partnerOf: (portId: PortId) => PortId | undefined;
  /** Whether the workers tell of packets that no Producer was made for. */
  readonly tellStrays: (isTold: boolean) => Promise<void>;
  readonly webRtcOf: (portId: PortId) => WebRtcPort | undefined;
  /** A key of this port's remote that the edge has not seen. */
  readonly onDigit: (portId: PortId, press: DigitPress) => void;
}

export interface HandOverView {
  readonly connected: ConnectPort | undefined;
  readonly isAway: boolean;
  readonly awayMs: number;
  readonly why: WhyCarried | 'switched-off' | undefined;
}

export class HandOvers {
  readonly #parts: HandOversParts;
  readonly #connected = new Map<PortId, ConnectPort>();
  readonly #watchers = new Map<PortId, Set<string>>();
  readonly #ports = new Map<PortId, HandOver>();
  readonly #strays = new Map<number, number>();
  #stopListening: Unsubscribe = () => {};
  readonly #strayRate = new StrayRate();
  #isLooking = false;
  /** Over ports that are closed. */
  #before = emptyReport('' as PortId);

  constructor(parts: HandOversParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#parts.stableMs !== undefined) this.#stopListening = onStray((ssrc) => this.#onStray(ssrc));
  }

  stop(): void {
    this.#stopListening();
  }

  /** How many ports are handed over now. */
  get size(): number {
    return [...this.#ports.values()].filter((port) => port.isAway).length;
  }

  /** A stream towards a port has been the same for a while. */
  async onFlow(flow: ProvenFlow): Promise<void> {
    const { stableMs, edge, clock, logger } = this.#parts;
    const { portId } = flow;
    const connected = this.#connected.get(portId);
    const farId = this.#parts.partnerOf(portId);
    const web = farId === undefined ? undefined : this.#parts.webRtcOf(farId);
    if (stableMs === undefined || this.why(portId, flow) !== undefined) return;
    if (web === undefined || connected?.kind !== 'rtp') return;
    const onDigit: HandOverParts['onDigit'] = (from, press) => {
      const id = from === 'peer' ? portId : this.#parts.partnerOf(portId);
      if (id !== undefined) this.#parts.onDigit(id, press);
    };
    const port = this.#ports.get(portId) ?? new HandOver({ portId, edge, clock, logger, stableMs, onDigit });
    this.#ports.set(portId, port);
    await port.handOver(flow, web, connected.format);
  }

  /** What there is to say of a port: how it is connected, whether and for how long it was handed over, and why it is not. */
  viewOf(portId: PortId): HandOverView {
    const connected = this.#connected.get(portId);
    const sipId = connected?.kind === 'webrtc' ? this.#parts.partnerOf(portId) : portId;
    const port = sipId === undefined ? undefined : this.#ports.get(sipId);
    const why = this.#parts.stableMs === undefined ? 'switched-off' : this.why(sipId ?? portId, undefined);
    return { connected, isAway: port?.isAway === true, awayMs: port?.awayMs ?? 0, why };
  }

  /** Why the edge carries a port; undefined when it need not. */
  why(portId: PortId, flow: ProvenFlow | undefined): WhyCarried | undefined {
    const farId = this.#parts.partnerOf(portId);
    return whyCarried({
      sip: this.#factsOf(portId),
      far: farId === undefined ? undefined : this.#factsOf(farId),
      flow,
    });
  }

  /** The peer of a port sends from elsewhere, and wants to be sent to there. */
  async onMoved(portId: PortId): Promise<void> {
    await this.#ports.get(portId)?.takeBack('for-good');
  }

  /** Notes what a port is about to be connected with, when the edge carries what this changes. */
  async beforeConnect(request: ConnectPort): Promise<void> {
    const { portId } = request;
    const change = changeOf(this.#connected.get(portId), request);
    this.#connected.set(portId, request);
    if (change === 'nothing') return;
    await this.takeBack(portId, change === 'direction' ? 'receiving' : 'for-good');
    if (request.kind !== 'rtp' || change !== 'direction') return;
    const isSending = request.direction === 'sendrecv' || request.direction === 'sendonly';
    await this.#ports.get(portId)?.sendOnly(isSending);
  }

  /** Whether keys of this port's remote go past the edge: what it says of one then is half of it. */
  seesDigitsOf(portId: PortId): boolean {
    const partner = this.#parts.partnerOf(portId);
    const isPeer = this.#ports.get(portId)?.sees('peer') === true;
    return isPeer || (partner !== undefined && this.#ports.get(partner)?.sees('browser') === true);
  }

  /** The edge carries a port, or that which a browser Leg is bridged with, when this resolves. */
  async takeBack(portId: PortId, what: TakeBack): Promise<void> {
    const sipId = this.#ports.has(portId) ? portId : this.#parts.partnerOf(portId);
    if (sipId !== undefined) await this.#ports.get(sipId)?.takeBack(what);
  }

  /** From now on the edge has to see every packet of a port; until `unwatch` under the same name. */
  async watch(portId: PortId, watcher: string): Promise<void> {
    const watchers = this.#watchers.get(portId) ?? new Set();
    this.#watchers.set(portId, watchers.add(watcher));
    await this.takeBack(portId, 'all');
  }

  unwatch(portId: PortId, watcher: string): void {
    this.#watchers.get(portId)?.delete(watcher);
  }

  /** A port's report with what mediasoup carried alone. */
  async completed(report: PortReport): Promise<PortReport> {
    const port = this.#ports.get(report.portId);
    return port === undefined ? report : addReport(report, await port.report());
  }

  /** Forgets a port that is about to be closed, and says what mediasoup carried of it. */
  async close(portId: PortId): Promise<PortReport> {
    this.#connected.delete(portId);
    this.#watchers.delete(portId);
    const port = this.#ports.get(portId);
    if (port === undefined) return emptyReport(portId);
    this.#ports.delete(portId);
    const report = await port.close();
    this.#before = addReport(this.#before, report);
    return report;
  }

  /** What mediasoup has carried alone since start. */
  async totals(): Promise<PortReport> {
    const reports = await Promise.all([...this.#ports.values()].map((port) => port.report()));
    return reports.reduce(addReport, this.#before);
  }

  #factsOf(portId: PortId): { connected: ConnectPort | undefined; watchers: ReadonlySet<string> } {
    return { connected: this.#connected.get(portId), watchers: this.#watchers.get(portId) ?? new Set() };
  }

  /** mediasoup does not say on which transport: it is looked for, once for each SSRC. */
  #onStray(ssrc: number): void {
    const nowMs = this.#parts.clock.now();
    if (this.#strayRate.isFlood(nowMs)) this.#goDeaf();
    if (this.#isLooking || nowMs - (this.#strays.get(ssrc) ?? Number.NEGATIVE_INFINITY) < strayRestMs) return;
    this.#isLooking = true;
    void this.#lookAround(ssrc).finally(() => {
      this.#isLooking = false;
    });
  }

  #goDeaf(): void {
    const { clock, logger, tellStrays } = this.#parts;
    logger.warn({ deafMs }, 'flood of RTP with unknown SSRCs on ports that are handed over');
    void tellStrays(false);
    clock.after(deafMs, () => void tellStrays(true));
  }

  async #lookAround(ssrc: number): Promise<void> {
    const away = [...this.#ports.values()].filter((port) => port.isAway);
    const found = await Promise.all(away.map((port) => port.lookAround().catch(() => false)));
    if (found.includes(true)) return;
    if (this.#strays.size >= mostStrays) this.#strays.clear();
    this.#strays.set(ssrc, this.#parts.clock.now());
  }
}
