import { describe, expect, it } from 'vitest';
import { Reception } from '../../src/rtp/index.ts';

describe('reception statistics', () => {
  it('count gaps as loss, over the wrap of the sequence number', () => {
    const reception = new Reception();
    for (const sequence of [65_533, 65_534, 1, 2, 0]) reception.take(1, sequence);
    expect(reception.summary()).toMatchObject({ packetsReceived: 5, packetsLost: 1 });
    expect(reception.nextBlock()).toMatchObject({ highestSequence: 65_538, packetsLost: 1, fractionLost: 42 });
  });

  it('do not count as lost what was sent while nobody was to hear it', () => {
    const reception = new Reception();
    for (const sequence of [1, 2, 4]) reception.take(1, sequence);
    reception.restart();
    for (const sequence of [2004, 2005]) reception.take(1, sequence);
    expect(reception.summary()).toMatchObject({ packetsReceived: 5, packetsLost: 1 });
  });

  it('report the fraction lost since the report before', () => {
    const reception = new Reception();
    for (let sequence = 0; sequence < 100; sequence++) if (sequence % 2 === 1) reception.take(1, sequence);
    reception.nextBlock();
    for (let sequence = 100; sequence < 200; sequence++) reception.take(1, sequence);
    expect(reception.nextBlock()?.fractionLost).toBe(0);
  });

  it('do not take a restart or a new SSRC for loss', () => {
    const reception = new Reception();
    for (const sequence of [10, 11, 13]) reception.take(1, sequence);
    for (const sequence of [40_000, 40_001]) reception.take(1, sequence);
    for (const sequence of [5, 6]) reception.take(2, sequence);
    expect(reception.summary()).toMatchObject({ packetsReceived: 7, packetsLost: 1 });
    expect(reception.nextBlock()).toMatchObject({ ssrc: 2, packetsLost: 0 });
  });

  it('follow the jitter of RFC 3550 §A.8', () => {
    const reception = new Reception();
    const steady = new Reception();
    for (let i = 0; i < 500; i++) {
      steady.time(i * 160, 8000, 1000 + i * 20);
      // Every other packet 10 ms late: each difference is 10 ms.
      reception.time((0xffff_0000 + i * 160) >>> 0, 8000, 1000 + i * 20 + (i % 2) * 10);
    }
    expect(steady.summary().jitterMs).toBe(0);
    expect(reception.summary().jitterMs).toBeCloseTo(10, 1);
  });
});
