/** T5: packets as a media port may get them from anybody: right ones, ones that lie about themselves, pieces and noise. */
import { buildRtcp } from '../../src/rtp/index.ts';
import type { Chance } from './chance.ts';

export type PacketKind = 'rtp' | 'rtcp' | 'dtls' | 'stun';

export function fuzzedPacket(kind: PacketKind, chance: Chance): Buffer {
  return damaged(made(kind, chance), chance);
}

/** A packet whose fields are plausible, and whose counts and lengths may not be true. */
export function made(kind: PacketKind, chance: Chance): Buffer {
  switch (kind) {
    case 'rtp':
      return rtp(chance);
    case 'rtcp':
      return rtcp(chance);
    case 'dtls':
      return typed(20 + chance.below(44), 'fefd', chance);
    case 'stun':
      return typed(chance.below(4), '0001', chance);
  }
}

const PAYLOAD_TYPES = [0, 0, 0, 101, 13, 72, 127];

function rtp(chance: Chance): Buffer {
  const packet = noise(12 + chance.pick([0, 4, 20, 160, 172, 400, 1400]), chance);
  // Version 2 nearly always; padding, extension and CSRCs as chance has it.
  packet[0] = (chance.oneIn(20) ? 0 : 0x80) | (chance.oneIn(3) ? chance.below(64) : 0);
  packet[1] = chance.pick(PAYLOAD_TYPES) | (chance.oneIn(4) ? 0x80 : 0);
  if (chance.oneIn(2)) packet.writeUInt32BE(0x1000, 8);
  if (chance.oneIn(6) && packet.length > 0) packet[packet.length - 1] = chance.pick([0, 1, 255, packet.length & 0xff]);
  return packet;
}

const RTCP_TYPES = [200, 201, 202, 203, 204, 205, 206, 207, 192, 195];

function rtcp(chance: Chance): Buffer {
  if (chance.oneIn(4))
    return buildRtcp([
      {
        kind: 'receiver-report',
        ssrc: 0x1000,
        blocks: Array.from({ length: chance.below(4) }, () => ({
          ssrc: chance.below(0xffff_ffff),
          fractionLost: chance.below(256),
          packetsLost: chance.below(0xff_ffff) - 0x80_0000,
          highestSequence: chance.below(0xffff_ffff),
          jitter: chance.below(0xffff_ffff),
          lastReport: chance.below(0xffff_ffff),
          delay: chance.below(0xffff_ffff),
        })),
      },
      { kind: 'goodbye', ssrcs: [0x1000, chance.below(0xffff_ffff)] },
    ]);
  const parts = Array.from({ length: 1 + chance.below(4) }, () => {
    const words = chance.below(12);
    const part = noise(4 + 4 * words, chance);
    part[0] = 0x80 | chance.below(64);
    part[1] = chance.pick(RTCP_TYPES);
    part.writeUInt16BE(chance.oneIn(3) ? chance.below(0x1_0000) : words, 2);
    return part;
  });
  return Buffer.concat(parts);
}

function typed(first: number, next: string, chance: Chance): Buffer {
  const packet = noise(13 + chance.below(300), chance);
  packet[0] = first;
  Buffer.from(next, 'hex').copy(packet, 1);
  return packet;
}

function damaged(packet: Buffer, chance: Chance): Buffer {
  if (chance.oneIn(4)) return packet.subarray(0, chance.below(packet.length + 1));
  if (chance.oneIn(8)) return Buffer.concat([packet, noise(chance.below(64), chance)]);
  for (let i = chance.oneIn(2) ? chance.below(4) : 0; i > 0 && packet.length > 0; i--) {
    packet[chance.below(packet.length)] = chance.below(256);
  }
  return packet;
}

function noise(length: number, chance: Chance): Buffer {
  return Buffer.from(Array.from({ length }, () => chance.below(256)));
}
