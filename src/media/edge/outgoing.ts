/** What one port sends: one continuous RTP stream under the payload types of its Leg, whatever the other end plays. */
import {
  DigitSender,
  EventRescaler,
  hasMarker,
  ParameterSets,
  payloadOffset,
  RTP_HEADER_BYTES,
  type RtpHeader,
  readTelephoneEvent,
  Splice,
  type SpliceStart,
  setEventDuration,
  setPayloadType,
  TELEPHONE_EVENT_BYTES,
  type TelephoneEvent,
  timestampDelta,
  timestampOf,
  withBareHeader,
  writeHeader,
  writeTelephoneEvent,
} from '../../rtp/index.ts';
import { type AudioFormat, parameterSetsIn, type VideoFormat } from '../../sdp/index.ts';
import type { Arrival } from './incoming.ts';
import { silenceOf } from './silence.ts';

/** An event whose timestamp is further than this from the audio's is not on the audio's time line, s. */
const SAME_TIMELINE_SEC = 10;

const NOTHING: readonly Buffer[] = [];

interface EventBeside {
  readonly clocks: { readonly fromHz: number; readonly toHz: number };
  readonly marker: boolean;
  readonly arrival: Arrival;
}

export class Outgoing {
  readonly splice: Splice;
  packets = 0;
  bytes = 0;
  /** Of payload, as sender reports count it. */
  payloadBytes = 0;
  #format: AudioFormat | undefined;
  #video: VideoFormat | undefined;
  #audioType = 0;
  #audioClock = 8000;
  #eventType = -1;
  #eventClock = 8000;
  #hasSentAudio = false;
  /** Of H.264. */
  #parameterSets: ParameterSets | undefined;
  readonly #rescaler = new EventRescaler();
  #digit: { readonly sender: DigitSender; readonly timestamp: number } | undefined;

  constructor(start: SpliceStart) {
    this.splice = new Splice(start);
  }

  get format(): AudioFormat | undefined {
    return this.#format;
  }

  get audioClock(): number {
    return this.#audioClock;
  }

  setFormat(format: AudioFormat): void {
    const { codec, telephoneEvents } = format;
    const isChanged = this.#format?.codec.name !== codec.name || this.#audioType !== codec.payloadType;
    if (isChanged) this.splice.restart();
    this.#format = format;
    this.#audioType = codec.payloadType;
    this.#audioClock = codec.clockRate;
    const [event] = telephoneEvents;
    this.#eventType = event?.payloadType ?? -1;
    this.#eventClock = event?.clockRate ?? 8000;
  }

  get video(): VideoFormat | undefined {
    return this.#video;
  }

  /** Instead of `setFormat`: the stream is one of video, under the same names for payload type and clock. */
  setVideo(format: VideoFormat): void {
    const { payloadType, clockRate } = format.codec;
    if (this.#audioType !== payloadType) this.splice.restart();
    if (this.#video?.codec.name !== format.codec.name || this.#video.codec.fmtp !== format.codec.fmtp)
      this.#parameterSets = parameterSetsOf(format);
    this.#video = format;
    this.#audioType = payloadType;
    this.#audioClock = clockRate;
  }

  /** What a packet that has just been rewritten cannot be decoded without: to be sent before it. Mostly nothing. */
  preceding(packet: Buffer, nowMs: number): readonly Buffer[] {
    const units = this.#parameterSets?.take(packet) ?? NOTHING;
    if (units.length === 0) return NOTHING;
    const sequences = units.map(() => 0);
    if (!this.splice.precede(packet, sequences, nowMs)) return NOTHING;
    const timestamp = timestampOf(packet);
    return units.map((unit, index) =>
      this.#wrap(unit, { payloadType: this.#audioType, timestamp, marker: false, sequence: sequences[index] ?? 0 }),
    );
  }

  /** Makes a packet ours, in its own memory; undefined when it is not to be sent. */
  rewrite(packet: Buffer, arrival: Arrival): Buffer | undefined {
    const offset = payloadOffset(packet);
    if (offset < 0) return undefined;
    const bare = withBareHeader(packet, offset);
    if (arrival.isEvent) return this.#rewriteEvent(bare, arrival);
    if (!this.#applySplice(bare, arrival.nowMs)) return undefined;
    setPayloadType(bare, this.#audioType);
    this.#hasSentAudio = true;
    return this.#count(bare);
  }

  /**
   * A frame of silence, when an event would come before any audio: a mediasoup consumer drops events until it has seen
   * the codec it was made for. Undefined when there is no need.
   */
  silenceFirst(nowMs: number): Buffer | undefined {
    return this.#hasSentAudio ? undefined : this.silence(nowMs);
  }

  /** A frame of silence of our own; undefined while there is no format. */
  silence(nowMs: number): Buffer | undefined {
    if (!this.#format) return undefined;
    this.#hasSentAudio = true;
    return this.#insert(silenceOf(this.#format.codec.name), this.#audioType, {
      timestamp: this.splice.timestampAt(nowMs, this.#audioClock),
      marker: true,
      nowMs,
    });
  }

  /** Begins a key press of our own; false when the Leg has no telephone-event. */
  pressDigit(digit: string, durationMs: number, nowMs: number): boolean {
    if (this.#eventType === -1) return false;
    const timestamp = this.splice.timestampAt(nowMs, this.#audioClock);
    this.#digit = { sender: new DigitSender(digit, durationMs, this.#eventClock), timestamp };
    return true;
  }

  /** The next packet of the key press, every 20 ms; undefined when it is over. */
  nextDigitPacket(nowMs: number): Buffer | undefined {
    const step = this.#digit?.sender.next();
    if (!this.#digit || !step) return undefined;
    const payload = Buffer.alloc(TELEPHONE_EVENT_BYTES);
    writeTelephoneEvent(payload, 0, step);
    return this.#insert(payload, this.#eventType, { timestamp: this.#digit.timestamp, marker: step.marker, nowMs });
  }

  #applySplice(packet: Buffer, nowMs: number): boolean {
    if (this.#video !== undefined) return this.splice.applyVideo(packet, nowMs);
    return this.splice.applyAudio(packet, this.#audioClock, nowMs);
  }

  #rewriteEvent(packet: Buffer, arrival: Arrival): Buffer | undefined {
    const event = this.#eventType === -1 ? undefined : readTelephoneEvent(packet);
    if (event === undefined) return undefined;
    const clocks = { fromHz: arrival.clockRate, toHz: this.#eventClock };
    if (this.splice.isBeside(packet)) return this.#insertEvent(event, { clocks, marker: hasMarker(packet), arrival });
    if (!this.splice.applyEvent(packet, this.#audioClock, arrival.nowMs)) return undefined;
    setPayloadType(packet, this.#eventType);
    // What the event's first packet got its later ones get too, though the source began anew meanwhile: another timestamp
    // would be another key (RFC 4733 §2.5.1.2).
    const rescaled = this.#rescaler.apply(event, clocks, this.#eventBegin(timestampOf(packet), arrival.nowMs));
    packet.writeUInt32BE(rescaled.timestamp, 4);
    setEventDuration(packet, rescaled.duration);
    return this.#count(packet);
  }

  /** Some send events under an SSRC of their own: they are no change of the audio's source. */
  #insertEvent(event: TelephoneEvent, { clocks, marker, arrival: { nowMs } }: EventBeside): Buffer {
    const { timestamp, duration } = this.#rescaler.apply(
      event,
      clocks,
      this.splice.timestampAt(nowMs, this.#audioClock),
    );
    const payload = Buffer.alloc(TELEPHONE_EVENT_BYTES);
    writeTelephoneEvent(payload, 0, { ...event, duration });
    return this.#insert(payload, this.#eventType, { timestamp, marker, nowMs });
  }

  /** Senders of another clock may count the event's timestamp in it: then the event begins now. */
  #eventBegin(timestamp: number, nowMs: number): number {
    const distance = Math.abs(timestampDelta(timestamp, this.splice.timestamp));
    return distance <= SAME_TIMELINE_SEC * this.#audioClock
      ? timestamp
      : this.splice.timestampAt(nowMs, this.#audioClock);
  }

  #insert(payload: Buffer, payloadType: number, at: { timestamp: number; marker: boolean; nowMs: number }): Buffer {
    const { timestamp, marker, nowMs } = at;
    return this.#wrap(payload, { payloadType, timestamp, marker, sequence: this.splice.insert(nowMs) });
  }

  #wrap(payload: Buffer, header: Omit<RtpHeader, 'ssrc'>): Buffer {
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + payload.length);
    writeHeader(packet, { ...header, ssrc: this.splice.ssrc });
    payload.copy(packet, RTP_HEADER_BYTES);
    return this.#count(packet);
  }

  #count(packet: Buffer): Buffer {
    this.packets++;
    this.bytes += packet.length;
    this.payloadBytes += packet.length - RTP_HEADER_BYTES;
    return packet;
  }
}

function parameterSetsOf({ codec }: VideoFormat): ParameterSets | undefined {
  return codec.name === 'H264' ? new ParameterSets(parameterSetsIn(codec.fmtp)) : undefined;
}
