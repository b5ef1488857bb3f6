/** Parties without a network side: `echo` returns what it hears, digits too; `tone` plays 440 Hz. */
import type { PortReport } from '../../calls/index.ts';
import type { PortId } from '../../kernel/index.ts';
import { RTP_HEADER_BYTES, type SpliceStart, writeHeader } from '../../rtp/index.ts';
import type { AudioFormat } from '../../sdp/index.ts';
import { emptyReport } from '../empty-report.ts';
import type { EdgeEnd, Hearer, ThreadParts } from './end.ts';
import type { Arrival } from './incoming.ts';
import type { ClosedPort } from './messages.ts';
import { TICK_MS } from './ticker.ts';
import type { ToneFrames } from './tone-frames.ts';

export class EchoPort implements EdgeEnd {
  readonly portId: PortId;
  readonly isBusy = false;
  peer: Hearer | undefined;
  readonly remoteLoss = 0;
  readonly noise = undefined;
  format: AudioFormat | undefined;
  #packets = 0;
  #bytes = 0;

  constructor(portId: PortId) {
    this.portId = portId;
  }

  connect(format: AudioFormat): void {
    this.format = format;
  }

  send(packet: Buffer, arrival: Arrival): void {
    if (!this.format) return;
    this.#packets++;
    this.#bytes += packet.length;
    this.peer?.send(packet, arrival);
  }

  restart(): void {}
  tick(): void {}
  pressDigit(): void {}
  play(): void {}
  detectTones(): void {}

  report(): PortReport {
    const packets = { packetsReceived: this.#packets, packetsSent: this.#packets };
    const bytes = { bytesReceived: this.#bytes, bytesSent: this.#bytes };
    return { ...emptyReport(this.portId), ...packets, ...bytes };
  }

  async close(): Promise<ClosedPort> {
    return { report: this.report(), stream: undefined };
  }
}

export interface TonePortOptions {
  readonly portId: PortId;
  readonly start: SpliceStart;
  readonly parts: ThreadParts;
  readonly frames: ToneFrames;
}

export class TonePort implements EdgeEnd {
  readonly portId: PortId;
  readonly isBusy = false;
  peer: Hearer | undefined;
  readonly remoteLoss = 0;
  readonly noise = undefined;
  format: AudioFormat | undefined;
  readonly #frames: ToneFrames;
  readonly #parts: ThreadParts;
  readonly #ssrc: number;
  readonly #arrival: Arrival = { isEvent: false, isNoise: false, clockRate: 8000, nowMs: 0 };
  #sequence: number;
  #timestamp: number;
  #packets = 0;
  #bytes = 0;
  #stop: (() => void) | undefined;
  #isClosed = false;

  constructor({ portId, start, parts, frames }: TonePortOptions) {
    this.portId = portId;
    this.#parts = parts;
    this.#frames = frames;
    this.#ssrc = start.ssrc;
    this.#sequence = start.sequence;
    this.#timestamp = start.timestamp;
  }

  /** Plays from now on. */
  async connect(format: AudioFormat): Promise<void> {
    const player = await this.#frames.player(format.codec);
    if (this.#isClosed) return;
    this.format = format;
    this.#arrival.clockRate = format.codec.clockRate;
    this.#stop?.();
    this.#stop = this.#parts.ticker.add((tick, nowMs) => this.#play(player.frame(tick), nowMs));
  }

  send(): void {}
  restart(): void {}
  tick(): void {}
  pressDigit(): void {}
  play(): void {}
  detectTones(): void {}

  report(): PortReport {
    return { ...emptyReport(this.portId), packetsSent: this.#packets, bytesSent: this.#bytes };
  }

  async close(): Promise<ClosedPort> {
    this.#isClosed = true;
    this.#stop?.();
    return { report: this.report(), stream: undefined };
  }

  #play(frame: Buffer, nowMs: number): void {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#timestamp = (this.#timestamp + (this.#arrival.clockRate * TICK_MS) / 1000) >>> 0;
    if (!this.peer || !this.format) return;
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + frame.length);
    writeHeader(packet, {
      payloadType: this.format.codec.payloadType,
      marker: false,
      sequence: this.#sequence,
      timestamp: this.#timestamp,
      ssrc: this.#ssrc,
    });
    frame.copy(packet, RTP_HEADER_BYTES);
    this.#packets++;
    this.#bytes += packet.length;
    this.#arrival.nowMs = nowMs;
    this.peer.send(packet, this.#arrival);
  }
}
