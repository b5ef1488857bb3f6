import { describe, expect, it } from 'vitest';
import { type FlowLook, FlowProof } from '../../../src/media/edge/flow-proof.ts';

const look = (packets: number, change: Partial<FlowLook> = {}): FlowLook => ({
  source: '192.0.2.1 4000',
  ssrc: 7,
  streams: 1,
  packets,
  isPlain: true,
  ...change,
});

/** When proofs come, looking four times a second. */
function proofs(changes: Readonly<Record<number, Partial<FlowLook>>>, count: number): number[] {
  const proof = new FlowProof(2000);
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const at = Math.max(
      ...Object.keys(changes)
        .map(Number)
        .filter((from) => from <= i),
      -1,
    );
    if (proof.take(look(i * 12, changes[at]), i * 250)) times.push(i * 250);
  }
  return times;
}

describe('a stream is proven', () => {
  it('after the time without a change, and again after each such time', () => {
    expect(proofs({}, 20)).toEqual([2000, 4000]);
  });

  it.each([
    ['another source', { source: '192.0.2.1 4002' }],
    ['another SSRC', { ssrc: 8, streams: 2 }],
    ['the same SSRC that went and came between two looks', { streams: 3 }],
  ])('later when there is %s', (_, change) => {
    expect(proofs({ 4: change }, 20)).toEqual([3000]);
  });

  it('not on hold or during a digit, and not without packets', () => {
    expect(proofs({ 2: { isPlain: false } }, 20)).toEqual([]);
    expect(proofs({ 2: { packets: 24 } }, 20)).toEqual([]);
  });
});
