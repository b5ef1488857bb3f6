import { describe, expect, test } from 'vitest';
import { MediaRecovery } from '../../../src/web/softphone/media-recovery.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

interface Bench {
  readonly clock: VirtualClock;
  readonly recovery: MediaRecovery;
  readonly told: string[];
}

function bench(): Bench {
  const clock = new VirtualClock();
  const told: string[] = [];
  const recovery = new MediaRecovery(clock, {
    onAway: (isAway) => told.push(isAway ? 'away' : 'back'),
    onDoubt: () => told.push('doubt'),
    onRestartWanted: () => told.push('restart'),
    onGaveUp: () => told.push('gave up'),
  });
  return { clock, recovery, told };
}

describe('the media of a call', () => {
  test('that is silent for a moment only is not restarted', () => {
    const { clock, recovery, told } = bench();
    recovery.onConnectionState('disconnected');
    clock.advance(499);
    recovery.onConnectionState('connected');
    clock.advance(60_000);
    expect(told).toEqual(['doubt']);
    expect(clock.timerCount).toBe(0);
  });

  test('that stays away is restarted until it is back', () => {
    const { clock, recovery, told } = bench();
    recovery.onConnectionState('disconnected');
    clock.advance(500);
    recovery.onConnectionState('connecting');
    clock.advance(3_000);
    recovery.onConnectionState('disconnected');
    recovery.onConnectionState('connected');
    expect(told).toEqual(['doubt', 'away', 'restart', 'restart', 'back']);
    expect(clock.timerCount).toBe(0);
  });

  test('that failed is restarted at once, and given up after half a minute', () => {
    const { clock, recovery, told } = bench();
    recovery.onConnectionState('failed');
    expect(told).toEqual(['away', 'restart']);
    clock.advance(29_999);
    expect(told).not.toContain('gave up');
    clock.advance(1);
    expect(told.filter((word) => word === 'gave up')).toHaveLength(1);
    expect(clock.timerCount).toBe(0);
  });

  test('of a call that is over needs nothing', () => {
    const { clock, recovery, told } = bench();
    recovery.onConnectionState('failed');
    recovery.stop();
    clock.advance(60_000);
    expect(told).toEqual(['away', 'restart']);
  });
});
