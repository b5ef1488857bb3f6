/** What ports with sockets have in common: RTP in, RTP out, reports, digits. */

import type { HeardKey } from '../../audio/index.ts';
import type { DigitPress, PortReport } from '../../calls/index.ts';
import type { PortId } from '../../kernel/index.ts';
import { hasKeyframeRequest, payloadLength, payloadOffset, type SpliceStart } from '../../rtp/index.ts';
import type { AudioFormat, VideoFormat } from '../../sdp/index.ts';
import { type EdgeEnd, type Hearer, sharesCodec, type ThreadParts } from './end.ts';
import { type Arrival, Incoming } from './incoming.ts';
import { Outgoing } from './outgoing.ts';
import { Player } from './player.ts';
import { RtcpReporter } from './rtcp-reporter.ts';
import { ToneListener } from './tone-listener.ts';

export interface NetworkEndOptions {
  readonly portId: PortId;
  readonly start: SpliceStart;
  readonly cname: string;
  readonly parts: ThreadParts;
}

/** More keys than anybody dials ahead. */
const MAX_DIGITS = 64;
/** Between two keys: 80 ms. */
const DIGIT_PAUSE_TICKS = 4;

export class NetworkEnd {
  readonly portId: PortId;
  readonly parts: ThreadParts;
  readonly incoming = new Incoming();
  readonly outgoing: Outgoing;
  readonly rtcp: RtcpReporter;
  readonly player: Player;
  peer: Hearer | undefined;
  readonly #write: (packet: Buffer) => void;
  /** Keys that are still to be played as events. */
  readonly #digits: DigitPress[] = [];
  #pauseTicks = 0;
  #isDetecting = false;
  #listener: ToneListener | undefined;
  #stopDigit: (() => void) | undefined;

  /** `write` sends a packet to the remote, if anything may be sent there now. */
  constructor({ portId, start, cname, parts }: NetworkEndOptions, write: (packet: Buffer) => void) {
    this.portId = portId;
    this.parts = parts;
    this.outgoing = new Outgoing(start);
    this.rtcp = new RtcpReporter({
      clock: parts.clock,
      outgoing: this.outgoing,
      reception: this.incoming.reception,
      cname,
    });
    this.player = new Player({
      ticker: parts.ticker,
      sounds: parts.sounds,
      // Never on the wire: the splice knows its packets by it.
      ssrc: ~start.ssrc >>> 0,
      format: () => this.format,
      emit: (packet, arrival) => {
        const out = this.#rewrite(packet, arrival);
        if (out !== undefined) write(out);
      },
      onOver: () => parts.emit({ kind: 'sound-over', portId }),
    });
    this.#write = write;
  }

  get format(): AudioFormat | undefined {
    return this.outgoing.format;
  }

  /** Whether a key or a sound is being played to the remote. */
  get isBusy(): boolean {
    return this.#stopDigit !== undefined || this.player.isPlaying;
  }

  setFormat(format: AudioFormat): void {
    this.incoming.setFormat(format);
    this.outgoing.setFormat(format);
    this.#listen();
  }

  get video(): VideoFormat | undefined {
    return this.outgoing.video;
  }

  /** Instead of `setFormat`, for an end that carries video. */
  setVideo(format: VideoFormat): void {
    this.incoming.setVideo(format);
    this.outgoing.setVideo(format);
  }

  /** Reports of the remote, and requests for the peer's picture. */
  receiveRtcp(packet: Buffer, nowMs: number): void {
    this.parts.totals.rtcpPacketsReceived++;
    this.rtcp.take(packet, nowMs);
    if (this.video !== undefined && hasKeyframeRequest(packet)) this.peer?.wantKeyframe?.();
  }

  /** Counts an RTP packet that could not be believed or understood. */
  reject(): void {
    this.parts.totals.rtpPacketsRejected++;
  }

  /** Whether header and payload type are such that the source may be looked at. */
  isAcceptable(packet: Buffer): boolean {
    if (!this.incoming.accepts(packet)) return false;
    const offset = payloadOffset(packet);
    return offset >= 0 && payloadLength(packet, offset) >= 0;
  }

  /** Statistics and digits of a believed packet; what is left to do is to hand it to the peer with the answer. */
  receive(packet: Buffer, nowMs: number): Arrival {
    for (const { digit, durationMs } of this.incoming.take(packet, nowMs))
      this.#reportDigit({ digit, durationMs, form: 'events' });
    const { arrival } = this.incoming;
    if (this.#listener !== undefined && !arrival.isEvent) this.#reportKey(this.#listener.take(packet, nowMs));
    return arrival;
  }

  /** Rewrites a packet of the peer for this end's remote; undefined when it is not to be sent. */
  prepare(packet: Buffer, arrival: Arrival): Buffer | undefined {
    if (this.player.isPlaying && this.player.overrides(packet, arrival)) return undefined;
    return this.#rewrite(packet, arrival);
  }

  #rewrite(packet: Buffer, arrival: Arrival): Buffer | undefined {
    const out = this.outgoing.rewrite(packet, arrival);
    if (out === undefined) return undefined;
    this.parts.totals.rtpPacketsSent++;
    if (this.video === undefined) return out;
    for (const each of this.outgoing.preceding(out, arrival.nowMs)) {
      this.parts.totals.rtpPacketsSent++;
      this.#write(each);
    }
    return out;
  }

  /** A frame of silence for the remote; undefined while it is not known in which codec, or when it is sent no audio. */
  silence(nowMs: number): Buffer | undefined {
    const out = this.outgoing.silence(nowMs);
    if (out !== undefined) this.parts.totals.rtpPacketsSent++;
    return out;
  }

  /** Plays a key to this end's remote, on the thread's 20 ms clock, after those that are still to be played. */
  pressDigit(press: DigitPress): void {
    if (press.form === 'tones') return this.player.pressKey(press.digit, press.durationMs);
    if (this.#digits.length < MAX_DIGITS) this.#digits.push(press);
    this.#stopDigit ??= this.parts.ticker.add((_tick, nowMs) => this.#playDigit(nowMs));
  }

  #playDigit(nowMs: number): void {
    const packet = this.outgoing.nextDigitPacket(nowMs);
    if (packet !== undefined) {
      this.#pauseTicks = DIGIT_PAUSE_TICKS;
      this.parts.totals.rtpPacketsSent++;
      return this.#write(packet);
    }
    if (this.#pauseTicks-- > 0) return;
    const next = this.#digits.shift();
    if (next !== undefined && this.outgoing.pressDigit(next.digit, next.durationMs, nowMs)) this.#playDigit(nowMs);
    else this.#endDigits();
  }

  #endDigits(): void {
    this.#digits.length = 0;
    this.#pauseTicks = 0;
    this.#stopDigit?.();
    this.#stopDigit = undefined;
  }

  tick(nowMs: number): void {
    if (this.#listener !== undefined) this.#reportKey(this.#listener.expire(nowMs));
    if (!this.incoming.digits.isPressed) return;
    const press = this.incoming.digits.expire(nowMs);
    if (press) this.#reportDigit({ ...press, form: 'events' });
  }

  stop(): void {
    this.player.close();
    this.#listener?.close();
    this.#endDigits();
  }

  report(): PortReport {
    const { packetsReceived, packetsLost, jitterMs } = this.incoming.reception.summary();
    return {
      portId: this.portId,
      packetsReceived,
      packetsSent: this.outgoing.packets,
      bytesReceived: this.incoming.bytes,
      bytesSent: this.outgoing.bytes,
      packetsLost,
      jitterMs,
      remotePacketsLost: this.rtcp.remotePacketsLost,
      remoteJitterMs: this.rtcp.remoteJitterMs,
      roundTripMs: this.rtcp.roundTripMs,
    };
  }

  /** Listens for keys in the audio that comes, or no more. */
  detectTones(isOn: boolean): void {
    this.#isDetecting = isOn;
    this.#listen();
  }

  #listen(): void {
    const codec = this.#isDetecting ? this.format?.codec.name : undefined;
    if (this.#listener?.codec === codec) return;
    this.#listener?.close();
    this.#listener = codec === undefined ? undefined : new ToneListener(codec);
    // Without a decoder no key is heard, and the call goes on.
    this.#listener?.start().catch(() => {});
  }

  #reportKey(heard: HeardKey | undefined): void {
    if (heard !== undefined) this.#reportDigit({ digit: heard.key, durationMs: heard.durationMs, form: 'tones' });
  }

  #reportDigit(press: DigitPress): void {
    if (this.peer) this.parts.totals.digitsRelayed++;
    this.parts.emit({ kind: 'digit', portId: this.portId, ...press });
  }
}

/** Whether a packet from the other end may be sent here. Comfort noise is agreed on with nobody: only transcoders play it. */
export function mayPass(end: EdgeEnd, arrival: Arrival): boolean {
  if (arrival.isNoise) return false;
  if (end.video !== undefined) return end.video.codec.name === end.peer?.video?.codec.name;
  return arrival.isEvent || (end.peer !== undefined && sharesCodec(end, end.peer));
}
