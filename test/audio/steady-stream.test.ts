import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SteadyStream } from '../../src/audio/index.ts';

const SILENCE = 0xff;

function streamOf() {
  const frames: Uint8Array[] = [];
  const stream = new SteadyStream({ frameBytes: 160, frameMs: 20, silence: SILENCE, unitsPerByte: 1 }, (frame) =>
    frames.push(frame),
  );
  const packet = (index: number, nowMs = index * 20, ms = 20): void =>
    stream.take(new Uint8Array(ms * 8).fill(index + 1), (4_294_967_000 + index * 160) >>> 0, nowMs);
  const values = (): number[] => frames.map((frame) => frame[0] ?? -1);
  return { stream, frames, packet, values };
}

describe('SteadyStream', () => {
  it('passes whole frames on at once, over the wrap of the timestamp', () => {
    const { packet, values } = streamOf();
    for (let i = 0; i < 5; i++) packet(i);
    expect(values()).toEqual([1, 2, 3, 4, 5]);
  });

  it('makes silence of what was lost', () => {
    const { packet, values } = streamOf();
    for (const i of [0, 1, 4, 5]) packet(i);
    expect(values()).toEqual([1, 2, SILENCE, SILENCE, 5, 6]);
  });

  it('drops what is too late, and what came twice', () => {
    const { packet, values } = streamOf();
    for (const i of [0, 2, 1, 2, 3]) packet(i);
    expect(values()).toEqual([1, SILENCE, 3, 4]);
  });

  it('cuts packets of other lengths into frames', () => {
    const { stream, frames } = streamOf();
    for (let i = 0; i < 4; i++) stream.take(new Uint8Array(240).fill(i + 1), i * 240, i * 30);
    expect(frames.map((frame) => [frame[0], frame.at(-1)])).toEqual([
      [1, 1],
      [1, 2],
      [2, 2],
      [3, 3],
      [3, 4],
      [4, 4],
    ]);
  });

  it('goes on in silence when nothing comes, and takes up again in real time', () => {
    const { stream, packet, values } = streamOf();
    packet(0, 0);
    for (let nowMs = 20; nowMs <= 200; nowMs += 20) stream.tick(nowMs);
    expect(values()).toEqual([1, SILENCE, SILENCE, SILENCE]);
    // What was said meanwhile and comes late has had its time.
    for (let i = 1; i < 12; i++) packet(i, 220);
    expect(values().slice(4)).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('hears who is late for good: after a stall of the network that stays, or with a slow clock', () => {
    const { stream, packet, values } = streamOf();
    stream.start(0);
    let late = 0;
    for (let i = 0; i < 500; i++) {
      // From then on each packet comes a second later than it should.
      if (i === 100) late = 1000;
      const arrival = i * 20 + late;
      for (let nowMs = Math.max(0, arrival - (i === 100 ? 1000 : 0)); nowMs <= arrival; nowMs += 20) stream.tick(nowMs);
      packet(i, arrival);
    }
    const tail = values().slice(-200);
    expect(tail.filter((value) => value !== SILENCE).length).toBeGreaterThan(190);
  });

  it('keeps to real time whatever a hostile sender does', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            at: fc.integer({ min: 0, max: 60 }),
            // Steps up to a second are taken for gaps: the worst there is.
            step: fc.integer({ min: -9000, max: 9000 }),
            bytes: fc.integer({ min: 0, max: 1400 }),
          }),
          { maxLength: 80 },
        ),
        (packets) => {
          const { stream, frames } = streamOf();
          stream.start(0);
          let [nowMs, timestamp] = [0, 0];
          for (const { at, step, bytes } of packets) {
            nowMs += at;
            timestamp = (timestamp + step) >>> 0;
            stream.take(new Uint8Array(bytes), timestamp, nowMs);
            stream.tick(nowMs);
          }
          expect(frames.length * 20).toBeGreaterThanOrEqual(nowMs - 140);
          expect(frames.length * 20).toBeLessThanOrEqual(nowMs + 120 + 1200);
        },
      ),
    );
  });
});
