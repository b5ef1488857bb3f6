import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BufferOutput, byteDuration, JitterBuffer, opusDuration } from '../../src/rtp/index.ts';

const FRAME = 160;
const PTIME_MS = 20;
const SSRC = 7;

interface Sent {
  readonly index: number;
  readonly atMs: number;
}

interface Stream {
  readonly firstSequence?: number;
  readonly firstTimestamp?: number;
}

const payloadOf = (index: number): Uint8Array => new Uint8Array(FRAME).fill(index & 0xff, 1).fill(index >> 8, 0, 1);
const indexOf = (payload: Uint8Array): number => ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);

function packet(index: number, { firstSequence = 1000, firstTimestamp = 50_000 }: Stream = {}) {
  return {
    ssrc: SSRC,
    sequence: (firstSequence + index) & 0xffff,
    timestamp: (firstTimestamp + index * FRAME) >>> 0,
    payload: payloadOf(index),
  };
}

/** Runs the buffer as its owner does: at every arrival, and whenever it is due. */
function run(arrivals: readonly Sent[], stream: Stream = {}, untilMs = 0) {
  const buffer = new JitterBuffer({ clockRate: 8000, durationOf: byteDuration });
  const outputs: { readonly atMs: number; readonly output: BufferOutput }[] = [];
  const drain = (atMs: number): void => {
    for (let output = buffer.next(atMs); output; output = buffer.next(atMs)) outputs.push({ atMs, output });
  };
  for (const { index, atMs } of arrivals.toSorted((a, b) => a.atMs - b.atMs)) {
    while (buffer.dueMs < atMs) drain(buffer.dueMs + 0.001);
    buffer.put(packet(index, stream), atMs);
    drain(atMs);
  }
  while (buffer.dueMs < untilMs) drain(buffer.dueMs + 0.001);
  return { buffer, outputs };
}

const inPace = (count: number): Sent[] =>
  Array.from({ length: count }, (_, index) => ({ index, atMs: index * PTIME_MS }));
const framesOf = (outputs: readonly { output: BufferOutput }[]): number[] =>
  outputs.flatMap(({ output }) => (output.kind === 'frame' ? [indexOf(output.payload)] : []));
const kindsOf = (outputs: readonly { output: BufferOutput }[]): string =>
  outputs.map(({ output }) => output.kind.charAt(0)).join('');

describe('jitter buffer', () => {
  it('holds nothing while packets come in order, whatever their jitter', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 80 }), { minLength: 50, maxLength: 200 }), (delays) => {
        let latest = 0;
        const arrivals = delays.map((delay, index) => {
          latest = Math.max(latest + 0.01, index * PTIME_MS + delay);
          return { index, atMs: latest };
        });
        // Whole in order: what is late has its time filled only when it is later than was ever seen.
        const { outputs } = run(arrivals);
        for (const { atMs, output } of outputs) {
          if (output.kind !== 'frame') continue;
          expect(atMs).toBe(arrivals[indexOf(output.payload)]?.atMs);
        }
      }),
    );
  });

  it('goes on over wraps of sequence and timestamp', () => {
    const { outputs, buffer } = run(inPace(300), { firstSequence: 65_400, firstTimestamp: 2 ** 32 - 10_000 });
    expect(framesOf(outputs)).toEqual(inPace(300).map(({ index }) => index));
    expect(outputs.filter(({ output }) => output.kind !== 'frame')).toEqual([]);
    expect(buffer.counts).toEqual({ lost: 0, late: 0, duplicate: 0 });
  });

  it('says at once that a packet is lost when the next one comes, and gives that along', () => {
    const { outputs } = run(inPace(10).filter(({ index }) => index !== 5));
    expect(kindsOf(outputs)).toBe('ffffflffff');
    const lost = outputs[5];
    expect(lost?.atMs).toBe(6 * PTIME_MS);
    expect(lost?.output.kind === 'lost' && lost.output.next && indexOf(lost.output.next)).toBe(6);
  });

  it('fills a burst of losses in the pace of the stream, and only the last with what follows', () => {
    const { outputs } = run(inPace(20).filter(({ index }) => index < 10 || index > 12));
    expect(kindsOf(outputs)).toBe('fffffffffflllfffffff');
    const lost = outputs.slice(10, 13);
    // When the successor is well overdue too, or what is behind the gap has come.
    expect(lost.map(({ atMs }) => Math.round(atMs))).toEqual([244, 260, 260]);
    expect(lost.map(({ output }) => output.kind === 'lost' && output.next !== undefined)).toEqual([false, false, true]);
  });

  it('stops filling after 120 ms, and goes on with what comes then', () => {
    const { outputs } = run(inPace(60).filter(({ index }) => index < 10 || index >= 50));
    expect(kindsOf(outputs)).toBe(`${'f'.repeat(10)}llllll${'f'.repeat(10)}`);
    const after = outputs[16]?.output;
    expect(after).toMatchObject({ kind: 'frame', isStart: false });
    expect((after?.timestamp ?? 0) - (outputs[9]?.output.timestamp ?? 0)).toBe(41 * FRAME);
  });

  it('waits for what is late once packets have been late, and no longer when they are not any more', () => {
    const swapped = (from: number, to: number) =>
      inPace(2000).map(({ index, atMs }) => ({
        index,
        atMs: index >= from && index < to && index % 4 === 1 ? atMs + 50 : atMs,
      }));
    const { outputs, buffer } = run(swapped(200, 600));
    expect(buffer.waitMs).toBe(0);
    // The first few are lost until the measure knows; then every one is waited for.
    const lost = outputs.flatMap(({ output }, at) => (output.kind === 'lost' ? [at] : []));
    expect(lost.length).toBeLessThan(15);
    expect(Math.max(...lost)).toBeLessThan(260);
    expect(framesOf(outputs)).toEqual([...framesOf(outputs)].toSorted((a, b) => a - b));
    const held = run(swapped(200, 600).slice(0, 590)).buffer;
    expect(held.waitMs).toBeGreaterThanOrEqual(50);
    expect(held.waitMs).toBeLessThanOrEqual(60);
  });

  it('loses, doubles and mixes up at random: every packet at most once, in order, and time never stands still', () => {
    const chaos = fc.array(
      fc.record({
        fate: fc.integer({ min: 0, max: 99 }),
        delay: fc.integer({ min: 0, max: 100 }),
      }),
      { minLength: 100, maxLength: 400 },
    );
    fc.assert(
      fc.property(chaos, fc.integer({ min: 0, max: 0xffff }), (fates, firstSequence) => {
        const arrivals = fates.flatMap(({ fate, delay }, index) => {
          const one = { index, atMs: index * PTIME_MS + delay };
          if (index > 0 && fate < 10) return [];
          return fate > 95 ? [one, { index, atMs: one.atMs + 7 }] : [one];
        });
        const stream = { firstSequence, firstTimestamp: 2 ** 32 - 4000 };
        const { outputs, buffer } = run(arrivals, stream, fates.length * PTIME_MS + 1000);
        const frames = framesOf(outputs);
        expect(frames).toEqual([...new Set(frames)].toSorted((a, b) => a - b));
        for (const [at, { output }] of outputs.entries()) {
          const before = outputs[at - 1]?.output;
          if (before && 'duration' in before)
            expect(output.timestamp).toBeGreaterThanOrEqual(before.timestamp + before.duration);
        }
        const { late, duplicate } = buffer.counts;
        expect(frames.length + late + duplicate).toBe(arrivals.length);
      }),
    );
  });

  it('begins anew with another SSRC, a restarted sequence, a clock set back or far ahead', () => {
    const changes: readonly Partial<ReturnType<typeof packet>>[] = [
      { ssrc: 99 },
      { sequence: 40_000 },
      { timestamp: 3_000_000 },
      { timestamp: 50_000 - 30_000 },
    ];
    for (const change of changes) {
      const buffer = new JitterBuffer({ clockRate: 8000, durationOf: byteDuration });
      const starts = Array.from({ length: 20 }, (_, index) => {
        const one = packet(index);
        const other = { ...one, ...change };
        const shifted = {
          ssrc: other.ssrc,
          sequence: other.sequence === one.sequence ? one.sequence : other.sequence + index,
          timestamp: other.timestamp === one.timestamp ? one.timestamp : other.timestamp + index * FRAME,
          payload: one.payload,
        };
        buffer.put(index < 10 ? one : shifted, index * PTIME_MS);
        const output = buffer.next(index * PTIME_MS);
        return output?.kind === 'frame' && output.isStart;
      });
      expect(starts).toEqual(starts.map((_, index) => index === 0 || index === 10));
    }
  });

  it('takes a telephone-event for no loss, and fills nothing in beside it', () => {
    const buffer = new JitterBuffer({ clockRate: 8000, durationOf: byteDuration });
    const kinds: string[] = [];
    for (let index = 0; index < 40; index++) {
      const atMs = index * PTIME_MS;
      const one = packet(index);
      if (index >= 10 && index < 30) buffer.pass(one.ssrc, one.sequence);
      else buffer.put(one, atMs);
      for (let output = buffer.next(atMs); output; output = buffer.next(atMs)) kinds.push(output.kind);
    }
    expect(kinds).toEqual(Array.from({ length: 20 }, () => 'frame'));
    expect(buffer.counts.lost).toBe(0);
  });

  it('fills silence that was announced, and goes on with speech that comes late', () => {
    const buffer = new JitterBuffer({ clockRate: 8000, durationOf: byteDuration });
    const outputs: BufferOutput[] = [];
    const drain = (atMs: number): void => {
      for (let output = buffer.next(atMs); output; output = buffer.next(atMs)) outputs.push(output);
    };
    for (let index = 0; index < 10; index++) {
      buffer.put(packet(index), index * PTIME_MS);
      drain(index * PTIME_MS);
    }
    buffer.put({ ...packet(10), payload: Uint8Array.of(70), isNoise: true }, 200);
    for (let atMs = 200; atMs < 1250; atMs += 5) drain(atMs);
    const silent = outputs.filter(({ kind }) => kind === 'silence').length;
    expect(silent).toBeGreaterThan(47);
    // Sequence 11, one second later, 50 ms late.
    buffer.put({ ...packet(60), sequence: 1011 }, 1250);
    drain(1250);
    expect(outputs.at(-1)).toMatchObject({ kind: 'frame', isStart: false });
    expect(buffer.counts).toEqual({ lost: 0, late: 0, duplicate: 0 });
  });

  it('fills silence whose announcement came too late to be played', () => {
    const buffer = new JitterBuffer({ clockRate: 48_000, durationOf: opusDuration });
    const kinds: string[] = [];
    const drain = (atMs: number): void => {
      for (let output = buffer.next(atMs); output; output = buffer.next(atMs)) kinds.push(output.kind);
    };
    const frame = { ssrc: SSRC, payload: Uint8Array.of(8, 1, 2, 3) };
    for (let index = 0; index < 10; index++) {
      buffer.put({ ...frame, sequence: index, timestamp: index * 960 }, index * PTIME_MS);
      drain(index * PTIME_MS);
    }
    for (let atMs = 200; atMs < 400; atMs += 5) drain(atMs);
    expect(kinds).not.toContain('silence');
    buffer.put({ ...frame, payload: Uint8Array.of(8), sequence: 10, timestamp: 9600 }, 400);
    for (let atMs = 400; atMs < 1400; atMs += 5) drain(atMs);
    expect(kinds.filter((kind) => kind === 'silence').length).toBeGreaterThan(45);
  });
});

describe('duration of payloads', () => {
  it.each([
    // Configuration, code, frames: SILK, hybrid, CELT (RFC 6716 §3.1).
    [[0 << 3], 480],
    [[1 << 3], 960],
    [[3 << 3], 2880],
    [[(9 << 3) | 1], 1920],
    [[13 << 3], 960],
    [[12 << 3], 480],
    [[16 << 3], 120],
    [[31 << 3], 960],
    [[(31 << 3) | 3, 6], 5760],
    [[(31 << 3) | 3, 7], 0],
    [[], 0],
  ])('of Opus %j', (bytes, duration) => {
    expect(opusDuration(Uint8Array.from(bytes))).toBe(duration);
  });
});
