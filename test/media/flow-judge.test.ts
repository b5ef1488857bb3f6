import { describe, expect, it } from 'vitest';
import { isReplaced, judgeFlow } from '../../src/media/flow-judge.ts';

const perSec = 8600;
const sample = (atMs: number, taken: number, all = taken) => ({ atMs, taken, all });
const before = sample(0, 0);
const last = sample(1000, perSec);

describe('a flow that mediasoup carries', () => {
  it('runs while its bytes grow, reports beside it or not', () => {
    expect(judgeFlow(undefined, undefined, before)).toEqual({ kind: 'runs' });
    expect(judgeFlow(undefined, before, last)).toEqual({ kind: 'runs' });
    expect(judgeFlow(before, last, sample(2000, 2 * perSec, 2 * perSec + 200))).toEqual({ kind: 'runs' });
  });

  it('runs when it falls quiet and nobody else sends', () => {
    expect(judgeFlow(before, last, sample(2000, perSec + 172))).toEqual({ kind: 'runs' });
  });

  it('runs whoever else sends, while it keeps its rate', () => {
    expect(judgeFlow(before, last, sample(2000, 2 * perSec, 20 * perSec))).toEqual({ kind: 'runs' });
  });

  it('is gone when it stood for the whole time', () => {
    expect(judgeFlow(before, last, sample(2000, perSec))).toEqual({ kind: 'gone', silentMs: 1000 });
  });

  it('is gone as soon as others send in its stead, for as long as is missing at least', () => {
    const verdict = judgeFlow(before, last, sample(2000, perSec * 1.5, perSec * 2));
    expect(verdict.kind).toBe('gone');
    expect(verdict.kind === 'gone' && verdict.silentMs).toBeCloseTo(400, 0);
  });
});

describe('a flow is replaced', () => {
  it('when others send and it does not', () => {
    expect(isReplaced(sample(0, 100), sample(45, 100, 272))).toBe(true);
    expect(isReplaced(sample(0, 100), sample(45, 272, 444))).toBe(false);
    expect(isReplaced(sample(0, 100), sample(45, 100))).toBe(false);
  });
});
