import { describe, expect, it } from 'vitest';
import { SilenceWatch } from '../../src/rtp/index.ts';

const SEC = 1000;
const bounds = { talkingMs: 60 * SEC, restingMs: 3600 * SEC };

/** Looks four times a second, as a port does; when silence was told. */
function toldIn(watch: SilenceWatch, fromSec: number, toSec: number, each?: (nowMs: number) => void): number[] {
  const told: number[] = [];
  for (let nowMs = fromSec * SEC; nowMs <= toSec * SEC; nowMs += 250) {
    each?.(nowMs);
    if (watch.due(nowMs)) told.push(nowMs / SEC);
  }
  return told;
}

function talking(): SilenceWatch {
  const watch = new SilenceWatch(0);
  watch.expect(bounds, false, 0);
  watch.heard(0, false);
  return watch;
}

describe('the silence of a remote', () => {
  it('is death after the bound, and is told again after as much more', () => {
    const watch = talking();
    expect(watch.due(60 * SEC - 1)).toBeUndefined();
    expect(watch.due(60 * SEC)).toEqual({ silentMs: 60 * SEC, wasHeard: true });
    expect(toldIn(watch, 60.25, 200)).toEqual([120, 180]);
  });

  it('is none while reports come: a muted room stays for ten minutes', () => {
    const watch = talking();
    const reports = (nowMs: number): void => {
      if (nowMs % (5 * SEC) === 0) watch.sensed(nowMs);
    };
    expect(toldIn(watch, 0, 600, reports)).toEqual([]);
    expect(toldIn(watch, 600.25, 700)).toEqual([660]);
  });

  it('is none while audio comes, be it one packet in a while', () => {
    const watch = talking();
    const audio = (nowMs: number): void => {
      if (nowMs % (59 * SEC) === 0) watch.heard(nowMs, false);
    };
    expect(toldIn(watch, 0, 600, audio)).toEqual([]);
  });

  it('may last on hold, and begins anew after it', () => {
    const watch = talking();
    watch.expect(bounds, true, 10 * SEC);
    expect(toldIn(watch, 10, 3600)).toEqual([]);
    watch.expect(bounds, false, 3600 * SEC);
    expect(toldIn(watch, 3600, 3700)).toEqual([3660]);
  });

  it('ends a forgotten hold', () => {
    const watch = talking();
    watch.expect(bounds, true, 0);
    expect(toldIn(watch, 0, 4000)).toEqual([3600]);
  });

  it('may last after comfort noise, until somebody speaks', () => {
    const watch = talking();
    watch.heard(SEC, true);
    expect(toldIn(watch, 1, 600)).toEqual([]);
    watch.heard(600 * SEC, false);
    expect(toldIn(watch, 600, 700)).toEqual([660]);
  });

  it('is told apart when it has never spoken, and is not missed on hold', () => {
    const watch = new SilenceWatch(0);
    watch.expect(bounds, false, 0);
    expect(watch.due(60 * SEC)).toEqual({ silentMs: 60 * SEC, wasHeard: false });
    watch.expect(bounds, true, 60 * SEC);
    expect(toldIn(watch, 60, 4000)).toEqual([]);
  });

  it('is never told without bounds', () => {
    const watch = talking();
    watch.expect(undefined, false, 0);
    expect(toldIn(watch, 0, 10_000)).toEqual([]);
    expect(watch.isHalfOver(10_000 * SEC)).toBe(false);
    watch.expect({ talkingMs: 0, restingMs: 60 * SEC }, false, 0);
    expect(toldIn(watch, 0, 10_000)).toEqual([]);
  });

  it('is half over in the middle', () => {
    const watch = talking();
    expect(watch.isHalfOver(30 * SEC - 1)).toBe(false);
    expect(watch.isHalfOver(30 * SEC)).toBe(true);
  });
});
