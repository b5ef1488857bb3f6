import { describe, expect, it } from 'vitest';
import { FecSwitch } from '../../src/media/transcoder/index.ts';

describe('redundancy by what is lost', () => {
  it('comes at once, in steps, and not for next to nothing', () => {
    const fec = new FecSwitch();
    expect(fec.take(0.019, 0)).toBe(0);
    expect(fec.take(0.02, 1000)).toBe(0.05);
    expect(fec.take(0.049, 2000)).toBe(0.05);
    expect(fec.take(0.12, 3000)).toBe(0.2);
    expect(fec.take(0.9, 4000)).toBe(0.3);
  });

  it('goes when the loss has been gone for ten seconds', () => {
    const fec = new FecSwitch();
    fec.take(0.08, 0);
    expect(fec.take(0, 9999)).toBe(0.1);
    expect(fec.take(0, 10_000)).toBe(0);
  });

  it('stays through bouts of loss, and for a loss that would not have brought it', () => {
    const fec = new FecSwitch();
    fec.take(0.03, 0);
    for (let nowMs = 5000; nowMs < 60_000; nowMs += 5000)
      expect(fec.take(nowMs % 10_000 === 0 ? 0.03 : 0, nowMs)).toBe(0.05);
    expect(fec.take(0.01, 120_000)).toBe(0.05);
    expect(fec.take(0.004, 130_000)).toBe(0);
  });
});
