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

function push(
  splice: Splice,
  fields: Parameters<typeof rtpPacket>[0],
  nowMs: number,
  clockRate = CLOCK,
): Sent | undefined {
  const packet = rtpPacket(fields);
  if (!splice.applyAudio(packet, clockRate, nowMs)) return undefined;
  expect(ssrcOf(packet)).toBe(0xabcdef01);
  return { sequence: sequenceOf(packet), timestamp: timestampOf(packet), marker: hasMarker(packet) };
}

/** The number that an event gets, if it is sent. */
function pushEvent(
  splice: Splice,
  fields: Parameters<typeof rtpPacket>[0],
  { clockRate, nowMs }: { clockRate: number; nowMs: number },
): readonly number[] {
  const event = rtpPacket(fields);
  if (splice.isBeside(event)) return [splice.insert(nowMs)];
  return splice.applyEvent(event, clockRate, nowMs) ? [sequenceOf(event)] : [];
}

/** How a source begins: as it left off after so many packets that nobody heard, or as a sender that knows nothing of before. */
const anyBegin = fc.oneof(
  fc.record({ kind: fc.constant('counted-on' as const), packets: fc.integer({ min: 1, max: 200_000 }) }),
  fc.record({
    kind: fc.constant('anew' as const),
    sequence: fc.integer({ min: 0, max: 65_535 }),
    timestamp: fc.integer({ min: 0, max: 0xffffffff }),
  }),
);

const anySource = fc.record({
  ssrc: fc.integer({ min: 1, max: 3 }),
  begin: anyBegin,
  pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 4_000_000 })),
  isRestarted: fc.boolean(),
  clockRate: fc.constantFrom(8000, 48_000),
  /** For each packet what happens before and with it. */
  packets: fc.array(
    fc.record({
      lost: fc.integer({ min: 0, max: 3 }),
      fate: fc.constantFrom('ok', 'ok', 'ok', 'twice', 'late', 'event', 'inserted' as const),
    }),
    { minLength: 1, maxLength: 15 },
  ),
});

describe('splice', () => {
  it('B3: numbers are given once and only go forward, whatever the sources do', () => {
    fc.assert(
      fc.property(fc.array(anySource, { minLength: 1, maxLength: 10 }), (sources) => {
        const splice = createSplice();
        const counters = new Map<number, { sequence: number; timestamp: number }>();
        const given: number[] = [];
        let nowMs = 1000;
        let highest: Sent | undefined;
        const give = (sequence: number): void => {
          expect(given.slice(-500)).not.toContain(sequence);
          given.push(sequence);
        };
        const note = (sent: Sent | undefined): void => {
          if (sent === undefined) return;
          give(sent.sequence);
          if (highest !== undefined && sequenceDelta(sent.sequence, highest.sequence) < 0) return;
          expect(highest === undefined || timestampDelta(sent.timestamp, highest.timestamp) >= 0).toBe(true);
          highest = sent;
        };
        for (const { ssrc, begin, pauseMs, isRestarted, clockRate, packets } of sources) {
          const step = clockRate / 50;
          const counter = counters.get(ssrc) ?? { sequence: 0, timestamp: 0 };
          counters.set(ssrc, counter);
          nowMs += pauseMs;
          if (begin.kind === 'anew') Object.assign(counter, begin);
          else {
            counter.sequence += begin.packets;
            counter.timestamp += begin.packets * step;
          }
          if (isRestarted) splice.restart();
          const late: { sequence: number; timestamp: number }[] = [];
          for (const { lost, fate } of packets) {
            nowMs += 20 * (lost + 1);
            counter.sequence += lost + 1;
            counter.timestamp += step * (lost + 1);
            const packet = { ssrc, ...counter };
            if (fate === 'late') late.push({ ...counter });
            else if (fate === 'event') pushEvent(splice, packet, { clockRate, nowMs }).forEach(give);
            else note(push(splice, packet, nowMs, clockRate));
            if (fate === 'twice') note(push(splice, packet, nowMs + 1, clockRate));
            if (fate === 'inserted') give(splice.insert(nowMs));
            const overdue = fate === 'ok' ? late.shift() : undefined;
            if (overdue !== undefined) note(push(splice, { ssrc, ...overdue }, nowMs + 2, clockRate));
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('T3: whatever was before, a source that begins is heard within 100 ms, and from then on without a gap', () => {
    fc.assert(
      fc.property(fc.array(anySource, { minLength: 1, maxLength: 10 }), (sources) => {
        const splice = createSplice();
        const counters = new Map<number, { sequence: number; timestamp: number }>();
        let nowMs = 1000;
        for (const { ssrc, begin, pauseMs, clockRate } of sources) {
          const step = clockRate / 50;
          const counter = counters.get(ssrc) ?? { sequence: 0, timestamp: 0 };
          counters.set(ssrc, counter);
          nowMs += pauseMs;
          // A sender that begins anew is within two seconds of where it was once in 13,000 times.
          const far = counter.timestamp + clockRate * 3;
          if (begin.kind === 'anew') Object.assign(counter, { ...begin, timestamp: far + (begin.timestamp >>> 2) });
          else {
            counter.sequence += begin.packets;
            counter.timestamp += begin.packets * step;
          }
          const beganMs = nowMs;
          let highest: number | undefined;
          for (let i = 0; i < 20; i++) {
            nowMs += 20;
            counter.sequence += 1;
            counter.timestamp += step;
            const sent = push(splice, { ssrc, ...counter }, nowMs, clockRate);
            expect(sent !== undefined || nowMs - beganMs <= 100).toBe(true);
            if (sent === undefined) continue;
            expect(highest === undefined || sent.sequence === ((highest + 1) & 0xffff)).toBe(true);
            highest = sent.sequence;
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('does not mix two sources that send at once: the later one is heard', () => {
    const splice = createSplice();
    const sent: { ssrc: number; timestamp: number }[] = [];
    for (let i = 0; i < 100; i++) {
      for (const ssrc of i < 10 ? [1] : [1, 2]) {
        const out = push(splice, { ssrc, sequence: 1000 * ssrc + i, timestamp: i * STEP }, i * 20 + ssrc);
        if (out) sent.push({ ssrc, timestamp: out.timestamp });
      }
    }
    expect(sent.slice(12).every(({ ssrc }) => ssrc === 2)).toBe(true);
    // The clock of the outgoing stream is real time's.
    const [first, last] = [sent[0], sent.at(-1)];
    expect(timestampDelta(last?.timestamp ?? 0, first?.timestamp ?? 0)).toBeLessThanOrEqual(100 * STEP);
    // The later one goes: the former is back within four frames.
    const back = [100, 101, 102, 103, 104].map(
      (i) => push(splice, { ssrc: 1, sequence: 1000 + i, timestamp: i * STEP }, i * 20) !== undefined,
    );
    expect(back).toEqual([false, false, false, true, true]);
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

  it.each([3001, 32_767, 32_768, 45_000, 65_437, 65_530, 131_000])(
    'does not go back when the source counts on by %i packets through a hold, in time or in no time',
    (packets) => {
      for (const holdMs of [0, packets * 20]) {
        const splice = createSplice();
        const before = push(splice, { sequence: 10, timestamp: 0 }, 0);
        const after = push(splice, { sequence: 10 + packets, timestamp: packets * STEP }, holdMs + 20);
        expect(sequenceDelta(after?.sequence ?? 0, before?.sequence ?? 0)).toBe(1);
        const passed = timestampDelta(after?.timestamp ?? 0, before?.timestamp ?? 0);
        expect(passed).toBe((holdMs / 20 + 1) * STEP);
      }
    },
  );

  it('takes an event after a long hold for no late one', () => {
    const splice = createSplice();
    push(splice, { sequence: 100, timestamp: 0 }, 0);
    const event = rtpPacket({ sequence: 100 + 65_500, timestamp: 65_500 * STEP });
    expect(splice.applyEvent(event, CLOCK, 65_500 * 20)).toBe(true);
    expect(sequenceOf(event)).toBe(65_531);
  });

  it('lets nothing pass twice', () => {
    const splice = createSplice();
    const numbers = [1, 2, 2, 3, 2, 3, 4].map(
      (sequence) => push(splice, { sequence, timestamp: sequence * STEP }, sequence * 20) !== undefined,
    );
    expect(numbers).toEqual([true, true, false, true, false, false, true]);
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
