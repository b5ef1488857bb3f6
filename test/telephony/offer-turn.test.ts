import { describe, expect, it } from 'vitest';
import { isDialogGone, refusalOf, retryDelayOf } from '../../src/telephony/offer-turn.ts';
import { seededRandom } from '../support/seeded-random.ts';

const random = seededRandom(7);

describe('one offer at a time', () => {
  it('a free dialog takes an offer; ours under way is 491, theirs 500 with a Retry-After of 0 to 10 s', () => {
    expect(refusalOf('free', random)).toBeUndefined();
    expect(refusalOf('applying', random)).toBeUndefined();
    expect(refusalOf('ours', random)).toEqual({ status: 491, headers: {} });
    for (let round = 0; round < 50; round += 1) {
      const refusal = refusalOf('theirs', random);
      expect(refusal?.status).toBe(500);
      const seconds = Number(refusal?.headers['Retry-After']);
      expect(seconds).toBeGreaterThanOrEqual(0);
      expect(seconds).toBeLessThanOrEqual(10);
    }
  });

  it('after 491 the owner of the Call-ID waits 2.1 to 4 s, the other up to 2 s, in steps of 10 ms', () => {
    for (let round = 0; round < 200; round += 1) {
      const glare = { status: 491, retryAfter: undefined, tries: 1 };
      const owner = retryDelayOf({ ...glare, isOwner: true }, random) ?? -1;
      const other = retryDelayOf({ ...glare, isOwner: false }, random) ?? -1;
      expect(owner).toBeGreaterThanOrEqual(2_100);
      expect(owner).toBeLessThanOrEqual(4_000);
      expect(other).toBeGreaterThanOrEqual(0);
      expect(other).toBeLessThanOrEqual(2_000);
      expect([owner % 10, other % 10]).toEqual([0, 0]);
    }
  });

  it.each([
    [{ status: 500, retryAfter: '3' }, 3_000],
    [{ status: 500, retryAfter: '3600 (later)' }, 10_000],
    [{ status: 500, retryAfter: undefined }, undefined],
    [{ status: 503, retryAfter: '3' }, undefined],
    [{ status: 488, retryAfter: undefined }, undefined],
    [{ status: 200, retryAfter: undefined }, undefined],
  ])('%j is tried again after %s ms', (refusal, delay) => {
    expect(retryDelayOf({ ...refusal, tries: 1, isOwner: true }, random)).toBe(delay);
  });

  it('glare without end is given up', () => {
    expect(retryDelayOf({ status: 491, retryAfter: undefined, tries: 6, isOwner: false }, random)).toBeUndefined();
  });

  it('481 and 408 end the dialog, others do not', () => {
    expect([481, 408, 480, 488, 500].map(isDialogGone)).toEqual([true, true, false, false, false]);
  });
});
