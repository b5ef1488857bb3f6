import { describe, expect, it } from 'vitest';
import { StrayRate } from '../../src/media/stray-log.ts';

describe('packets of unknown SSRCs', () => {
  it('are no flood while ten calls change their SSRC in one second', () => {
    const rate = new StrayRate();
    for (let i = 0; i < 100; i++) expect(rate.isFlood(i * 5)).toBe(false);
  });

  it('are a flood, told once, when they come by the thousand', () => {
    const rate = new StrayRate();
    const told = Array.from({ length: 2000 }, (_, i) => rate.isFlood(i / 4)).filter(Boolean);
    expect(told).toHaveLength(1);
    expect(Array.from({ length: 600 }, () => rate.isFlood(2000)).filter(Boolean)).toHaveLength(1);
  });
});
