import fc from 'fast-check';
import { expect, it } from 'vitest';
import { innerPorts } from '../../src/media/inner-ports.ts';

it('keeps clear of the ports that SIP peers are told', () => {
  const range = fc
    .tuple(fc.integer({ min: 1024, max: 65_000 }), fc.integer({ min: 1, max: 30_000 }))
    .map(([min, size]) => ({ min, max: Math.min(min + size, 65_500) }));
  fc.assert(
    fc.property(range, (rtp) => {
      const inner = innerPorts(rtp);
      expect(inner.min).toBeLessThan(inner.max);
      expect(inner.max < rtp.min || inner.min > rtp.max).toBe(true);
      expect(inner.max).toBeLessThanOrEqual(65_535);
    }),
  );
});

it('goes below the usual range', () => {
  expect(innerPorts({ min: 20_000, max: 24_999 })).toEqual({ min: 10_000, max: 19_999 });
});
