import { describe, expect, it } from 'vitest';
import {
  byStanding,
  DEFAULT_HEALTH,
  type HealthEvent,
  retryAfterMs,
  standingOf,
  stepHealth,
  UNKNOWN_HEALTH,
} from '../../src/telephony/trunk-health.ts';

const policy = { ...DEFAULT_HEALTH, failures: 3, successes: 2, suspectMs: 1_000 };
const after = (...events: readonly HealthEvent['kind'][]) =>
  events.reduce(
    (health, kind) => stepHealth(health, kind === 'overloaded' ? { kind, retryAfterMs: 5_000 } : { kind }, policy, 100),
    UNKNOWN_HEALTH,
  );

describe('the health of one address', () => {
  it('goes down after so many failures in a row, up after so many answers in a row', () => {
    const fails = 'probe-failed' as const;
    const answers = 'probe-answered' as const;
    expect(standingOf(after(fails, fails), 100)).toBe('unknown');
    expect(standingOf(after(fails, fails, answers, fails, fails), 100)).toBe('up');
    const down = [fails, fails, fails] as const;
    expect(standingOf(after(...down), 100)).toBe('down');
    expect(standingOf(after(...down, answers, fails, answers), 100)).toBe('down');
    expect(standingOf(after(...down, answers, answers), 100)).toBe('up');
  });

  it('is suspect for a while after a failed call, and cleared by one that found somebody', () => {
    const health = after('probe-answered', 'call-failed');
    expect([standingOf(health, 1_099), standingOf(health, 1_100)]).toEqual(['suspect', 'up']);
    expect(standingOf(after('call-failed', 'call-heard'), 100)).toBe('up');
  });

  it('rests as long as the server asked, with a bound', () => {
    const health = after('probe-answered', 'overloaded');
    expect([standingOf(health, 5_099), standingOf(health, 5_100)]).toEqual(['resting', 'up']);
    const greedy = stepHealth(UNKNOWN_HEALTH, { kind: 'overloaded', retryAfterMs: 1e9 }, policy, 0);
    expect(standingOf(greedy, 300_000)).toBe('unknown');
  });

  it('orders without disturbing equals; who is down comes last or not at all, who rests never', () => {
    const items = (['down', 'up', 'resting', 'suspect', 'unknown'] as const).map((standing) => ({
      item: standing,
      standing,
    }));
    expect(byStanding(items, true)).toEqual(['up', 'unknown', 'suspect', 'down']);
    expect(byStanding(items, false)).toEqual(['up', 'unknown', 'suspect']);
  });

  it('reads Retry-After', () => {
    expect(retryAfterMs('120 (in a meeting);duration=3600')).toBe(120_000);
    expect([retryAfterMs(undefined), retryAfterMs('soon')]).toEqual([undefined, undefined]);
  });
});
