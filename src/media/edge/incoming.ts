/** What one port receives: which payload types it takes, statistics, digits. */
import {
  type DigitPress,
  DigitReader,
  payloadTypeOf,
  Reception,
  readTelephoneEvent,
  sequenceOf,
  ssrcOf,
  timestampOf,
} from '../../rtp/index.ts';
import type { AudioFormat, VideoFormat } from '../../sdp/index.ts';

const DROP = 0;
const MEDIA = 1;
const EVENT = 2;
const NOISE = 3;
type Kind = typeof DROP | typeof MEDIA | typeof EVENT | typeof NOISE;

/** Of comfort noise beside audio of 8 kHz clock (RFC 3551 §6); it comes unasked from many a PBX. */
const NOISE_TYPE = 13;
const NOISE_CLOCK = 8000;

/** A received packet's way to the other end: one object per port, filled anew for each packet. */
export interface Arrival {
  isEvent: boolean;
  /** Comfort noise (RFC 3389). */
  isNoise: boolean;
  /** Of the payload type. */
  clockRate: number;
  nowMs: number;
}

const NO_DIGITS: readonly DigitPress[] = [];

export class Incoming {
  readonly reception = new Reception();
  readonly digits = new DigitReader();
  readonly arrival: Arrival = { isEvent: false, isNoise: false, clockRate: 8000, nowMs: 0 };
  /** The last packet of comfort noise under this format. */
  noise: Buffer | undefined;
  bytes = 0;
  packets = 0;
  readonly #kinds = new Uint8Array(128);
  readonly #clockRates = new Uint32Array(128);

  /** From now on these payload types are accepted and no others. */
  setFormat({ codec, telephoneEvents }: AudioFormat): void {
    this.#kinds.fill(DROP);
    this.noise = undefined;
    if (codec.clockRate === NOISE_CLOCK) this.#accept(NOISE_TYPE, NOISE, NOISE_CLOCK);
    for (const event of telephoneEvents) this.#accept(event.payloadType, EVENT, event.clockRate);
    this.#accept(codec.payloadType, MEDIA, codec.clockRate);
  }

  setVideo({ codec }: VideoFormat): void {
    this.#kinds.fill(DROP);
    this.#accept(codec.payloadType, MEDIA, codec.clockRate);
  }

  accepts(packet: Buffer): boolean {
    return this.#kinds[payloadTypeOf(packet)] !== DROP;
  }

  /** Counts an accepted packet and fills `arrival`; answers with the digits it completes, mostly none. */
  take(packet: Buffer, nowMs: number): readonly DigitPress[] {
    const payloadType = payloadTypeOf(packet);
    const clockRate = this.#clockRates[payloadType] ?? 0;
    const isEvent = this.#kinds[payloadType] === EVENT;
    this.arrival.isEvent = isEvent;
    this.arrival.isNoise = this.#kinds[payloadType] === NOISE;
    if (this.arrival.isNoise) this.noise = packet;
    this.arrival.clockRate = clockRate;
    this.arrival.nowMs = nowMs;
    this.bytes += packet.length;
    this.packets++;
    this.reception.take(ssrcOf(packet), sequenceOf(packet));
    if (!isEvent) {
      this.reception.time(timestampOf(packet), clockRate, nowMs);
      return NO_DIGITS;
    }
    const event = readTelephoneEvent(packet);
    return event ? this.digits.take(event, clockRate, nowMs) : NO_DIGITS;
  }

  #accept(payloadType: number, kind: Kind, clockRate: number): void {
    this.#kinds[payloadType & 0x7f] = kind;
    this.#clockRates[payloadType & 0x7f] = clockRate;
  }
}
