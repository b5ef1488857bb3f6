/**
 * The payload of telephone-event (RFC 4733 §2.3), and the keys it can carry.
 *
 *   |     event     |E|R| volume    |          duration             |
 */
import { payloadLength, payloadOffset, ssrcOf, timestampOf } from './packet.ts';

export const TELEPHONE_EVENT_BYTES = 4;
/** A duration that is full: a longer event goes on in a new segment (RFC 4733 §2.5.1.3). */
export const MAX_EVENT_DURATION = 0xffff;

const KEYS = '0123456789*#ABCD';

export interface TelephoneEvent {
  readonly ssrc: number;
  /** The start of the event, or of its segment. */
  readonly timestamp: number;
  /** 0 to 15 are the keys of a telephone; others exist and are relayed unseen. */
  readonly event: number;
  readonly isEnd: boolean;
  /** Power below full scale, dB. */
  readonly volume: number;
  /** So far, in units of the event's clock. */
  readonly duration: number;
}

/** Reads the event of an RTP packet, undefined when the payload is too short to be one. */
export function readTelephoneEvent(packet: Buffer): TelephoneEvent | undefined {
  const offset = payloadOffset(packet);
  if (offset < 0 || payloadLength(packet, offset) < TELEPHONE_EVENT_BYTES) return undefined;
  const flags = packet[offset + 1] ?? 0;
  return {
    ssrc: ssrcOf(packet),
    timestamp: timestampOf(packet),
    event: packet[offset] ?? 0,
    isEnd: (flags & 0x80) !== 0,
    volume: flags & 0x3f,
    duration: packet.readUInt16BE(offset + 2),
  };
}

/** Writes the payload of an event at `offset`. */
export function writeTelephoneEvent(
  packet: Buffer,
  offset: number,
  event: Pick<TelephoneEvent, 'event' | 'isEnd' | 'volume' | 'duration'>,
): void {
  packet[offset] = event.event;
  packet[offset + 1] = (event.isEnd ? 0x80 : 0) | event.volume;
  packet.writeUInt16BE(event.duration, offset + 2);
}

/** Replaces the duration of an event packet in place. */
export function setEventDuration(packet: Buffer, duration: number): void {
  packet.writeUInt16BE(duration, payloadOffset(packet) + 2);
}

/** The key an event stands for; undefined for what is not a key. */
export function digitOf(event: number): string | undefined {
  return KEYS[event];
}

/** The event of a key (0-9 * # A-D); undefined for anything else. */
export function eventOf(digit: string): number | undefined {
  const event = digit.length === 1 ? KEYS.indexOf(digit.toUpperCase()) : -1;
  return event === -1 ? undefined : event;
}
