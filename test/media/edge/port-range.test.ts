import { describe, expect, it } from 'vitest';
import { PortRange } from '../../../src/media/edge/port-range.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function createRange(min: number, max: number): { range: PortRange; clock: VirtualClock } {
  const clock = new VirtualClock();
  return { range: new PortRange({ min, max, quarantineMs: 5000, clock, random: seededRandom() }), clock };
}

describe('the port range', () => {
  it.each([
    [31_000, 31_007, [31_000, 31_002, 31_004, 31_006]],
    [31_001, 31_007, [31_002, 31_004, 31_006]],
    [31_000, 31_006, [31_000, 31_002, 31_004]],
    [31_001, 31_002, []],
  ])('%i to %i holds the pairs that begin with an even port', (min, max, pairs) => {
    expect([...createRange(min, max).range.candidates()].toSorted((a, b) => a - b)).toEqual(pairs);
  });

  it('T23: lets a pair rest after use', () => {
    const { range, clock } = createRange(31_000, 31_001);
    range.take(31_000);
    expect([...range.candidates()]).toEqual([]);
    range.release(31_000, undefined);
    expect(range.resting).toBe(1);
    clock.advance(4999);
    expect([...range.candidates()]).toEqual([]);
    clock.advance(1);
    expect([...range.candidates()]).toEqual([31_000]);
    expect([range.resting, clock.timerCount]).toEqual([0, 0]);
  });

  it('remembers the last stream of a pair beyond its rest', () => {
    const { range, clock } = createRange(31_000, 31_003);
    range.take(31_000);
    range.release(31_000, { address: '192.0.2.1', port: 9, ssrc: 1 });
    clock.advance(60_000);
    expect(range.formerStream(31_000)).toEqual({ address: '192.0.2.1', port: 9, ssrc: 1 });
    expect(range.formerStream(31_002)).toBeUndefined();
  });

  it('gives a pair that could not be bound back without rest, and cancels its timers when stopped', () => {
    const { range, clock } = createRange(31_000, 31_001);
    range.take(31_000);
    range.giveUp(31_000);
    expect([...range.candidates()]).toEqual([31_000]);
    range.take(31_000);
    range.release(31_000, undefined);
    range.stop();
    expect(clock.timerCount).toBe(0);
  });
});
