/** RTP packets for tests of the pure modules. */
import { RTP_HEADER_BYTES, type TelephoneEvent, writeHeader, writeTelephoneEvent } from '../../src/rtp/index.ts';

export interface PacketFields {
  readonly ssrc?: number;
  readonly sequence?: number;
  readonly timestamp?: number;
  readonly payloadType?: number;
  readonly marker?: boolean;
  readonly payload?: Uint8Array;
}

export function rtpPacket(fields: PacketFields = {}): Buffer {
  const {
    ssrc = 1,
    sequence = 0,
    timestamp = 0,
    payloadType = 0,
    marker = false,
    payload = new Uint8Array(4),
  } = fields;
  const packet = Buffer.alloc(RTP_HEADER_BYTES + payload.length);
  writeHeader(packet, { payloadType, marker, sequence: sequence & 0xffff, timestamp: timestamp >>> 0, ssrc });
  packet.set(payload, RTP_HEADER_BYTES);
  return packet;
}

export function eventPayload(event: number, duration: number, isEnd = false): Buffer {
  const payload = Buffer.alloc(4);
  writeTelephoneEvent(payload, 0, { event, isEnd, volume: 10, duration });
  return payload;
}

export function telephoneEvent(fields: Partial<TelephoneEvent>): TelephoneEvent {
  return { ssrc: 1, timestamp: 0, event: 1, isEnd: false, volume: 10, duration: 160, ...fields };
}
