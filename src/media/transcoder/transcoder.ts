/**
 * One direction of a transcoded call: RTP of one codec in, RTP of another out. A frame that comes in order goes out at
 * once; losses are filled in. Out comes one stream of its own, on the time line of what came in.
 */
import { ComfortNoise } from '../../audio/index.ts';
import {
  type BufferOutput,
  JitterBuffer,
  payloadLength,
  payloadOffset,
  RTP_HEADER_BYTES,
  sequenceOf,
  setSequence,
  setSsrc,
  setTimestamp,
  ssrcOf,
  timestampDelta,
  timestampOf,
  writeHeader,
} from '../../rtp/index.ts';
import type { AudioFormat } from '../../sdp/index.ts';
import { Framer } from './framer.ts';
import { openPcmPath, type PcmPath, takesFec } from './pcm-path.ts';

export interface TranscoderParts {
  readonly from: AudioFormat;
  readonly to: AudioFormat;
  /** Of the stream it makes. */
  readonly ssrc: number;
  readonly send: (packet: Buffer, nowMs: number) => void;
}

/** An event's timestamp further than this from the audio's is on no common time line, s. */
const SAME_TIMELINE_SEC = 10;
/** A longer payload of Opus is audio: in silence (DTX) the encoder gives less, which need not be sent (RFC 7587 §3.1.3). */
const LONGEST_SILENT_PAYLOAD = 2;
/** How a segment of a long event follows the one before (RFC 4733 §2.5.1.3). */
const EVENT_SEGMENT = 0xffff;

export class Transcoder {
  readonly #parts: TranscoderParts;
  readonly #path: PcmPath;
  readonly #buffer: JitterBuffer;
  readonly #framer: Framer;
  readonly #noise = new ComfortNoise();
  #hasNoise = false;
  // From the sender's time line to ours: units of its clock, samples of the encoder.
  #inBase = 0;
  #outBase = 0;
  #heardMs = 0;
  #nowMs = 0;
  // Of what was sent.
  #sequence = 0;
  #sentEnd = -1;
  #timestamp = 0;
  #lastIn = 0;
  #event = { ssrc: -1, from: 0, to: 0 };

  private constructor(parts: TranscoderParts, path: PcmPath) {
    this.#parts = parts;
    this.#path = path;
    this.#buffer = new JitterBuffer({ clockRate: parts.from.codec.clockRate, durationOf: path.durationOf });
    const frame = (path.frameMs * path.encoder.rateHz) / 1000;
    this.#framer = new Framer(frame, (pcm, at) => this.#encode(pcm, at));
  }

  /** Throws a RangeError for a pair of codecs that no path leads between. */
  static async open(parts: TranscoderParts): Promise<Transcoder> {
    return new Transcoder(parts, await openPcmPath(parts.from, parts.to));
  }

  /** When `fill` is to be called, on the clock of the arrivals. */
  get dueMs(): number {
    return this.#buffer.dueMs;
  }

  /** Takes an audio packet whole. */
  take(packet: Buffer, nowMs: number, isNoise = false): void {
    const offset = payloadOffset(packet);
    const length = offset < 0 ? -1 : payloadLength(packet, offset);
    if (length < 0) return;
    const payload = packet.subarray(offset, offset + length);
    this.#lastIn = timestampOf(packet);
    this.#buffer.put(
      { ssrc: ssrcOf(packet), sequence: sequenceOf(packet), timestamp: this.#lastIn, payload, isNoise },
      nowMs,
    );
    this.fill(nowMs);
  }

  /** Sends what it is time for, up to now. */
  fill(nowMs: number): void {
    this.#nowMs = nowMs;
    for (let output = this.#buffer.next(nowMs); output; output = this.#buffer.next(nowMs)) this.#play(output);
  }

  /** Puts a telephone-event into the stream that is sent, without waiting for its turn. */
  passEvent(packet: Buffer): void {
    const [ssrc, timestamp] = [ssrcOf(packet), timestampOf(packet)];
    this.#buffer.pass(ssrc, sequenceOf(packet));
    setTimestamp(packet, this.#eventTimestamp(ssrc, timestamp));
    setSequence(packet, this.#nextSequence());
    setSsrc(packet, this.#parts.ssrc);
  }

  /** What fraction of what is sent the receiver loses, by its reports. */
  expectLoss(fraction: number): void {
    if (takesFec(this.#parts.to.codec)) this.#path.encoder.expectLoss(fraction);
  }

  close(): void {
    this.#path.decoder.close();
    this.#path.encoder.close();
  }

  #play(output: BufferOutput): void {
    const { decoder } = this.#path;
    switch (output.kind) {
      case 'noise':
        this.#noise.set(output.payload);
        this.#hasNoise = true;
        if (output.isStart) this.#begin(output.timestamp);
        return;
      case 'frame':
        this.#hasNoise = false;
        if (output.isStart) this.#begin(output.timestamp);
        this.#heardMs = this.#nowMs;
        return this.#push(decoder.decode(output.payload), output.timestamp);
      case 'lost': {
        const samples = this.#samples(output.duration);
        const pcm = output.next ? decoder.decodeFec(output.next, samples) : decoder.conceal(samples);
        return this.#push(pcm, output.timestamp);
      }
      case 'silence': {
        const samples = this.#samples(output.duration);
        return this.#push(this.#hasNoise ? this.#noise.next(samples) : decoder.conceal(samples), output.timestamp);
      }
    }
  }

  #samples(duration: number): number {
    return Math.round((duration * this.#path.decoder.rateHz) / this.#parts.from.codec.clockRate);
  }

  /** Another stream: ours goes on after as much time as has passed. */
  #begin(timestamp: number): void {
    const { encoder, frameMs } = this.#path;
    const silentMs = this.#sentEnd < 0 ? 0 : Math.max(0, this.#nowMs - this.#heardMs - frameMs);
    this.#inBase = timestamp;
    this.#outBase = this.#framer.end + Math.round((silentMs * encoder.rateHz) / 1000);
    this.#heardMs = this.#nowMs;
  }

  #push(pcm: Int16Array, timestamp: number): void {
    const { encoder, resampler } = this.#path;
    const since = (timestamp - this.#inBase) / this.#parts.from.codec.clockRate;
    this.#framer.push(resampler ? resampler.process(pcm) : pcm, this.#outBase + Math.round(since * encoder.rateHz));
  }

  #encode(pcm: Int16Array, at: number): void {
    const { encoder } = this.#path;
    const { codec } = this.#parts.to;
    const payload = encoder.encode(pcm);
    this.#timestamp = Math.round((at * codec.clockRate) / encoder.rateHz) >>> 0;
    if (codec.name === 'opus' && payload.length <= LONGEST_SILENT_PAYLOAD) return;
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + payload.length);
    writeHeader(packet, {
      payloadType: codec.payloadType,
      marker: at !== this.#sentEnd,
      sequence: this.#nextSequence(),
      timestamp: this.#timestamp,
      ssrc: this.#parts.ssrc,
    });
    packet.set(payload, RTP_HEADER_BYTES);
    this.#sentEnd = at + pcm.length;
    this.#parts.send(packet, this.#nowMs);
  }

  #nextSequence(): number {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    return this.#sequence;
  }

  /** The same for all packets of one event, which begins as far from the audio as it did at its sender. */
  #eventTimestamp(ssrc: number, timestamp: number): number {
    const since = timestampDelta(timestamp, this.#event.from);
    if (ssrc === this.#event.ssrc && since === 0) return this.#event.to;
    const isSegment = ssrc === this.#event.ssrc && since === EVENT_SEGMENT;
    const to = isSegment ? this.#event.to + EVENT_SEGMENT : this.#timestamp + this.#sinceAudio(timestamp);
    this.#event = { ssrc, from: timestamp, to: to >>> 0 };
    return this.#event.to;
  }

  #sinceAudio(timestamp: number): number {
    const { from, to } = this.#parts;
    const since = timestampDelta(timestamp, this.#lastIn);
    if (Math.abs(since) > SAME_TIMELINE_SEC * from.codec.clockRate) return 0;
    return Math.round((since * to.codec.clockRate) / from.codec.clockRate);
  }
}
