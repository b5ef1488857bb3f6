/** Requests for a complete picture by RTCP: PLI (RFC 4585 §6.3.1), FIR (RFC 5104 §4.3.1), and the FIR of RFC 2032 §5.2.1. */

const OLD_FIR = 192;
const PAYLOAD_FEEDBACK = 206;
const PLI = 1;
const FIR = 4;
const HEADER_BYTES = 4;

/**
 * Whether one of the packets asks for a picture. Which stream it names does not matter, because a port sends one alone,
 * and phones get it wrong.
 */
export function hasKeyframeRequest(compound: Buffer): boolean {
  for (let offset = 0; compound.length - offset >= HEADER_BYTES; ) {
    const [first = 0, packetType = 0] = compound.subarray(offset, offset + 2);
    if (first >> 6 !== 2) return false;
    const format = first & 0x1f;
    const end = offset + HEADER_BYTES + 4 * compound.readUInt16BE(offset + 2);
    if (end > compound.length) return false;
    if (packetType === OLD_FIR) return true;
    if (packetType === PAYLOAD_FEEDBACK && (format === PLI || format === FIR)) return true;
    offset = end;
  }
  return false;
}

/** `sender` is our SSRC, `media` that of the stream whose picture is wanted. */
export function buildPli(sender: number, media: number): Buffer {
  const packet = withHeader(PLI, 12);
  packet.writeUInt32BE(sender >>> 0, 4);
  packet.writeUInt32BE(media >>> 0, 8);
  return packet;
}

/** `command` counts the requests: the same one again is a repetition, and not answered twice. */
export function buildFir(sender: number, media: number, command: number): Buffer {
  const packet = withHeader(FIR, 20);
  packet.writeUInt32BE(sender >>> 0, 4);
  packet.writeUInt32BE(media >>> 0, 12);
  packet[16] = command & 0xff;
  return packet;
}

function withHeader(format: number, bytes: number): Buffer {
  const packet = Buffer.alloc(bytes);
  packet[0] = 0x80 | format;
  packet[1] = PAYLOAD_FEEDBACK;
  packet.writeUInt16BE(bytes / 4 - 1, 2);
  return packet;
}
