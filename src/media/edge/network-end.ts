/** What ports with sockets have in common: RTP in, RTP out, reports, digits. */
import type { PortReport } from '../../calls/index.ts';
import type { PortId } from '../../kernel/index.ts';
import { payloadLength, payloadOffset, type SpliceStart } from '../../rtp/index.ts';
import type { AudioFormat } from '../../sdp/index.ts';
import { type EdgeEnd, sharesCodec, type ThreadParts } from './end.ts';
import { type Arrival, Incoming } from './incoming.ts';
import { Outgoing } from './outgoing.ts';
import { RtcpReporter } from './rtcp-reporter.ts';

export interface NetworkEndOptions {
  readonly portId: PortId;
  readonly start: SpliceStart;
  readonly cname: string;
  readonly parts: ThreadParts;
}

export class NetworkEnd {
  readonly portId: PortId;
  readonly parts: ThreadParts;
  readonly incoming = new Incoming();
  readonly outgoing: Outgoing;
  readonly rtcp: RtcpReporter;
  peer: EdgeEnd | undefined;
  #stopDigit: (() => void) | undefined;

  constructor({ portId, start, cname, parts }: NetworkEndOptions) {
    this.portId = portId;
    this.parts = parts;
    this.outgoing = new Outgoing(start);
    this.rtcp = new RtcpReporter({
      clock: parts.clock,
      outgoing: this.outgoing,
      reception: this.incoming.reception,
      cname,
    });
  }

  get format(): AudioFormat | undefined {
    return this.outgoing.format;
  }

  setFormat(format: AudioFormat): void {
    this.incoming.setFormat(format);
    this.outgoing.setFormat(format);
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
    for (const press of this.incoming.take(packet, nowMs)) this.#reportDigit(press.digit, press.durationMs);
    return this.incoming.arrival;
  }

  /** Rewrites a packet of the peer for this end's remote; undefined when it is not to be sent. */
  prepare(packet: Buffer, arrival: Arrival): Buffer | undefined {
    const out = this.outgoing.rewrite(packet, arrival);
    if (out !== undefined) this.parts.totals.rtpPacketsSent++;
    return out;
  }

  /** Plays a key to this end's remote by `write`, on the thread's 20 ms clock. */
  pressDigit(press: { digit: string; durationMs: number }, write: (packet: Buffer) => void): void {
    this.#stopDigit?.();
    if (!this.outgoing.pressDigit(press.digit, press.durationMs, this.parts.clock.now())) return;
    const stop = this.parts.ticker.add((_tick, nowMs) => {
      const packet = this.outgoing.nextDigitPacket(nowMs);
      if (!packet) return stop();
      this.parts.totals.rtpPacketsSent++;
      write(packet);
    });
    this.#stopDigit = stop;
  }

  tick(nowMs: number): void {
    if (!this.incoming.digits.isPressed) return;
    const press = this.incoming.digits.expire(nowMs);
    if (press) this.#reportDigit(press.digit, press.durationMs);
  }

  stop(): void {
    this.#stopDigit?.();
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

  #reportDigit(digit: string, durationMs: number): void {
    if (this.peer) this.parts.totals.digitsRelayed++;
    this.parts.emit({ kind: 'digit', portId: this.portId, digit, durationMs });
  }
}

/** Whether a packet from the other end may be sent here. */
export function mayPass(end: EdgeEnd, arrival: Arrival): boolean {
  return arrival.isEvent || (end.peer !== undefined && sharesCodec(end, end.peer));
}
