/**
 * An agent's end: what it says waits in a queue that the 20 ms clock drains, what it hears is handed out in real time.
 * Who has another codec than the agent is transcoded before (joint.ts).
 */
import { PlayoutQueue, SteadyStream } from '../../audio/index.ts';
import type { AgentEncoding, HeardSpeech, PortReport } from '../../calls/index.ts';
import type { PortId, Unsubscribe } from '../../kernel/index.ts';
import {
  payloadLength,
  payloadOffset,
  RTP_HEADER_BYTES,
  type SpliceStart,
  timestampOf,
  writeHeader,
} from '../../rtp/index.ts';
import type { AudioFormat } from '../../sdp/index.ts';
import { emptyReport } from '../empty-report.ts';
import { type AgentFrames, agentFrames } from './agent-frames.ts';
import type { EdgeEnd, Hearer, ThreadParts } from './end.ts';
import type { Arrival } from './incoming.ts';
import type { ClosedPort } from './messages.ts';
import { TICK_MS } from './ticker.ts';

export interface AgentPortOptions {
  readonly portId: PortId;
  readonly encoding: AgentEncoding;
  readonly prebufferMs: number;
  readonly start: SpliceStart;
  readonly parts: ThreadParts;
}

/** More than this would be heard long after anybody cares, ms. */
const MAX_QUEUE_MS = 600_000;

export class AgentPort implements EdgeEnd {
  readonly portId: PortId;
  readonly isBusy = false;
  peer: Hearer | undefined;
  readonly remoteLoss = 0;
  readonly noise = undefined;
  format: AudioFormat | undefined;
  readonly #parts: ThreadParts;
  readonly #queue: PlayoutQueue;
  readonly #ear: SteadyStream;
  readonly #frames: AgentFrames;
  readonly #frame: Buffer;
  readonly #ssrc: number;
  readonly #arrival: Arrival = { isEvent: false, isNoise: false, clockRate: 8000, nowMs: 0 };
  readonly #stop: Unsubscribe;
  #isHeard = false;
  #gain = 1;
  #sequence: number;
  #timestamp: number;
  #sent = 0;
  #received = 0;
  #bytesReceived = 0;

  constructor({ portId, encoding, prebufferMs, start, parts }: AgentPortOptions) {
    this.portId = portId;
    this.#parts = parts;
    this.#frames = agentFrames(encoding, TICK_MS);
    const { bytes, silence, rateHz } = this.#frames;
    this.#frame = Buffer.alloc(bytes);
    this.#arrival.clockRate = rateHz;
    this.#ssrc = start.ssrc;
    this.#sequence = start.sequence;
    this.#timestamp = start.timestamp;
    this.#queue = new PlayoutQueue(
      {
        bytesPerMs: bytes / TICK_MS,
        frameMs: TICK_MS,
        silence,
        prebufferMs,
        maxMs: MAX_QUEUE_MS,
        fadeOut: (frame) => this.#frames.fadeOut(frame),
        isQuiet: (audio) => this.#frames.isQuiet(audio),
      },
      (notice) => parts.emit({ kind: 'playout', portId, notice }),
    );
    const unitsPerByte = this.#frames.samples / bytes;
    this.#ear = new SteadyStream({ frameBytes: bytes, frameMs: TICK_MS, silence, unitsPerByte }, (audio) => {
      this.#frames.turn(audio);
      parts.emit({ kind: 'heard', portId, audio });
    });
    this.#ear.start(parts.clock.now());
    this.#stop = parts.ticker.add((_tick, nowMs) => this.#onTick(nowMs));
  }

  connect(format: AudioFormat): void {
    this.format = format;
  }

  /** The other side hears from now on; until then what the agent says waits. */
  release(): void {
    this.#isHeard = true;
  }

  speak(utterance: string, audio: Uint8Array): void {
    this.#queue.push(audio, utterance, this.#parts.clock.now());
  }

  mark(name: string): void {
    this.#queue.mark(name);
  }

  flush(): readonly HeardSpeech[] {
    return this.#queue.flush();
  }

  duck(db: number): void {
    this.#gain = 10 ** (-db / 20);
  }

  send(packet: Buffer, arrival: Arrival): void {
    if (arrival.isEvent || arrival.isNoise) return;
    this.#received++;
    this.#bytesReceived += packet.length;
    const offset = payloadOffset(packet);
    const payload = packet.subarray(offset, offset + payloadLength(packet, offset));
    this.#ear.take(payload, timestampOf(packet), arrival.nowMs);
  }

  restart(): void {
    this.#ear.restart();
  }

  tick(): void {}
  pressDigit(): void {}
  play(): void {}
  detectTones(): void {}

  report(): PortReport {
    return {
      ...emptyReport(this.portId),
      packetsSent: this.#sent,
      bytesSent: this.#sent * (RTP_HEADER_BYTES + this.#frame.length),
      packetsReceived: this.#received,
      bytesReceived: this.#bytesReceived,
    };
  }

  async close(): Promise<ClosedPort> {
    this.#stop();
    // Tells what was heard of the last words.
    this.#queue.flush();
    return { report: this.report(), stream: undefined };
  }

  #onTick(nowMs: number): void {
    this.#ear.tick(nowMs);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#timestamp = (this.#timestamp + this.#frames.samples) >>> 0;
    if (!this.#isHeard || this.peer === undefined || this.format === undefined) return;
    // Silence is sent too: the far end's jitter buffer, its NAT and its patience live on packets that keep coming.
    if (!this.#queue.take(this.#frame, nowMs)) this.#frame.fill(this.#frames.silence);
    else if (this.#gain !== 1) this.#frames.scale(this.#frame, this.#gain);
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + this.#frame.length);
    writeHeader(packet, {
      payloadType: this.format.codec.payloadType,
      marker: false,
      sequence: this.#sequence,
      timestamp: this.#timestamp,
      ssrc: this.#ssrc,
    });
    this.#frame.copy(packet, RTP_HEADER_BYTES);
    this.#frames.turn(packet.subarray(RTP_HEADER_BYTES));
    this.#sent++;
    this.#arrival.nowMs = nowMs;
    this.peer.send(packet, this.#arrival);
  }
}
