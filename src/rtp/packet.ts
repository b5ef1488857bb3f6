/**
 * The RTP header, read and rewritten in place (RFC 3550 §5.1).
 *
 *    0                   1                   2                   3
 *   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *   |                           timestamp                           |
 *   |                             SSRC                              |
 *   |                CSRC (0 to 15) · header extension              |
 */

/** Bytes of the fixed header. */
export const RTP_HEADER_BYTES = 12;

const VERSION_2 = 2;
const FIRST_RTCP_TYPE = 192;
const LAST_RTCP_TYPE = 223;

export type PacketClass = 'rtp' | 'rtcp' | 'other';

/** Tells RTP from RTCP on a shared port by the second byte (RFC 5761 §4), and both from anything else. */
export function classifyPacket(packet: Buffer): PacketClass {
  if (packet.length < 8 || (packet[0] ?? 0) >> 6 !== VERSION_2) return 'other';
  const second = packet[1] ?? 0;
  if (second >= FIRST_RTCP_TYPE && second <= LAST_RTCP_TYPE) return 'rtcp';
  return packet.length >= RTP_HEADER_BYTES ? 'rtp' : 'other';
}

export function payloadTypeOf(packet: Buffer): number {
  return (packet[1] ?? 0) & 0x7f;
}

export function hasMarker(packet: Buffer): boolean {
  return (packet[1] ?? 0) >= 0x80;
}

export function sequenceOf(packet: Buffer): number {
  return packet.readUInt16BE(2);
}

export function timestampOf(packet: Buffer): number {
  return packet.readUInt32BE(4);
}

export function ssrcOf(packet: Buffer): number {
  return packet.readUInt32BE(8);
}

/** Where the payload begins, behind CSRCs and a header extension; -1 when the packet is cut short. */
export function payloadOffset(packet: Buffer): number {
  const first = packet[0] ?? 0;
  let offset = RTP_HEADER_BYTES + 4 * (first & 0x0f);
  if ((first & 0x10) !== 0) {
    if (packet.length < offset + 4) return -1;
    offset += 4 + 4 * packet.readUInt16BE(offset + 2);
  }
  return offset <= packet.length ? offset : -1;
}

/** Bytes of payload behind `offset` without padding; -1 when the padding count is impossible. */
export function payloadLength(packet: Buffer, offset: number): number {
  const room = packet.length - offset;
  if (((packet[0] ?? 0) & 0x20) === 0) return room;
  const padding = packet[packet.length - 1] ?? 0;
  return padding === 0 || padding > room ? -1 : room - padding;
}

/**
 * The same packet with CSRCs and header extension cut off, in the same memory: the fixed header moves up to the
 * payload. They mean nothing on the other leg, whose extension ids are not ours.
 */
export function withBareHeader(packet: Buffer, offset: number): Buffer {
  if (offset === RTP_HEADER_BYTES) return packet;
  const bare = packet.subarray(offset - RTP_HEADER_BYTES);
  const first = packet[0] ?? 0;
  packet.copy(bare, 0, 0, RTP_HEADER_BYTES);
  bare[0] = first & 0xe0;
  return bare;
}

export function setPayloadType(packet: Buffer, payloadType: number): void {
  packet[1] = ((packet[1] ?? 0) & 0x80) | payloadType;
}

export function setSequence(packet: Buffer, sequence: number): void {
  packet.writeUInt16BE(sequence, 2);
}

export function setTimestamp(packet: Buffer, timestamp: number): void {
  packet.writeUInt32BE(timestamp, 4);
}

export function setSsrc(packet: Buffer, ssrc: number): void {
  packet.writeUInt32BE(ssrc, 8);
}

export function setMarker(packet: Buffer): void {
  packet[1] = (packet[1] ?? 0) | 0x80;
}

export function clearMarker(packet: Buffer): void {
  packet[1] = (packet[1] ?? 0) & 0x7f;
}

export interface RtpHeader {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
}

/** Writes a fixed header of 12 bytes at the beginning of `packet`. */
export function writeHeader(packet: Buffer, header: RtpHeader): void {
  packet[0] = VERSION_2 << 6;
  packet[1] = (header.marker ? 0x80 : 0) | header.payloadType;
  packet.writeUInt16BE(header.sequence, 2);
  packet.writeUInt32BE(header.timestamp, 4);
  packet.writeUInt32BE(header.ssrc, 8);
}
