import { describe, expect, it } from 'vitest';
import { type CountedPackets, LossGauge } from '../../src/telephony/loss-gauge.ts';

/** Looks at a port that has been sent `lost` of 100 packets in vain since the last one, and its remote `remoteLost`. */
function looks(each: readonly (readonly [lost: number, remoteLost?: number])[], packets = 100) {
  const gauge = new LossGauge();
  let now: CountedPackets = { packetsReceived: 0, packetsLost: 0, packetsSent: 0, remotePacketsLost: undefined };
  gauge.take(now);
  return each.map(([lost, remoteLost]) => {
    now = {
      packetsReceived: now.packetsReceived + packets - lost,
      packetsLost: now.packetsLost + lost,
      packetsSent: now.packetsSent + packets,
      remotePacketsLost: remoteLost === undefined ? now.remotePacketsLost : (now.remotePacketsLost ?? 0) + remoteLost,
    };
    return gauge.take(now);
  });
}

describe('the loss that a codec is chosen by', () => {
  it('is what lasts for two looks, not a moment’s', () => {
    expect(looks([[0], [20], [0], [8], [10]])).toEqual([undefined, 0, 0, 0, 0.08]);
  });

  it('is that of the worse direction', () => {
    expect(
      looks([
        [2, 8],
        [3, 6],
      ]),
    ).toEqual([undefined, 0.06]);
    expect(
      looks([
        [9, 0],
        [7, 1],
      ]),
    ).toEqual([undefined, 0.07]);
  });

  it('is forgotten after some calm', () => {
    const calm = Array.from({ length: 6 }, () => [0] as const);
    expect(looks([[10], [10], ...calm])).toEqual([undefined, 0.1, 0.1, 0.1, 0.1, 0.1, 0, 0]);
  });

  it('is not known from a few packets', () => {
    expect(looks([[1], [1], [1]], 20)).toEqual([undefined, undefined, undefined]);
  });

  it('is never less than nothing, whatever a remote says', () => {
    expect(
      looks([
        [0, 50],
        [0, -50],
        [0, -50],
      ]),
    ).toEqual([undefined, 0, 0]);
  });
});
