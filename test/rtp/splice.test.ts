import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hasMarker,
  Splice,
  sequenceDelta,
  sequenceOf,
  ssrcOf,
  timestampDelta,
  timestampOf,
} from '../../src/rtp/index.ts';
import { rtpPacket } from './packets.ts';

const CLOCK = 8000;
const STEP = 160;

interface Sent {
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
}

function createSplice(): Splice {
  return new Splice({ ssrc: 0xabcdef01, sequence: 65_530, timestamp: 0xffffff00 });
}

function push(splice: Splice, fields: Parameters<typeof rtpPacket>[0], nowMs: number): Sent | undefined {
  const packet = rtpPacket(fields);
  if (!splice.applyAudio(packet, CLOCK, nowMs)) return undefined;
  expect(ssrcOf(packet)).toBe(0xabcdef01);
  return { sequence: sequenceOf(packet), timestamp: timestampOf(packet), marker: hasMarker(packet) };
}

const anySource = fc.record({
  ssrc: fc.integer({ min: 1, max: 4 }),
  sequence: fc.integer({ min: 0, max: 65_535 }),
  timestamp: fc.integer({ min: 0, max: 0xffffffff }),
  /** For each packet how many are lost before it. */
  losses: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 20 }),
  pauseMs: fc.integer({ min: 0, max: 5000 }),
  isSpliced: fc.boolean(),
});

describe('splice', () => {
  it('B3: sequence and timestamp only go forward whatever the sources do', () => {
    fc.assert(
      fc.property(fc.array(anySource, { minLength: 1, maxLength: 8 }), (sources) => {
        const splice = createSplice();
        let nowMs = 1000;
        let last: Sent | undefined;
        let source = { ssrc: 0, highest: 0 };
        for (const { ssrc, losses, pauseMs, isSpliced, ...start } of sources) {
          let { sequence, timestamp } = start;
          nowMs += pauseMs;
          if (isSpliced) splice.restart();
          for (const lost of losses) {
            nowMs += 20 * (lost + 1);
            sequence += lost + 1;
            timestamp += STEP * (lost + 1);
            const step = sequenceDelta(sequence, source.highest);
            // A source that begins again a little behind where it left cannot be told from its own late packets.
            const isLate = ssrc === source.ssrc && step <= 0 && step > -100;
            if (!isLate) source = { ssrc, highest: sequence };
            const sent = push(splice, { ssrc, sequence, timestamp }, nowMs);
            if (!sent || isLate) continue;
            expect(last === undefined || sequenceDelta(sent.sequence, last.sequence) > 0).toBe(true);
            expect(last === undefined || timestampDelta(sent.timestamp, last.timestamp) > 0).toBe(true);
            last = sent;
          }
        }
      }),
    );
  });

  it('never gives one number to two packets, however they are reordered', () => {
    const packets = fc.shuffledSubarray(
      Array.from({ length: 60 }, (_, i) => i),
      { minLength: 20 },
    );
    fc.assert(
      fc.property(packets, fc.integer({ min: 0, max: 65_535 }), (order, first) => {
        const splice = createSplice();
        push(splice, { ssrc: 9, sequence: 1, timestamp: 1 }, 0);
        const seen = new Set<number>([65_530]);
        for (const [index, offset] of order.entries()) {
          const sent = push(splice, { ssrc: 1, sequence: first + offset, timestamp: offset * STEP }, index * 20);
          if (!sent) continue;
          expect(seen.has(sent.sequence)).toBe(false);
          seen.add(sent.sequence);
        }
      }),
    );
  });

  it('passes loss and reordering within a source on as they are', () => {
    const splice = createSplice();
    const sequences = [100, 101, 104, 103, 105].map(
      (sequence, i) => push(splice, { sequence, timestamp: sequence * STEP }, i * 20)?.sequence,
    );
    expect(sequences).toEqual([65_530, 65_531, 65_534, 65_533, 65_535]);
  });

  it('marks the first packet of every source and advances the clock by the time that passed', () => {
    const splice = createSplice();
    expect(push(splice, { ssrc: 1, sequence: 1, timestamp: 5000 }, 0)).toEqual({
      sequence: 65_530,
      timestamp: 0xffffff00,
      marker: true,
    });
    expect(push(splice, { ssrc: 1, sequence: 2, timestamp: 5160 }, 20)?.marker).toBe(false);
    const second = push(splice, { ssrc: 2, sequence: 900, timestamp: 77 }, 1020);
    expect(second).toEqual({ sequence: 65_532, timestamp: (0xffffff00 + 160 + 8000) >>> 0, marker: true });
  });

  it('drops what comes late from a source that is over', () => {
    const splice = createSplice();
    push(splice, { ssrc: 1, sequence: 10, timestamp: 0 }, 0);
    push(splice, { ssrc: 1, sequence: 12, timestamp: 320 }, 40);
    push(splice, { ssrc: 2, sequence: 500, timestamp: 0 }, 60);
    expect(push(splice, { ssrc: 1, sequence: 11, timestamp: 160 }, 61)).toBeUndefined();
    expect(push(splice, { ssrc: 2, sequence: 499, timestamp: 0 }, 62)).toBeUndefined();
  });

  it('does not go back when the source counts on through a long hold', () => {
    const splice = createSplice();
    const before = push(splice, { sequence: 10, timestamp: 0 }, 0);
    const after = push(splice, { sequence: 45_010, timestamp: 45_000 * STEP }, 900_000);
    expect(sequenceDelta(after?.sequence ?? 0, before?.sequence ?? 0)).toBe(1);
  });

  it('keeps packets put in between apart from those of the source', () => {
    const splice = createSplice();
    push(splice, { sequence: 1, timestamp: 0 }, 0);
    expect(splice.insert(10)).toBe(65_531);
    expect(splice.insert(10)).toBe(65_532);
    expect(push(splice, { sequence: 3, timestamp: 320 }, 40)?.sequence).toBe(65_534);
    expect(push(splice, { sequence: 2, timestamp: 160 }, 41)?.sequence).toBe(65_533);
  });
});
