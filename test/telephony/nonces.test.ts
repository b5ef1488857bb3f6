import { describe, expect, it } from 'vitest';
import { Nonces } from '../../src/telephony/nonces.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const LIFETIME = 60_000;

function make(seed = 1): { clock: VirtualClock; nonces: Nonces } {
  const clock = new VirtualClock();
  return { clock, nonces: new Nonces(clock, seededRandom(seed)) };
}

describe('nonces', () => {
  it('are good for their lifetime and stale after it', () => {
    const { clock, nonces } = make();
    const nonce = nonces.issue();
    expect(nonces.use(nonce, 1, LIFETIME)).toBe('ok');
    clock.advance(LIFETIME - 1);
    expect(nonces.use(nonce, 2, LIFETIME)).toBe('ok');
    clock.advance(1);
    expect(nonces.use(nonce, 3, LIFETIME)).toBe('stale');
  });

  it('take each count once, late ones within a window', () => {
    const { nonces } = make();
    const nonce = nonces.issue();
    expect([1, 3, 2, 2, 3, 100, 40, 36].map((count) => nonces.use(nonce, count, LIFETIME))).toEqual([
      'ok',
      'ok',
      'ok',
      'replay',
      'replay',
      'ok',
      'ok',
      'replay',
    ]);
  });

  it('of another gateway or with a changed time are forged', () => {
    const { nonces } = make(1);
    const foreign = make(2).nonces.issue();
    expect(nonces.use(foreign, 1, LIFETIME)).toBe('forged');
    const [, chance, seal] = nonces.issue().split('-');
    expect(nonces.use(`zzzz-${chance}-${seal}`, 1, LIFETIME)).toBe('forged');
    expect(nonces.use('', 1, LIFETIME)).toBe('forged');
  });

  it('cost memory only while in use', () => {
    const { clock, nonces } = make();
    for (let i = 0; i < 1_000; i += 1) nonces.issue();
    expect(nonces.size).toBe(0);
    nonces.use(nonces.issue(), 1, LIFETIME);
    nonces.use(nonces.issue(), 1, LIFETIME);
    expect(nonces.size).toBe(2);
    clock.advance(LIFETIME);
    nonces.use(nonces.issue(), 1, LIFETIME);
    expect(nonces.size).toBe(1);
  });
});
