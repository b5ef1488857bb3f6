/** RTCP packets, compound (RFC 3550 §6): sender and receiver reports, source descriptions, goodbyes. */

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const GOODBYE = 203;
const CNAME = 1;
const HEADER_BYTES = 4;
const BLOCK_BYTES = 24;
const SENDER_BYTES = 20;
/** NTP counts from 1900, wall time from 1970. */
const NTP_EPOCH_SEC = 2_208_988_800;

export interface ReportBlock {
  readonly ssrc: number;
  /** Of 256. */
  readonly fractionLost: number;
  readonly packetsLost: number;
  /** Extended by the count of wraps. */
  readonly highestSequence: number;
  /** In units of the media clock. */
  readonly jitter: number;
  /** The middle 32 bits of the NTP time of the last sender report, 0 for none. */
  readonly lastReport: number;
  /** Since that report, in 1/65536 s. */
  readonly delay: number;
}

export interface NtpTime {
  readonly seconds: number;
  readonly fraction: number;
}

export type RtcpPacket =
  | {
      readonly kind: 'sender-report';
      readonly ssrc: number;
      readonly ntp: NtpTime;
      readonly rtpTimestamp: number;
      readonly packetCount: number;
      readonly octetCount: number;
      readonly blocks: readonly ReportBlock[];
    }
  | { readonly kind: 'receiver-report'; readonly ssrc: number; readonly blocks: readonly ReportBlock[] }
  | { readonly kind: 'source-description'; readonly ssrc: number; readonly cname: string }
  | { readonly kind: 'goodbye'; readonly ssrcs: readonly number[] }
  | { readonly kind: 'other'; readonly packetType: number };

/** Milliseconds since 1970 as NTP time. */
export function ntpFromWallTime(wallTimeMs: number): NtpTime {
  const seconds = Math.floor(wallTimeMs / 1000);
  const fraction = Math.floor(((wallTimeMs - seconds * 1000) / 1000) * 2 ** 32);
  return { seconds: (seconds + NTP_EPOCH_SEC) >>> 0, fraction: fraction >>> 0 };
}

/** The middle 32 bits, in 1/65536 s, as report blocks refer to reports. */
export function shortNtp(time: NtpTime): number {
  return ((time.seconds << 16) | (time.fraction >>> 16)) >>> 0;
}

/** Reads a compound packet; undefined when any part of it is malformed (RFC 3550 §A.2). */
export function parseRtcp(compound: Buffer): readonly RtcpPacket[] | undefined {
  const packets: RtcpPacket[] = [];
  for (let offset = 0; offset < compound.length; ) {
    if (compound.length - offset < HEADER_BYTES || (compound[offset] ?? 0) >> 6 !== 2) return undefined;
    const end = offset + HEADER_BYTES + 4 * compound.readUInt16BE(offset + 2);
    if (end > compound.length) return undefined;
    const packet = parseOne(compound.subarray(offset, end));
    if (!packet) return undefined;
    packets.push(packet);
    offset = end;
  }
  return packets.length > 0 ? packets : undefined;
}

/** Builds a compound packet in the order given; a report must come first (RFC 3550 §6.1). */
export function buildRtcp(packets: readonly Exclude<RtcpPacket, { kind: 'other' }>[]): Buffer {
  return Buffer.concat(packets.map(buildOne));
}

function parseOne(packet: Buffer): RtcpPacket | undefined {
  const packetType = packet[1] ?? 0;
  const count = (packet[0] ?? 0) & 0x1f;
  switch (packetType) {
    case SENDER_REPORT:
      return parseSenderReport(packet, count);
    case RECEIVER_REPORT: {
      const blocks = parseBlocks(packet, 8, count);
      return blocks && { kind: 'receiver-report', ssrc: packet.readUInt32BE(4), blocks };
    }
    case SOURCE_DESCRIPTION:
      return parseSourceDescription(packet, count);
    case GOODBYE: {
      if (packet.length < HEADER_BYTES + 4 * count) return undefined;
      return {
        kind: 'goodbye',
        ssrcs: Array.from({ length: count }, (_, i) => packet.readUInt32BE(HEADER_BYTES + 4 * i)),
      };
    }
    default:
      return { kind: 'other', packetType };
  }
}

function parseSenderReport(packet: Buffer, count: number): RtcpPacket | undefined {
  const blocks = parseBlocks(packet, 8 + SENDER_BYTES, count);
  if (!blocks) return undefined;
  return {
    kind: 'sender-report',
    ssrc: packet.readUInt32BE(4),
    ntp: { seconds: packet.readUInt32BE(8), fraction: packet.readUInt32BE(12) },
    rtpTimestamp: packet.readUInt32BE(16),
    packetCount: packet.readUInt32BE(20),
    octetCount: packet.readUInt32BE(24),
    blocks,
  };
}

function parseBlocks(packet: Buffer, start: number, count: number): readonly ReportBlock[] | undefined {
  if (packet.length < start + BLOCK_BYTES * count) return undefined;
  return Array.from({ length: count }, (_, index) => {
    const at = start + BLOCK_BYTES * index;
    return {
      ssrc: packet.readUInt32BE(at),
      fractionLost: packet[at + 4] ?? 0,
      packetsLost: packet.readIntBE(at + 5, 3),
      highestSequence: packet.readUInt32BE(at + 8),
      jitter: packet.readUInt32BE(at + 12),
      lastReport: packet.readUInt32BE(at + 16),
      delay: packet.readUInt32BE(at + 20),
    };
  });
}

/** Only the first chunk and its CNAME matter to us: mixers, which send more, are not spoken to. */
function parseSourceDescription(packet: Buffer, count: number): RtcpPacket | undefined {
  if (count === 0) return { kind: 'other', packetType: SOURCE_DESCRIPTION };
  if (packet.length < 8) return undefined;
  let cname = '';
  for (let at = 8; at < packet.length && packet[at] !== 0; ) {
    const length = packet[at + 1] ?? 0;
    if (at + 2 + length > packet.length) return undefined;
    if (packet[at] === CNAME) cname = packet.toString('utf8', at + 2, at + 2 + length);
    at += 2 + length;
  }
  return { kind: 'source-description', ssrc: packet.readUInt32BE(4), cname };
}

function buildOne(packet: Exclude<RtcpPacket, { kind: 'other' }>): Buffer {
  switch (packet.kind) {
    case 'sender-report': {
      const out = withHeader(
        SENDER_REPORT,
        packet.blocks.length,
        4 + SENDER_BYTES + BLOCK_BYTES * packet.blocks.length,
      );
      out.writeUInt32BE(packet.ssrc, 4);
      out.writeUInt32BE(packet.ntp.seconds, 8);
      out.writeUInt32BE(packet.ntp.fraction, 12);
      out.writeUInt32BE(packet.rtpTimestamp, 16);
      out.writeUInt32BE(packet.packetCount >>> 0, 20);
      out.writeUInt32BE(packet.octetCount >>> 0, 24);
      writeBlocks(out, 8 + SENDER_BYTES, packet.blocks);
      return out;
    }
    case 'receiver-report': {
      const out = withHeader(RECEIVER_REPORT, packet.blocks.length, 4 + BLOCK_BYTES * packet.blocks.length);
      out.writeUInt32BE(packet.ssrc, 4);
      writeBlocks(out, 8, packet.blocks);
      return out;
    }
    case 'source-description': {
      const name = Buffer.from(packet.cname).subarray(0, 255);
      // The list of items ends with at least one zero, and the chunk on a multiple of four.
      const out = withHeader(SOURCE_DESCRIPTION, 1, 4 + Math.ceil((2 + name.length + 1) / 4) * 4);
      out.writeUInt32BE(packet.ssrc, 4);
      out[8] = CNAME;
      out[9] = name.length;
      name.copy(out, 10);
      return out;
    }
    case 'goodbye': {
      const out = withHeader(GOODBYE, packet.ssrcs.length, 4 * packet.ssrcs.length);
      for (const [index, ssrc] of packet.ssrcs.entries()) out.writeUInt32BE(ssrc, 4 + 4 * index);
      return out;
    }
  }
}

function withHeader(packetType: number, count: number, bodyBytes: number): Buffer {
  const out = Buffer.alloc(HEADER_BYTES + bodyBytes);
  out[0] = 0x80 | count;
  out[1] = packetType;
  out.writeUInt16BE(bodyBytes / 4, 2);
  return out;
}

function writeBlocks(out: Buffer, start: number, blocks: readonly ReportBlock[]): void {
  for (const [index, block] of blocks.entries()) {
    const at = start + BLOCK_BYTES * index;
    out.writeUInt32BE(block.ssrc, at);
    out[at + 4] = block.fractionLost;
    out.writeIntBE(Math.max(-0x800000, Math.min(0x7fffff, block.packetsLost)), at + 5, 3);
    out.writeUInt32BE(block.highestSequence, at + 8);
    out.writeUInt32BE(block.jitter, at + 12);
    out.writeUInt32BE(block.lastReport, at + 16);
    out.writeUInt32BE(block.delay, at + 20);
  }
}
