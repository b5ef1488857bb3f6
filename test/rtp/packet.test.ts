import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildRtcp,
  classifyPacket,
  hasMarker,
  parseRtcp,
  payloadLength,
  payloadOffset,
  payloadTypeOf,
  sequenceDelta,
  sequenceOf,
  ssrcOf,
  timestampDelta,
  timestampOf,
  withBareHeader,
} from '../../src/rtp/index.ts';
import { rtpPacket } from './packets.ts';

/** A packet with two CSRCs, a header extension of eight bytes and four bytes of payload. */
function dressedPacket(): Buffer {
  const fixed = rtpPacket({
    ssrc: 7,
    sequence: 8,
    timestamp: 9,
    payloadType: 96,
    marker: true,
    payload: Buffer.alloc(0),
  });
  fixed[0] = 0x80 | 0x10 | 2;
  const csrcs = Buffer.alloc(8, 0xcc);
  const extension = Buffer.from([0xbe, 0xde, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]);
  return Buffer.concat([fixed, csrcs, extension, Buffer.from('abcd')]);
}

describe('the RTP header', () => {
  it('is written and read back', () => {
    const packet = rtpPacket({
      ssrc: 0xdeadbeef,
      sequence: 65_535,
      timestamp: 0xfffffff0,
      payloadType: 101,
      marker: true,
    });
    expect(classifyPacket(packet)).toBe('rtp');
    expect([ssrcOf(packet), sequenceOf(packet), timestampOf(packet), payloadTypeOf(packet), hasMarker(packet)]).toEqual(
      [0xdeadbeef, 65_535, 0xfffffff0, 101, true],
    );
  });

  it('loses CSRCs and extension without touching the payload', () => {
    const packet = dressedPacket();
    expect(payloadOffset(packet)).toBe(32);
    const bare = withBareHeader(packet, 32);
    expect(bare).toEqual(
      rtpPacket({ ssrc: 7, sequence: 8, timestamp: 9, payloadType: 96, marker: true, payload: Buffer.from('abcd') }),
    );
  });

  it('counts padding, and refuses impossible padding and headers that are cut short', () => {
    const padded = rtpPacket({ payload: Buffer.from([1, 2, 0, 2]) });
    padded[0] = 0xa0;
    expect(payloadLength(padded, 12)).toBe(2);
    padded[15] = 9;
    expect(payloadLength(padded, 12)).toBe(-1);
    expect(payloadOffset(dressedPacket().subarray(0, 22))).toBe(-1);
    expect(payloadOffset(dressedPacket().subarray(0, 30))).toBe(-1);
  });

  it('is told from RTCP, STUN, DTLS and noise (RFC 5761 §4, RFC 7983)', () => {
    expect(classifyPacket(buildRtcp([{ kind: 'receiver-report', ssrc: 1, blocks: [] }]))).toBe('rtcp');
    expect(classifyPacket(Buffer.from('000100002112a442000000000000000000000000', 'hex'))).toBe('other');
    expect(classifyPacket(Buffer.from([22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))).toBe('other');
    expect(classifyPacket(Buffer.alloc(0))).toBe('other');
  });

  it('does not throw on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const packet = Buffer.from(bytes);
        const offset = classifyPacket(packet) === 'rtp' ? payloadOffset(packet) : -1;
        const bare = offset < 0 ? packet : withBareHeader(packet, offset);
        expect(bare.length).toBeLessThanOrEqual(packet.length);
        parseRtcp(packet);
      }),
    );
  });
});

describe('wrapping counters', () => {
  it('go the short way round', () => {
    expect(sequenceDelta(2, 65_534)).toBe(4);
    expect(sequenceDelta(65_534, 2)).toBe(-4);
    expect(timestampDelta(100, 0xffffff00)).toBe(356);
    expect(timestampDelta(0xffffff00, 100)).toBe(-356);
  });
});
