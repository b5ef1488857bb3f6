import { array, assert, boolean, nat, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TimerQueue } from '../../../src/sip/engine/timer-queue.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const raise = (error: unknown): void => {
  throw error;
};

describe('TimerQueue', () => {
  test('fires every timer at its time, and none that was cancelled', () => {
    const plans = array(record({ at: nat(50), ms: nat(5).map((step) => step * 100), isCancelled: boolean() }), {
      maxLength: 40,
    });
    assert(
      property(plans, (all) => {
        const clock = new VirtualClock();
        const queue = new TimerQueue(clock, raise);
        const fired: number[] = [];
        const sorted = all.toSorted((a, b) => a.at - b.at);
        for (const plan of sorted) {
          clock.advance(plan.at - clock.now());
          const timer = queue.after(plan.ms, () => fired.push(clock.now() - plan.at - plan.ms));
          if (plan.isCancelled) timer.cancel();
        }
        clock.advance(1000);
        expect(fired).toEqual(all.filter((plan) => !plan.isCancelled).map(() => 0));
        expect(queue.size).toBe(0);
      }),
    );
  });

  test('many timers of one duration need one of the clock', () => {
    const clock = new VirtualClock();
    const queue = new TimerQueue(clock, raise);
    for (let count = 0; count < 1000; count++) queue.after(500, () => {});
    expect(clock.timerCount).toBe(1);
    expect(queue.size).toBe(1000);
  });

  test('a timer may set another of the same duration, and cancel its neighbour', () => {
    const clock = new VirtualClock();
    const queue = new TimerQueue(clock, raise);
    const fired: string[] = [];
    queue.after(100, () => {
      fired.push('first');
      neighbour.cancel();
      queue.after(100, () => fired.push('second'));
    });
    const neighbour = queue.after(100, () => fired.push('neighbour'));
    clock.advance(199);
    expect(fired).toEqual(['first']);
    clock.advance(1);
    expect(fired).toEqual(['first', 'second']);
    expect(clock.timerCount).toBe(0);
  });

  test('a timer set by another one does not hold up those that wait already', () => {
    const clock = new VirtualClock();
    const queue = new TimerQueue(clock, raise);
    const fired: number[] = [];
    queue.after(100, () => queue.after(100, () => fired.push(clock.now())));
    clock.advance(10);
    queue.after(100, () => fired.push(clock.now()));
    clock.advance(1000);
    expect(fired).toEqual([110, 200]);
    expect(clock.timerCount).toBe(0);
  });

  test('a timer that throws is told of, and the others go on', () => {
    const clock = new VirtualClock();
    const failures: unknown[] = [];
    const queue = new TimerQueue(clock, (error) => failures.push(error));
    const fired: string[] = [];
    const mistake = new Error('mistake');
    queue.after(100, () => raise(mistake));
    queue.after(100, () => fired.push('same time'));
    clock.advance(100);
    queue.after(100, () => fired.push('later'));
    clock.advance(100);
    expect(failures).toEqual([mistake]);
    expect(fired).toEqual(['same time', 'later']);
  });
});
