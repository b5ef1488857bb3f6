import { describe, expect, it } from 'vitest';
import { buildRtcp, ntpFromWallTime, parseRtcp, type ReportBlock, shortNtp } from '../../src/rtp/index.ts';

const block: ReportBlock = {
  ssrc: 0xcafebabe,
  fractionLost: 64,
  packetsLost: -3,
  highestSequence: 0x0001_fffe,
  jitter: 77,
  lastReport: 0xaabbccdd,
  delay: 65_536,
};

describe('RTCP', () => {
  it('survives the way through bytes, compound', () => {
    const packets = [
      {
        kind: 'sender-report',
        ssrc: 1,
        ntp: { seconds: 0xf0000000, fraction: 0x80000000 },
        rtpTimestamp: 0xffffffff,
        packetCount: 5,
        octetCount: 800,
        blocks: [block],
      },
      { kind: 'receiver-report', ssrc: 2, blocks: [block, { ...block, packetsLost: 0x7fffff }] },
      { kind: 'source-description', ssrc: 1, cname: 'a-name' },
      { kind: 'goodbye', ssrcs: [1, 2] },
    ] as const;
    const bytes = buildRtcp(packets);
    expect(bytes.length % 4).toBe(0);
    expect(parseRtcp(bytes)).toEqual(packets);
  });

  it.each(['', 'a', 'ab', 'abc', 'abcd'])('pads the CNAME %j to a multiple of four with at least one zero', (cname) => {
    const bytes = buildRtcp([{ kind: 'source-description', ssrc: 1, cname }]);
    expect(bytes.length % 4).toBe(0);
    expect(bytes[bytes.length - 1]).toBe(0);
    expect(parseRtcp(bytes)).toEqual([{ kind: 'source-description', ssrc: 1, cname }]);
  });

  it('refuses what is cut short', () => {
    const bytes = buildRtcp([{ kind: 'receiver-report', ssrc: 2, blocks: [block] }]);
    expect(parseRtcp(bytes.subarray(0, bytes.length - 4))).toBeUndefined();
    const lying = Buffer.from(bytes);
    lying[0] = 0x82;
    expect(parseRtcp(lying)).toBeUndefined();
  });

  it('counts time from 1900', () => {
    const ntp = ntpFromWallTime(500);
    expect(ntp).toEqual({ seconds: 2_208_988_800, fraction: 0x80000000 });
    expect(shortNtp(ntp)).toBe((((2_208_988_800 & 0xffff) << 16) | 0x8000) >>> 0);
  });
});
