/** A browser Leg's attachment: its WebRtcTransport, what it says (a Producer) and what it hears (a Consumer). */
import type { types } from 'mediasoup';
import type { ConnectWebRtcPort, ConnectWebRtcVideo, PortOwner, PortReport } from '../calls/index.ts';
import type { Clock, Timer } from '../kernel/index.ts';
import type { AudioFormat, Direction, LocalWebRtc } from '../sdp/index.ts';
import type { Edge } from './edge/index.ts';
import { EdgeLink } from './edge-link.ts';
import { emptyReport } from './empty-report.ts';
import { localWebRtc, midExtension } from './local-webrtc.ts';
import { LossWatch } from './loss-watch.ts';
import { routerFormats, rtpCapabilities, rtpCodecs } from './router-codecs.ts';
import type { SharedRouter } from './shared-router.ts';
import { addReport, webRtcReport } from './webrtc-report.ts';
import { WebRtcVideo } from './webrtc-video.ts';

/** For what is under way to a browser when another Consumer takes over, ms. */
const drainMs = 250;
/** From `connect` until DTLS is done; a browser needs a few hundred milliseconds. */
const setUpMs = 15_000;

/** `away`: the browser's consent has run out; `up` or `ice` follows. */
export type WebRtcPortState = 'up' | 'away' | 'ice' | 'dtls';

/** How long a browser may be silent. */
export interface IcePatience {
  /** After the last ICE check of a browser, which sends one each 5 s or so (RFC 7675 §5.1). Whole seconds, 10 to 60. */
  readonly consentSec: number;
  /** From then on, for an ICE restart to bring it back. */
  readonly graceSec: number;
}

export const usualPatience: IcePatience = { consentSec: 15, graceSec: 30 };

export interface WebRtcPortParts {
  readonly owner: PortOwner;
  readonly shared: SharedRouter;
  readonly transport: types.WebRtcTransport;
  readonly clock: Clock;
  readonly patience: IcePatience;
  /** Called with 'up', in turns with 'away', and once at most with what failed. */
  readonly onState: (state: WebRtcPortState) => void;
}

export class WebRtcPort {
  readonly owner: PortOwner;
  readonly shared: SharedRouter;
  readonly #transport: types.WebRtcTransport;
  readonly #clock: Clock;
  readonly #onState: (state: WebRtcPortState) => void;
  readonly #patience: IcePatience;
  #wasUp = false;
  /** Runs while the browser is away. */
  #grace: Timer | undefined;
  #deadline: Timer | undefined;
  #direction: Direction = 'sendrecv';
  /** Of the section that the browser hears us in, and what else it tells our packets by. */
  #heardBy: Pick<ConnectWebRtcPort, 'mid' | 'headerExtensions'> = { mid: '' };
  #format: AudioFormat | undefined;
  #says: types.Producer | undefined;
  #hears: types.Consumer | undefined;
  #link: EdgeLink | undefined;
  #lossWatch: LossWatch | undefined;
  readonly #video: WebRtcVideo;
  /** Of streams that are over. */
  #former: PortReport;
  /** What the browser hears instead of the edge. */
  #direct: types.Producer | undefined;
  #directSinceMs = 0;
  /** For how long it has heard that, before the stretch that lasts. */
  #directMs = 0;
  /** What it heard before that, for as long as some of it may be under way. */
  #fading: types.Consumer | undefined;
  /** Requests of one port run one after another. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(parts: WebRtcPortParts) {
    this.owner = parts.owner;
    this.#former = emptyReport(parts.owner.portId);
    this.shared = parts.shared;
    this.#transport = parts.transport;
    this.#clock = parts.clock;
    this.#onState = parts.onState;
    this.#patience = parts.patience;
    this.#video = new WebRtcVideo(parts);
  }

  static async open(parts: Omit<WebRtcPortParts, 'transport'>): Promise<WebRtcPort> {
    const { router, server } = parts.shared;
    const transport = await router.createWebRtcTransport({
      webRtcServer: server,
      enableUdp: true,
      enableTcp: true,
      preferUdp: true,
      iceConsentTimeout: parts.patience.consentSec,
    });
    const port = new WebRtcPort({ ...parts, transport });
    transport.on('dtlsstatechange', (state) => port.#onDtls(state));
    transport.on('icestatechange', (state) => port.#onIce(state));
    return port;
  }

  get local(): LocalWebRtc {
    return localWebRtc(this.#transport);
  }

  /** What the browser sends; undefined until connected. */
  get producer(): types.Producer | undefined {
    return this.#says;
  }

  /** DTLS is done: what is sent is heard. */
  get isUp(): boolean {
    return this.#transport.dtlsState === 'connected';
  }

  get hasVideo(): boolean {
    return this.#video.isOn;
  }

  /** For how long it has been heard past the edge. */
  get directMs(): number {
    return this.#directMs + (this.#direct === undefined ? 0 : this.#clock.now() - this.#directSinceMs);
  }

  get isLinked(): boolean {
    return this.#link !== undefined;
  }

  /** Starts DTLS and takes the browser's audio. A second call applies direction and codec only: ICE and DTLS stay (decision D3). */
  connect(request: ConnectWebRtcPort): Promise<void> {
    return this.#inTurn(async () => {
      this.#direction = request.direction;
      this.#heardBy = request;
      if (this.#says === undefined) await this.#connectFirst(request);
      else if (isOtherCodec(this.#format, request.format)) await this.#changeCodec(this.#says, request);
      await this.#applyDirection();
    });
  }

  /** New ICE credentials; the path in use carries on until the browser has found one with them. */
  restartIce(): Promise<LocalWebRtc> {
    return this.#inTurn(async () => {
      await this.#transport.restartIce();
      return this.local;
    });
  }

  /** Makes the edge hear this Leg and be heard by it. Does nothing the second time. */
  linkToEdge(edge: Edge): Promise<void> {
    return this.#inTurn(async () => {
      this.#link ??= await EdgeLink.open(edge, this.owner, this.shared);
      this.#lossWatch ??= new LossWatch({
        clock: this.#clock,
        consumer: () => (this.#direct === undefined && this.#format?.codec.name === 'opus' ? this.#hears : undefined),
        tell: (fraction) => edge.noteLoss(this.owner.portId, fraction),
      });
      await this.#joinLink();
    });
  }

  /**
   * Plays to the browser what a Producer of this router says instead of the edge; undefined: the edge again. The
   * browser hears it as another SSRC. What comes by the former way within a moment is still played.
   */
  hearDirect(direct: types.Producer | undefined): Promise<void> {
    return this.#inTurn(async () => {
      await this.#retire(this.#fading);
      this.#directMs = this.directMs;
      this.#directSinceMs = this.#clock.now();
      this.#direct = direct;
      const former = this.#hears;
      this.#fading = former;
      this.#hears = undefined;
      await this.#joinLink();
      this.#clock.after(drainMs, () => void this.#inTurn(() => this.#retire(former)));
    });
  }

  /** Whether the edge gets what the browser says. */
  feedEdge(isFed: boolean): Promise<void> {
    return this.#inTurn(async () => this.#link?.feedEdge(isFed));
  }

  /** Applies what was negotiated for the video, after `connect`. */
  connectVideo(video: ConnectWebRtcVideo | undefined): Promise<void> {
    return this.#inTurn(() => this.#video.connect(video));
  }

  /** The same for the video. */
  linkVideo(edge: Edge): Promise<void> {
    return this.#inTurn(() => this.#video.linkToEdge(edge));
  }

  /** Plays to the browser what `other`, on the same router, says. Does nothing until `other` is connected. */
  hear(other: WebRtcPort): Promise<void> {
    return this.#inTurn(async () => {
      if (other.producer !== undefined) await this.#listenTo(other.producer);
      await this.#video.see(other.#video);
    });
  }

  /** Plays nothing to the browser any more, and gives up the link to the edge, whose endpoint the caller closes. */
  hearNobody(): Promise<void> {
    return this.#inTurn(async () => {
      this.#directMs = this.directMs;
      await Promise.all([this.#retire(this.#hears), this.#retire(this.#fading)]);
      this.#hears = undefined;
      this.#direct = undefined;
      this.#link?.close();
      this.#link = undefined;
      this.#lossWatch?.stop();
      this.#lossWatch = undefined;
      this.#video.seeNobody();
    });
  }

  quality(): Promise<PortReport> {
    return this.#inTurn(() => this.#report());
  }

  /** Closes the transport, and the router if no other Leg uses it. */
  close(): Promise<PortReport> {
    return this.#inTurn(async () => {
      this.#deadline?.cancel();
      this.#grace?.cancel();
      this.#lossWatch?.stop();
      const report = await this.#report();
      this.#transport.close();
      this.#link?.close();
      this.#video.seeNobody();
      this.shared.release();
      return report;
    });
  }

  async #connectFirst(request: ConnectWebRtcPort): Promise<void> {
    const { dtls } = request;
    // No waiting in between: the first audio packet follows the last DTLS flight at once.
    const [, producer] = await Promise.all([
      this.#transport.connect({ dtlsParameters: { role: dtls.role, fingerprints: [...dtls.fingerprints] } }),
      this.#produce(request),
    ]);
    this.#says = producer;
    this.#format = request.format;
    if (this.#transport.dtlsState !== 'connected') this.#deadline = this.#clock.after(setUpMs, () => this.#tooLate());
    await this.#joinLink();
  }

  #produce({ mid, ssrc, cname, format }: ConnectWebRtcPort): Promise<types.Producer> {
    return this.#transport.produce({
      kind: 'audio',
      rtpParameters: {
        ...(mid === '' ? {} : { mid }),
        codecs: rtpCodecs(routerFormats([format.codec], format.telephoneEvents)),
        encodings: ssrc === undefined ? [] : [{ ssrc }],
        headerExtensions: [midExtension],
        rtcp: { reducedSize: true, ...(cname === undefined ? {} : { cname }) },
      },
    });
  }

  /** A Producer takes what it was made for: another codec needs another one, on the same transport. */
  async #changeCodec(former: types.Producer, request: ConnectWebRtcPort): Promise<void> {
    this.#former = addReport(this.#former, await webRtcReport(this.owner.portId, former, undefined));
    former.close();
    this.#says = await this.#produce(request);
    this.#format = request.format;
    this.#link?.dropCarried();
    await this.#joinLink();
  }

  async #joinLink(): Promise<void> {
    if (this.#link === undefined || this.#says === undefined || this.#format === undefined) return;
    const fromEdge = await this.#link.carryAudio(this.#says, this.#format);
    await this.#listenTo(this.#direct ?? fromEdge);
  }

  async #listenTo(producer: types.Producer): Promise<void> {
    if (this.#hears?.producerId === producer.id) return;
    await this.#retire(this.#hears);
    const { mid, headerExtensions } = this.#heardBy;
    this.#hears = await this.#transport.consume({
      producerId: producer.id,
      ...(mid === '' ? {} : { mid }),
      rtpCapabilities: rtpCapabilities(this.shared.formats, headerExtensions),
      paused: !maySend(this.#direction),
    });
  }

  async #retire(hears: types.Consumer | undefined): Promise<void> {
    if (hears === undefined || hears.closed) return;
    if (hears === this.#fading) this.#fading = undefined;
    this.#former = addReport(this.#former, await webRtcReport(this.owner.portId, undefined, hears));
    hears.close();
  }

  async #report(): Promise<PortReport> {
    await this.#retire(this.#fading);
    return addReport(this.#former, await webRtcReport(this.owner.portId, this.#says, this.#hears));
  }

  async #applyDirection(): Promise<void> {
    await Promise.all([
      setFlow(this.#says, this.#direction === 'sendrecv' || this.#direction === 'recvonly'),
      setFlow(this.#hears, maySend(this.#direction)),
    ]);
  }

  #onDtls(state: types.DtlsState): void {
    if (state === 'connected') {
      this.#wasUp = true;
      this.#deadline?.cancel();
      this.#onState('up');
    } else if (state === 'failed') this.#fail('dtls');
  }

  /** Before DTLS is done the deadline of the set-up decides. */
  #onIce(state: types.IceState): void {
    if (!this.#wasUp) return;
    if (state === 'disconnected') {
      this.#grace ??= this.#clock.after(this.#patience.graceSec * 1000, () => this.#fail('ice'));
      this.#onState('away');
    } else if (this.#grace !== undefined) {
      this.#grace.cancel();
      this.#grace = undefined;
      this.#onState('up');
    }
  }

  #tooLate(): void {
    const hasIce = this.#transport.iceState === 'connected' || this.#transport.iceState === 'completed';
    this.#fail(hasIce ? 'dtls' : 'ice');
  }

  #fail(reason: 'ice' | 'dtls'): void {
    this.#deadline?.cancel();
    this.#grace?.cancel();
    if (!this.#transport.closed) this.#onState(reason);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }
}

function isOtherCodec(before: AudioFormat | undefined, { codec }: AudioFormat): boolean {
  return before?.codec.name !== codec.name || before.codec.payloadType !== codec.payloadType;
}

function maySend(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'sendonly';
}

async function setFlow(flow: types.Producer | types.Consumer | undefined, isFlowing: boolean): Promise<void> {
  if (flow === undefined || flow.paused === !isFlowing) return;
  await (isFlowing ? flow.resume() : flow.pause());
}
