/**
 * A SIP-facing port: a pair of sockets, the latch that decides whom to believe, and the way to the peer end.
 * Symmetric: RTP goes where the believed source is, and to the SDP's address while nobody is (RFC 4961).
 */
import type { RemoteInfo } from 'node:dgram';
import type { DigitPress, PortReport } from '../../calls/index.ts';
import {
  buildFir,
  buildPli,
  classifyPacket,
  createLatch,
  type KnownStream,
  type Latch,
  type LatchInput,
  mayBecomeBelieved,
  moveLatch,
  sequenceOf,
  ssrcOf,
  stepLatch,
} from '../../rtp/index.ts';
import type { AudioFormat, VideoFormat } from '../../sdp/index.ts';
import type { EdgeSound } from './edge-sound.ts';
import type { EdgeEnd, Hearer } from './end.ts';
import { edgeErrors } from './errors.ts';
import { FlowProof } from './flow-proof.ts';
import type { Arrival } from './incoming.ts';
import { Keyframes } from './keyframes.ts';
import { LifeSigns } from './life-signs.ts';
import type { ClosedPort, ConnectEdgePort, ConnectVideoPort, Place, PlacePort } from './messages.ts';
import { mayPass, NetworkEnd, type NetworkEndOptions } from './network-end.ts';
import { SharedSocket } from './shared-socket.ts';
import { SrtpGuard } from './srtp-guard.ts';
import { isAddressInUse } from './udp.ts';

export interface SipPortOptions extends NetworkEndOptions {
  readonly address: string;
  readonly rtpPort: number;
  /** The stream of the call that had this port before. */
  readonly refused: KnownStream | undefined;
  /** After which an unchanged stream is told as `flow`; undefined: it is not. */
  readonly stableMs: number | undefined;
}

const NOWHERE = { address: '', port: 0 };

export class SipPort implements EdgeEnd {
  readonly #end: NetworkEnd;
  readonly #life: LifeSigns;
  readonly #rtp: SharedSocket;
  readonly #rtcp: SharedSocket;
  #proof: FlowProof | undefined;
  readonly #refused: KnownStream | undefined;
  /** Undefined: plain RTP. */
  #srtp: SrtpGuard | undefined;
  #latch: Latch | undefined;
  // The believed source and the target, flat: compared and used for every packet.
  #sourceAddress = '';
  #sourcePort = 0;
  #targetAddress = '';
  #targetPort = 0;
  #rtcpTarget = NOWHERE;
  #isMux = false;
  #heardMs = 0;
  #isUp = false;
  #isSending = false;
  #isReceiving = false;
  #isClosed = false;
  #place: Place = 'carrying';
  readonly #keyframes = new Keyframes(() => this.#askForKeyframe());
  #firs = 0;

  private constructor(options: SipPortOptions, sockets: { rtp: SharedSocket; rtcp: SharedSocket }) {
    this.#end = new NetworkEnd(options, (packet) => this.#write(packet));
    this.#life = new LifeSigns(this.#end);
    if (options.stableMs !== undefined) this.#proof = new FlowProof(options.stableMs);
    this.#refused = options.refused;
    this.#rtp = sockets.rtp;
    this.#rtcp = sockets.rtcp;
  }

  /** Opens the pair; undefined when somebody else has one of the two ports. */
  static async open(options: SipPortOptions): Promise<SipPort | undefined> {
    const opened: { port?: SipPort } = {};
    const bound: SharedSocket[] = [];
    const { address, rtpPort } = options;
    const { clock } = options.parts;
    const onRtp = (packet: Buffer, source: RemoteInfo): void => opened.port?.onRtp(packet, source);
    const onRtcp = (packet: Buffer, source: RemoteInfo): void => opened.port?.onRtcp(packet, source);
    try {
      bound.push(await SharedSocket.bind({ address, port: rtpPort, onPacket: onRtp, clock }));
      bound.push(await SharedSocket.bind({ address, port: rtpPort + 1, onPacket: onRtcp, clock }));
    } catch (error) {
      await Promise.all(bound.map((socket) => socket.close()));
      if (isAddressInUse(error)) return undefined;
      throw error;
    }
    const [rtp, rtcp] = bound;
    if (rtp && rtcp) opened.port = new SipPort(options, { rtp, rtcp });
    return opened.port;
  }

  get portId() {
    return this.#end.portId;
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
    return this.#end.rtcp.remoteLoss;
  }

  get peer(): Hearer | undefined {
    return this.#end.peer;
  }

  set peer(peer: Hearer | undefined) {
    this.#end.peer = peer;
  }

  /** Applies what was negotiated, first or again. Who was proven stays believed while the SDP's address is the same. */
  connect(request: ConnectEdgePort): void {
    this.#follow(request);
    this.#srtp = SrtpGuard.next(this.#srtp, request.srtp, this.#end);
    this.#end.setFormat(request.format);
    // At an unspecified address nobody is there either: so RFC 2543 said hold.
    const isOnHold = request.direction !== 'sendrecv' || this.#targetPort === 0;
    this.#life.expect({ isOnHold, bounds: request.mediaTimeout }, this.#end.parts.clock.now());
  }

  /** The same for a port that carries video. */
  connectVideo(request: ConnectVideoPort): void {
    // Video is never left to itself: who asks for pictures must be heard.
    this.#proof = undefined;
    this.#follow(request);
    this.#srtp = SrtpGuard.next(this.#srtp, request.srtp, this.#end);
    this.#end.setVideo(request.video);
  }

  #follow(request: Omit<ConnectVideoPort, 'video' | 'srtp'>): void {
    const { remote, rtcpMux, direction } = request;
    const start = {
      policy: request.sourcePolicy,
      remote: { address: remote.address, port: remote.rtpPort },
      signaling: request.signalingAddress,
      nowMs: this.#end.parts.clock.now(),
    };
    // RFC 2543 said hold by an unspecified address: it is no place to move to, and who was proven may play music.
    if (this.#latch === undefined) this.#latch = createLatch({ ...start, refused: this.#refused });
    else if (!isUnspecified(remote.address)) this.#latch = moveLatch(this.#latch, start);
    this.#isMux = rtcpMux;
    this.#rtcpTarget = isUnspecified(remote.address)
      ? NOWHERE
      : { address: remote.address, port: rtcpMux ? remote.rtpPort : remote.rtcpPort };
    this.#aim();
    const isSending = direction === 'sendrecv' || direction === 'sendonly';
    // After a hold the stream goes on where it was, however far its source counted meanwhile.
    if (isSending !== this.#isSending) this.restart();
    this.#isSending = isSending;
    const isReceiving = direction === 'sendrecv' || direction === 'recvonly';
    if (isReceiving && !this.#isReceiving) {
      this.#end.incoming.reception.restart();
      this.#end.peer?.restart();
    }
    this.#isReceiving = isReceiving;
  }

  onRtp(packet: Buffer, source: RemoteInfo): void {
    const { parts } = this.#end;
    const nowMs = parts.clock.now();
    const kind = classifyPacket(packet);
    if (kind === 'rtcp') return this.onRtcp(packet, source);
    parts.totals.rtpPacketsReceived++;
    const plain = kind === 'rtp' ? this.#believed(packet, source, nowMs) : undefined;
    if (plain === undefined) {
      if (kind === 'rtp' && this.#srtp === undefined && this.#isBelieved(source)) this.#life.sensed(nowMs);
      return this.#end.reject();
    }
    this.#heardMs = nowMs;
    const arrival = this.#end.receive(plain, nowMs);
    this.#life.heard(nowMs, arrival.isNoise);
    if (!this.#isUp) {
      this.#isUp = true;
      parts.emit({ kind: 'port-up', portId: this.portId });
    }
    if (this.#isReceiving) this.#end.peer?.send(plain, arrival);
  }

  /** Reports are believed from the host that is believed; where they come from may be another port. */
  onRtcp(packet: Buffer, source: RemoteInfo): void {
    if (this.#isClosed || source.address !== this.#targetAddress) return;
    const nowMs = this.#end.parts.clock.now();
    const plain = this.#srtp ? this.#srtp.openRtcp(packet, nowMs) : packet;
    if (plain === undefined) return;
    this.#life.sensed(nowMs);
    this.#end.receiveRtcp(plain, nowMs);
  }

  send(packet: Buffer, arrival: Arrival): void {
    if (!this.#maySend || !mayPass(this, arrival)) return;
    const out = this.#end.prepare(packet, arrival);
    if (out !== undefined) this.#sendRtp(out);
  }

  get #maySend(): boolean {
    return this.#isSending && this.#targetPort !== 0 && !this.#isClosed;
  }

  #write(packet: Buffer): void {
    if (this.#maySend) this.#sendRtp(packet);
  }

  restart(): void {
    this.#end.outgoing.splice.restart();
  }

  pressDigit(press: DigitPress): void {
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
    this.#prove(nowMs);
    const news = this.#life.tick(nowMs, this.#place);
    if (news) this.#end.parts.emit(news);
    const silence = this.#maySend ? this.#life.keepalive(nowMs) : undefined;
    if (silence) this.#sendRtp(silence);
    if (this.#rtcpTarget.port === 0 || this.#place !== 'carrying') return;
    const report = this.#end.rtcp.due(nowMs);
    if (report) this.#sendRtcp(report);
  }

  report(): PortReport {
    return this.#end.report();
  }

  async close(): Promise<ClosedPort> {
    const goodbye = this.#end.rtcp.goodbye(this.#end.parts.clock.now());
    if (goodbye) this.#sendRtcp(goodbye);
    this.#end.stop();
    this.#isClosed = true;
    await Promise.all([this.#rtp.close(), this.#rtcp.close()]);
    const believed = this.#latch?.believed;
    return { report: this.#end.report(), stream: believed && { ...believed, ssrc: this.#end.incoming.reception.ssrc } };
  }

  /** The packet as it is to be read, if it is one of this Leg; undefined otherwise. */
  #believed(packet: Buffer, source: RemoteInfo, nowMs: number): Buffer | undefined {
    if (!this.#end.incoming.accepts(packet)) return;
    const isKnown = this.#isBelieved(source);
    // Authentic before anything is learned from it; a stranger who would not be believed anyway costs no decryption.
    if (this.#srtp && !isKnown && !this.#mayBecomeBelieved(packet, source, nowMs)) return;
    const plain = this.#srtp ? this.#srtp.openRtp(packet, nowMs) : packet;
    if (plain === undefined || !this.#end.isAcceptable(plain)) return;
    return isKnown || this.#consider(plain, source, nowMs) ? plain : undefined;
  }

  #isBelieved(source: RemoteInfo): boolean {
    return source.port === this.#sourcePort && source.address === this.#sourceAddress;
  }

  #mayBecomeBelieved(packet: Buffer, source: RemoteInfo, nowMs: number): boolean {
    return this.#latch !== undefined && mayBecomeBelieved(this.#latch, this.#latchInput(packet, source, nowMs));
  }

  /** What the believed source sends comes to us although a PlainTransport is about to be bound. Throws MEDIA_NOT_SHARED. */
  shield(): undefined {
    const believed = this.#latch?.believed;
    if (!believed || !this.#rtp.shield(believed)) throw edgeErrors.MEDIA_NOT_SHARED([this.portId]);
  }

  /** Goes above the PlainTransport that was bound meanwhile. */
  async rise(): Promise<undefined> {
    await Promise.all([this.#rtp.rise(), this.#rtcp.rise()]);
  }

  /** Leaves the port to the PlainTransport beneath, or takes it back. Throws MEDIA_NOT_SHARED when it cannot be left. */
  place({ place, silentMs }: PlacePort): undefined {
    if (this.#isClosed) return;
    if (this.#place === 'away' && place !== 'away') this.#comeBack(silentMs);
    this.#place = place;
    if (place === 'carrying') this.#rtcp.unpark();
    else if (!this.#rtcp.park()) throw edgeErrors.MEDIA_NOT_SHARED([this.portId]);
    if (place === 'away' && !this.#rtp.park()) throw edgeErrors.MEDIA_NOT_SHARED([this.portId]);
  }

  /** The stream has gone on elsewhere: it is neither lost nor new. */
  #comeBack(silentMs: number): void {
    this.#rtp.unpark();
    this.#end.incoming.reception.restart();
    this.#end.peer?.restart();
    this.#heardMs = this.#end.parts.clock.now() - silentMs;
    this.#life.heard(this.#heardMs, false);
    this.#proof?.reset();
  }

  #prove(nowMs: number): void {
    const believed = this.#latch?.believed;
    if (this.#place === 'away' || believed === undefined || this.#proof === undefined) return;
    const { incoming } = this.#end;
    const look = {
      source: `${believed.address} ${believed.port}`,
      ssrc: incoming.reception.ssrc,
      streams: incoming.reception.streams,
      packets: incoming.packets,
      isPlain: this.#isSending && this.#isReceiving && this.#life.isSending(nowMs) && this.#isCalm,
    };
    if (!this.#proof.take(look, nowMs)) return;
    const { port, address } = this.#rtcpTarget;
    this.#end.parts.emit({
      kind: 'flow',
      portId: this.portId,
      ssrc: look.ssrc,
      source: believed,
      rtcp: this.#isMux ? undefined : { address, port },
    });
  }

  get #isCalm(): boolean {
    const { incoming, isBusy, peer } = this.#end;
    return !isBusy && peer?.isBusy === false && !incoming.digits.isPressed;
  }

  /** A packet of somebody who is not, or not yet, the believed source. */
  #consider(packet: Buffer, source: RemoteInfo, nowMs: number): boolean {
    if (!this.#latch) return false;
    const { next, verdict } = stepLatch(this.#latch, this.#latchInput(packet, source, nowMs));
    this.#latch = next;
    if (verdict === 'rejected') return false;
    this.#aim();
    if (this.#place !== 'carrying') this.#end.parts.emit({ kind: 'moved', portId: this.portId });
    return true;
  }

  #latchInput(packet: Buffer, { address, port }: RemoteInfo, nowMs: number): LatchInput {
    return {
      address,
      port,
      ssrc: ssrcOf(packet),
      sequence: sequenceOf(packet),
      nowMs,
      heardMs: this.#heardMs,
      heardSsrc: this.#end.incoming.reception.ssrc,
    };
  }

  /** Takes over what the latch says. */
  #aim(): void {
    if (!this.#latch) return;
    const { believed, remote } = this.#latch;
    const target = believed ?? remote;
    this.#sourceAddress = believed ? believed.address : '';
    this.#sourcePort = believed ? believed.port : 0;
    this.#targetAddress = target.address;
    // An unspecified address is how RFC 2543 said hold: there is nobody to send to.
    this.#targetPort = isUnspecified(target.address) ? 0 : target.port;
    if (this.#targetPort === 0) this.#rtcpTarget = NOWHERE;
    else if (target.address !== remote.address || target.port !== remote.port) {
      // Behind the same NAT the RTCP port is a guess (RFC 3550 §11); with rtcp-mux it is known.
      this.#rtcpTarget = { address: target.address, port: this.#isMux ? target.port : target.port + 1 };
    }
  }

  #sendRtp(packet: Buffer): void {
    const out = this.#srtp ? this.#srtp.sealRtp(packet) : packet;
    if (out) this.#rtp.send(out, this.#targetPort, this.#targetAddress);
  }

  /** By RTCP where the remote has named it; else whoever speaks SIP with it is to ask (RFC 5168). */
  #askForKeyframe(): boolean {
    const { incoming, outgoing, rtcp, parts } = this.#end;
    const feedback = this.#end.video?.codec.feedback ?? [];
    const [own, media] = [outgoing.splice.ssrc, incoming.reception.ssrc];
    // Who has not begun to send begins with a complete picture.
    if (media === -1 || this.#isClosed) return false;
    const request = feedback.includes('nack pli')
      ? buildPli(own, media)
      : feedback.includes('ccm fir')
        ? buildFir(own, media, this.#firs++)
        : undefined;
    if (request === undefined) parts.emit({ kind: 'keyframe-wanted', portId: this.portId });
    // Reports come first in a compound packet (RFC 4585 §3.1).
    else this.#sendRtcp(Buffer.concat([rtcp.now(parts.clock.now()), request]));
    return true;
  }

  #sendRtcp(packet: Buffer): void {
    const { address, port } = this.#rtcpTarget;
    if (port <= 0 || port >= 65_536) return;
    const out = this.#srtp ? this.#srtp.sealRtcp(packet) : packet;
    if (out) (this.#isMux ? this.#rtp : this.#rtcp).send(out, port, address);
  }
}

function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}
