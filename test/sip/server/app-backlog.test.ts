import { describe, expect, it } from 'vitest';
import { AppBacklog } from '../../../src/sip/server/app-backlog.ts';

describe('the backlog of an application', () => {
  it('is as old as the oldest byte that was not read', () => {
    const backlog = new AppBacklog();
    const lags = [
      backlog.note(0, { written: 100, read: 100 }),
      backlog.note(20, { written: 200, read: 100 }),
      backlog.note(40, { written: 300, read: 150 }),
      backlog.note(60, { written: 300, read: 200 }),
      backlog.note(80, { written: 400, read: 300 }),
      backlog.note(100, { written: 400, read: 400 }),
    ];
    expect(lags).toEqual([0, 0, 20, 20, 0, 0]);
  });

  it('grows while nothing is read, and stays small however long that is', () => {
    const backlog = new AppBacklog();
    let lag = 0;
    for (let tick = 0; tick < 10_000; tick++) lag = backlog.note(tick * 20, { written: tick, read: 0 });
    expect(lag).toBeGreaterThan(199_000);
    expect(backlog.note(200_000, { written: 9_999, read: 9_999 })).toBe(0);
  });

  it('begins anew with another connection', () => {
    const backlog = new AppBacklog();
    backlog.note(0, { written: 5000, read: 0 });
    expect(backlog.note(1000, { written: 10, read: 10 })).toBe(0);
  });
});
