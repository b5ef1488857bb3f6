/** The edge's end towards a PlainTransport on loopback: RTP of one fixed SSRC, RTCP on the same port. */
import type { DigitPress, PortReport } from '../../calls/index.ts';
import { buildPli, classifyPacket, ssrcOf } from '../../rtp/index.ts';
import type { AudioFormat, VideoFormat } from '../../sdp/index.ts';
import type { EdgeSound } from './edge-sound.ts';
import type { EdgeEnd, Hearer } from './end.ts';
import type { Arrival } from './incoming.ts';
import { type InnerSocket, type InnerSockets, LOOPBACK } from './inner-sockets.ts';
import { Keyframes } from './keyframes.ts';
import type { ClosedPort, ConnectInner, ConnectVideoInner } from './messages.ts';
import { mayPass, NetworkEnd, type NetworkEndOptions } from './network-end.ts';

export class InnerPort implements EdgeEnd {
  readonly #end: NetworkEnd;
  readonly #sockets: InnerSockets;
  readonly #inner: InnerSocket;
  #remotePort = 0;
  #consumerSsrc: number | undefined;
  #isClosed = false;
  #browserLoss = 0;
  readonly #keyframes = new Keyframes(() => this.#askForKeyframe());

  private constructor(options: NetworkEndOptions, sockets: InnerSockets, inner: InnerSocket) {
    this.#end = new NetworkEnd(options, (packet) => {
      if (this.#remotePort !== 0) this.#write(packet);
    });
    this.#sockets = sockets;
    this.#inner = inner;
  }

  static async open(
    { isAlone, ...options }: NetworkEndOptions & { readonly isAlone: boolean },
    sockets: InnerSockets,
  ): Promise<InnerPort> {
    return new InnerPort(options, sockets, await sockets.acquire(isAlone));
  }

  get portId() {
    return this.#end.portId;
  }

  /** Where the PlainTransport must send. */
  get localPort(): number {
    return this.#inner.port;
  }

  get format(): AudioFormat | undefined {
    return this.#end.format;
  }

  get isBusy(): boolean {
    return this.#end.isBusy;
  }

  get video(): VideoFormat | undefined {
    return this.#end.video;
  }

  get noise(): Buffer | undefined {
    return this.#end.incoming.noise;
  }

  get remoteLoss(): number {
    return this.#browserLoss;
  }

  /** The browser reports to mediasoup, which does not pass it on: what it loses is told to us. */
  noteLoss(fraction: number): void {
    this.#browserLoss = fraction;
  }

  get peer(): Hearer | undefined {
    return this.#end.peer;
  }

  set peer(peer: Hearer | undefined) {
    this.#end.peer = peer;
  }

  connect({ remotePort, format, consumerSsrc }: ConnectInner): void {
    this.#aim(remotePort, consumerSsrc);
    this.#end.setFormat(format);
  }

  /** The same for an endpoint that carries video. */
  connectVideo({ remotePort, video, consumerSsrc }: ConnectVideoInner): void {
    this.#aim(remotePort, consumerSsrc);
    this.#end.setVideo(video);
  }

  #aim(remotePort: number, consumerSsrc: number | undefined): void {
    this.#inner.users.delete(this.#remotePort);
    this.#remotePort = remotePort;
    this.#consumerSsrc = consumerSsrc;
    this.#inner.users.set(remotePort, this.#onPacket);
  }

  send(packet: Buffer, arrival: Arrival): void {
    if (this.#remotePort === 0 || this.#isClosed || !mayPass(this, arrival)) return;
    if (arrival.isEvent) this.#silenceFirst(arrival.nowMs);
    const out = this.#end.prepare(packet, arrival);
    if (out !== undefined) this.#write(out);
  }

  restart(): void {
    this.#end.outgoing.splice.restart();
  }

  pressDigit(press: DigitPress): void {
    if (this.#remotePort === 0) return;
    if (press.form === 'events') this.#silenceFirst(this.#end.parts.clock.now());
    this.#end.pressDigit(press);
  }

  detectTones(isOn: boolean): void {
    this.#end.detectTones(isOn);
  }

  play(sound: EdgeSound | undefined): void {
    if (sound === undefined) this.#end.player.stop();
    else this.#end.player.play(sound);
  }

  wantKeyframe(): void {
    this.#keyframes.want(this.#end.parts.clock.now());
  }

  tick(nowMs: number): void {
    this.#end.tick(nowMs);
    this.#keyframes.tick(nowMs);
    if (this.#remotePort === 0) return;
    const report = this.#end.rtcp.due(nowMs);
    if (report) this.#write(report);
  }

  report(): PortReport {
    return this.#end.report();
  }

  async close(): Promise<ClosedPort> {
    this.#isClosed = true;
    this.#end.stop();
    this.#inner.users.delete(this.#remotePort);
    await this.#sockets.release(this.#inner);
    return { report: this.#end.report(), stream: undefined };
  }

  readonly #onPacket = (packet: Buffer): void => {
    const { parts } = this.#end;
    const nowMs = parts.clock.now();
    const kind = classifyPacket(packet);
    if (kind === 'rtcp') return this.#end.receiveRtcp(packet, nowMs);
    parts.totals.rtpPacketsReceived++;
    if (kind !== 'rtp' || !this.#end.isAcceptable(packet)) return this.#end.reject();
    if (this.#consumerSsrc !== undefined && ssrcOf(packet) !== this.#consumerSsrc) return this.#end.reject();
    const arrival = this.#end.receive(packet, nowMs);
    this.#end.peer?.send(packet, arrival);
  };

  /** mediasoup passes it on to the browser. */
  #askForKeyframe(): boolean {
    if (this.#remotePort === 0 || this.#consumerSsrc === undefined) return false;
    this.#write(buildPli(this.#end.outgoing.splice.ssrc, this.#consumerSsrc));
    return true;
  }

  #silenceFirst(nowMs: number): void {
    const silence = this.#end.outgoing.silenceFirst(nowMs);
    if (silence) this.#write(silence);
  }

  #write(packet: Buffer): void {
    if (!this.#isClosed) this.#inner.socket.send(packet, this.#remotePort, LOOPBACK);
  }
}
