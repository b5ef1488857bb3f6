import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FraudBreaker } from '../../src/fraud/breaker.ts';
import { comparable } from '../../src/fraud/dialed-number.ts';
import type { FraudPolicy } from '../../src/fraud/policy.ts';

const START = Date.UTC(2026, 10, 25, 12, 0, 0);
const MINUTE = 60_000;
const policy: FraudPolicy = {
  rules: [
    { prefix: '+882', deny: true, unitsPerMinute: 1 },
    { prefix: '+8821', deny: false, unitsPerMinute: 9 },
    { prefix: '+25', deny: false, unitsPerMinute: 5, callsPerHour: 3 },
    { prefix: '0900', deny: true, unitsPerMinute: 1 },
  ],
  exitCodes: ['00', '011'],
  unitsPerMinute: 1,
  userCallsPerMinute: 4,
  userConcurrentCalls: 2,
  budget: { unitsPerHour: 100, unitsPerDay: 150 },
  budgets: { poor: { unitsPerHour: 10 } },
};

const call = (callId: string, number: string, rest: { tenant?: string; user?: string | undefined } = {}) => ({
  legId: callId,
  callId,
  numbers: [number],
  tenant: rest.tenant ?? 'main',
  user: 'user' in rest ? rest.user : undefined,
});

describe('T14 the toll-fraud breaker', () => {
  it.each([
    ['+88299123', 'prefix'],
    ['0088299123', 'prefix'],
    ['01188299123', 'prefix'],
    ['+882-99.1 23', 'prefix'],
    ['+88299123;phone-context=+49', 'prefix'],
    ['+8821234', 'pass'],
    ['09001234', 'prefix'],
    ['+4930123', 'pass'],
  ])('%s: %s', (number, verdict) => {
    expect(new FraudBreaker(policy).admit(call('c', number), START)).toBe(verdict);
  });

  it('takes the strictest of the rules for the spellings of one number', () => {
    const asked = { ...call('c', ''), numbers: ['+4930123', '09001234'] };
    expect(new FraudBreaker(policy).admit(asked, START)).toBe('prefix');
    expect(new FraudBreaker(policy).admit({ ...asked, numbers: asked.numbers.toReversed() }, START)).toBe('prefix');
  });

  it('stops a pattern of calls to one dear prefix, whatever the trunk, and lets it go on in the next hour', () => {
    const breaker = new FraudBreaker(policy);
    const verdicts = Array.from({ length: 20 }, (_, i) => breaker.admit(call(`c${i}`, `+25${i}1234`), START + i));
    expect(verdicts.filter((verdict) => verdict === 'pass')).toHaveLength(3);
    expect(breaker.admit(call('other', '+251234', { tenant: 'other' }), START + 30)).toBe('pass');
    expect(breaker.admit(call('later', '+251234'), START + 61 * MINUTE)).toBe('pass');
  });

  it('limits how fast and how much at once a user calls out', () => {
    const breaker = new FraudBreaker(policy);
    const dial = (id: string): string => breaker.admit(call(id, '+49301', { user: 'alice' }), START);
    expect([dial('a'), dial('b'), dial('c')]).toEqual(['pass', 'pass', 'user-concurrency']);
    for (const id of ['a', 'b']) breaker.ended(id, START);
    expect([dial('d'), dial('e')]).toEqual(['pass', 'pass']);
    for (const id of ['d', 'e']) breaker.ended(id, START);
    expect(dial('f')).toBe('user-rate');
    expect(breaker.admit(call('g', '+49301', { user: 'bob' }), START)).toBe('pass');
  });

  it('ends the live calls of a tenant that has used up its budget, and nobody else’s', () => {
    const breaker = new FraudBreaker(policy);
    breaker.admit(call('p', '+49301', { tenant: 'poor' }), START);
    breaker.admit(call('q', '+8821', { tenant: 'poor' }), START);
    breaker.admit(call('m', '+49301'), START);
    for (const id of ['p', 'q', 'm']) breaker.answered(id, START);
    expect(breaker.tick(START + 0.9 * MINUTE)).toEqual([]);
    const [trip] = breaker.tick(START + 1.1 * MINUTE);
    expect(trip).toEqual({ tenant: 'poor', until: START + 60 * MINUTE, legIds: ['p', 'q'] });
    expect(breaker.admit(call('r', '+49301', { tenant: 'poor' }), START + 2 * MINUTE)).toBe('budget');
    expect(breaker.admit(call('s', '+49301'), START + 2 * MINUTE)).toBe('pass');
    expect(breaker.admit(call('t', '+49301', { tenant: 'poor' }), START + 61 * MINUTE)).toBe('pass');
  });

  it('counts a call that tries one trunk after another once', () => {
    const breaker = new FraudBreaker(policy);
    for (let i = 0; i < 10; i++) {
      const leg = { ...call('c', '+251234', { user: 'alice' }), legId: `leg${i}` };
      expect(breaker.admit(leg, START)).toBe('pass');
      breaker.ended(`leg${i}`, START);
    }
  });

  it('an operator lets a tenant begin anew', () => {
    const breaker = new FraudBreaker(policy, { main: { hour: 0, unitsThisHour: 0, day: 20_782, unitsToday: 500 } });
    expect(Math.floor(START / 86_400_000)).toBe(20_782);
    expect(breaker.admit(call('a', '+49301'), START)).toBe('budget');
    breaker.reset('main');
    expect(breaker.admit(call('b', '+49301'), START)).toBe('pass');
  });

  it('charges every answered minute once, whatever the order of ticks and ends', () => {
    const events = fc.array(
      fc.record({
        id: fc.integer({ min: 0, max: 5 }),
        kind: fc.constantFrom('answer', 'tick', 'end'),
        ms: fc.nat(20_000),
      }),
    );
    fc.assert(
      fc.property(events, (all) => {
        const breaker = new FraudBreaker({ ...policy, budget: {}, userConcurrentCalls: 100 });
        for (let id = 0; id <= 5; id++) breaker.admit(call(`c${id}`, '+49301'), START);
        const answeredAt = new Map<number, number>();
        const endedIds = new Set<number>();
        let now = START;
        let owed = 0;
        for (const { id, kind, ms } of all) {
          now += ms;
          if (kind === 'tick') breaker.tick(now);
          else if (kind === 'answer' && !endedIds.has(id)) {
            breaker.answered(`c${id}`, now);
            if (!answeredAt.has(id)) answeredAt.set(id, now);
          } else if (kind === 'end' && !endedIds.has(id)) {
            breaker.ended(`c${id}`, now);
            endedIds.add(id);
            owed += answeredAt.has(id) ? now - (answeredAt.get(id) ?? 0) : 0;
          }
        }
        for (let id = 0; id <= 5; id++) {
          if (endedIds.has(id)) continue;
          breaker.ended(`c${id}`, now);
          owed += answeredAt.has(id) ? now - (answeredAt.get(id) ?? 0) : 0;
        }
        expect(breaker.ledgers.get('main')?.unitsToday ?? 0).toBeCloseTo(owed / MINUTE, 6);
        expect(breaker.paidLegs).toBe(0);
      }),
    );
  });
});

describe('a dialed number', () => {
  it('is compared without what people put between digits', () => {
    expect(comparable('(030) 12-34.5', ['00'])).toBe('03012345');
    expect(comparable('+49 (30) 12', ['00'])).toBe('+493012');
  });
});
