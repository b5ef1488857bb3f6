import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trunksBehind } from '../../src/telephony/trunk-groups.ts';
import { TrunkGate, type TrunkLimits, takeToken } from '../../src/telephony/trunk-limits.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const gateOf = (limits: TrunkLimits, clock: VirtualClock): TrunkGate => {
  const gate = new TrunkGate(clock);
  gate.limits = limits;
  return gate;
};

describe('the limits of a trunk', () => {
  it('bound the calls of both directions together, and a place given back twice is one place', () => {
    const gate = gateOf({ calls: 2 }, new VirtualClock());
    const [first, second] = [gate.enter('inbound', false), gate.enter('outbound', false)];
    expect([first, second].includes(undefined)).toBe(false);
    expect(gate.enter('inbound', false)).toBeUndefined();
    first?.();
    first?.();
    expect(gate.load).toEqual({ inbound: 0, outbound: 1, refusedInbound: 1, refusedOutbound: 0 });
    expect(gate.enter('outbound', false)).toBeDefined();
    expect(gate.enter('outbound', false)).toBeUndefined();
  });

  it('never hold up an emergency call', () => {
    const gate = gateOf({ calls: 0, callsPerSec: 0.01 }, new VirtualClock());
    expect(gate.enter('outbound', false)).toBeUndefined();
    expect(gate.enter('outbound', true)).toBeDefined();
    expect(gate.load.outbound).toBe(1);
  });

  it('bound the rate, with a burst of one second', () => {
    const clock = new VirtualClock();
    const gate = gateOf({ callsPerSec: 5 }, clock);
    const taken = (): number => Array.from({ length: 20 }, () => gate.enter('inbound', false)).filter(Boolean).length;
    expect(taken()).toBe(5);
    clock.advance(400);
    expect(taken()).toBe(2);
    clock.advance(60_000);
    expect(taken()).toBe(5);
  });

  it('let through no more than rate × time + burst, whenever calls come', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(700), { maxLength: 200 }), fc.integer({ min: 1, max: 30 }), (gaps, rate) => {
        let bucket = { tokens: rate, at: 0 };
        let now = 0;
        let passed = 0;
        for (const gap of gaps) {
          now += gap;
          const next = takeToken(bucket, rate, now);
          if (next === undefined) continue;
          bucket = next;
          passed += 1;
          expect(passed).toBeLessThanOrEqual(rate + (now / 1000) * rate + 1e-6);
        }
      }),
    );
  });
});

describe('a trunk group', () => {
  const trunks = ['a', 'b', 'c'].map((name) => ({ name }));
  const member = (trunk: string, priority: number, weight = 1) => ({ trunk, priority, weight });

  it('is tried by priority, equals at random by weight', () => {
    const groups = [{ name: 'all', members: [member('c', 2), member('a', 1, 1), member('b', 1, 3)] }];
    const random = seededRandom(5);
    let bFirst = 0;
    for (let round = 0; round < 2_000; round++) {
      const names = trunksBehind('all', { trunks, groups }, random).map(({ name }) => name);
      expect(names[2]).toBe('c');
      if (names[0] === 'b') bFirst += 1;
    }
    expect(bFirst / 2_000).toBeCloseTo(0.75, 1);
  });

  it('may be a single trunk by its own name, or nothing', () => {
    expect(trunksBehind('b', { trunks, groups: [] }, seededRandom())).toEqual([{ name: 'b' }]);
    expect(trunksBehind('x', { trunks, groups: [] }, seededRandom())).toEqual([]);
  });
});
