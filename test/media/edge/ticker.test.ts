import { describe, expect, it } from 'vitest';
import type { Clock, Timer } from '../../../src/kernel/index.ts';
import { Ticker } from '../../../src/media/edge/ticker.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

/** A clock whose timers are late, as those of a loaded machine. */
function lateClock(clock: VirtualClock, lateMs: number): Clock {
  return {
    now: () => clock.now(),
    wallTime: () => clock.wallTime(),
    after: (ms, fire): Timer => clock.after(ms + lateMs, fire),
  };
}

describe('the 20 ms clock', () => {
  it('does not drift although every timer is late', () => {
    const clock = new VirtualClock();
    let ticks = 0;
    new Ticker(lateClock(clock, 7)).add(() => ticks++);
    clock.advance(10_010);
    expect(ticks).toBe(500);
  });

  it('makes up for a short stall and skips the rest of a long one', () => {
    const clock = new VirtualClock();
    const times: number[] = [];
    let stallMs = 90;
    const ticker = new Ticker({
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      after: (ms, fire) => clock.after(ms + stallMs, fire),
    });
    ticker.add((_tick, nowMs) => times.push(nowMs));
    clock.advance(110);
    expect(times).toHaveLength(5);
    stallMs = 1000;
    clock.advance(10);
    times.length = 0;
    clock.advance(1100);
    expect(times.length).toBeGreaterThan(0);
    expect(times.length).toBeLessThanOrEqual(10);
  });

  it('runs only while somebody listens, and gives all the same count', () => {
    const clock = new VirtualClock();
    const ticker = new Ticker(clock);
    const counts: number[][] = [[], []];
    const stopFirst = ticker.add((tick) => counts[0]?.push(tick));
    clock.advance(40);
    const stopSecond = ticker.add((tick) => counts[1]?.push(tick));
    clock.advance(20);
    stopFirst();
    stopSecond();
    expect(counts).toEqual([[1, 2, 3], [3]]);
    expect(clock.timerCount).toBe(0);
  });
});
