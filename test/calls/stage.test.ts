import { describe, expect, it } from 'vitest';
import { callRecordOf } from '../../src/calls/index.ts';
import { causeOf, DEFAULT_FALLBACK, type FallbackCause } from '../../src/dialplan/cause.ts';
import type { LegId } from '../../src/kernel/index.ts';
import { Driven, stage, words } from './fixtures.ts';

const TIME_OVER = { kind: 'no-answer' } as const;

function hunt(on: readonly FallbackCause[] = DEFAULT_FALLBACK): Driven {
  const driven = new Driven();
  driven.hunt(stage(['b'], on), stage(['c', 'd'], on), stage(['e'], on));
  return driven;
}

describe('a hunt', () => {
  it('rings one stage, and the next when its time is over', () => {
    const driven = new Driven();
    expect(words(driven.hunt(stage(['b']), stage(['c', 'd'])))).toEqual(['open-port a', 'set-timer', 'ring b']);
    expect(words(driven.feed(TIME_OVER))).toEqual([
      'cancel b',
      'close-port b',
      'clear-timer',
      'set-timer',
      'ring c',
      'ring d',
    ]);
    expect(words(driven.answer('d'))).toEqual(['clear-timer', 'answer-caller d', 'cancel c', 'close-port c']);
    driven.feed({ kind: 'caller-answered', codec: 'PCMU' });
    const { legs, answeredBy } = callRecordOf(driven.call);
    expect(answeredBy).toBe('d');
    expect(legs.map(({ legId, stage: of, sipStatus }) => [legId, of, sipStatus])).toEqual([
      ['a', undefined, 200],
      ['b', 0, 487],
      ['c', 1, 487],
      ['d', 1, 200],
    ]);
  });

  it.each([408, 480, 404, 487, 500, 503, 302, 488])('goes on at once after %i', (status) => {
    const driven = hunt();
    expect(words(driven.fail('b', status))).toEqual(['close-port b', 'clear-timer', 'set-timer', 'ring c', 'ring d']);
  });

  it.each([486, 600, 603, 607, 608, 606])('never goes on after %i by itself', (status) => {
    const driven = hunt();
    expect(words(driven.fail('b', status))).toContain(`refuse-caller ${status}`);
    expect(driven.call.branches).toHaveLength(1);
  });

  it.each<[FallbackCause, number]>([
    ['busy', 486],
    ['busy', 600],
    ['declined', 603],
    [486, 486],
    [403, 403],
  ])('goes on after %s when the rule says so (%i)', (cause, status) => {
    expect(words(hunt([cause]).fail('b', status))).toContain('ring c');
    expect(words(hunt([cause]).fail('b', 480))).toContain('refuse-caller 480');
  });

  it('asks every phone of a fork: one busy line among silent ones ends it', () => {
    const driven = hunt();
    driven.feed(TIME_OVER);
    driven.fail('c', 486);
    expect(words(driven.feed(TIME_OVER))).toContain('refuse-caller 486');
  });

  it('lets a 6xx stop the other phones of its stage, and goes on where the rule allows', () => {
    const driven = hunt(['declined', 'no-answer']);
    driven.feed(TIME_OVER);
    expect(words(driven.fail('c', 603))).toEqual([
      'close-port c',
      'cancel d',
      'close-port d',
      'clear-timer',
      'set-timer',
      'ring e',
    ]);
  });

  it('passes over a stage with nobody to ring', () => {
    const driven = new Driven();
    expect(words(driven.hunt(stage([]), stage(['b']), stage([])))).toContain('ring b');
    expect(words(driven.fail('b', 503))).toContain('refuse-caller 480');
  });

  it('stops at a stage with nobody to ring when the rule does not go on from there', () => {
    const driven = new Driven();
    driven.hunt(stage([], ['busy']), stage(['b']));
    expect(driven.call.state).toMatchObject({ kind: 'ended', sipStatus: 480, reason: 'unavailable' });
  });

  it.each([
    ['nobody answers', TIME_OVER, 480, 'no-answer'],
    ['the last fails', { kind: 'branch-failed', legId: 'c' as LegId, sipStatus: 503 } as const, 480, 'no-answer'],
    ['the last is busy', { kind: 'branch-failed', legId: 'c' as LegId, sipStatus: 486 } as const, 486, 'busy'],
  ])('tells the caller the best of all words: %s', (_, last, status, reason) => {
    const driven = new Driven();
    driven.hunt(stage(['b']), stage(['c']));
    driven.feed(TIME_OVER);
    driven.feed(last);
    expect(driven.call.state).toMatchObject({ kind: 'ended', sipStatus: status, reason });
  });

  it('tells ringing once, however many stages ring', () => {
    const driven = hunt();
    expect(words(driven.ring('b'))).toEqual(['progress 180']);
    driven.feed(TIME_OVER);
    expect(words(driven.ring('c'))).toEqual([]);
  });

  it('lets the caller hear ringing, and other early media, after early media that is over', () => {
    const driven = new Driven();
    driven.hunt(stage(['b']), stage(['c']), stage(['d']));
    expect(words(driven.ring('b', 183, true))).toEqual(['progress 183 early b']);
    driven.fail('b', 480);
    expect(words(driven.ring('c', 183))).toEqual([]);
    expect(words(driven.ring('c'))).toEqual(['progress 180', 'ringback on']);
    expect(words(driven.fail('c', 480))).toContain('ringback off');
    expect(words(driven.ring('d', 183, true))).toEqual(['progress 183 early d']);
  });

  it('hangs up on an answer that crossed the CANCEL of its stage, and goes on ringing the next', () => {
    const driven = hunt();
    driven.feed(TIME_OVER);
    expect(driven.answer('b')).toMatchObject([{ kind: 'hang-up', reason: 'SIP;cause=408;text="No answer"' }]);
    expect(words(driven.answer('c'))).toContain('answer-caller c');
  });

  it('ends with the caller: nobody is rung any more', () => {
    const driven = hunt();
    driven.feed(TIME_OVER);
    driven.feed({ kind: 'caller-cancelled', reason: undefined });
    expect(words(driven.outputs)).not.toContain('ring e');
    expect(driven.call.state.kind).toBe('ended');
  });
});

describe('a fallback', () => {
  const desk = { on: ['busy'] as const, stages: [stage(['desk'])] };
  const night = { on: ['busy', 'no-answer', 'unavailable'] as const, stages: [stage(['n1']), stage(['n2'])] };

  it('takes over by the cause of the last stage', () => {
    const driven = new Driven();
    driven.huntOr([desk, night], stage(['b']), stage(['c']));
    expect(words(driven.fail('b', 486))).toEqual(['close-port b', 'clear-timer', 'set-timer', 'ring desk']);
    const other = new Driven();
    other.huntOr([desk, night], stage(['b']), stage(['c']));
    expect(words(other.feed(TIME_OVER))).toContain('ring c');
    expect(words(other.feed(TIME_OVER))).toContain('ring n1');
    expect(words(other.fail('n1', 480))).toContain('ring n2');
    expect(words(other.fail('n2', 480))).toContain('refuse-caller 480');
  });

  it('is rung once: after it the call ends', () => {
    const driven = new Driven();
    driven.huntOr([desk], stage(['b']));
    driven.fail('b', 486);
    expect(words(driven.fail('desk', 486))).toContain('refuse-caller 486');
  });

  it('does not take over after another cause', () => {
    const driven = new Driven();
    driven.huntOr([desk], stage(['b']));
    expect(words(driven.fail('b', 603))).toContain('refuse-caller 603');
  });

  it('serves when there was nobody to ring at all', () => {
    const driven = new Driven();
    expect(words(driven.huntOr([night], stage([])))).toContain('ring n1');
  });
});

describe('causeOf', () => {
  it.each([
    [486, 'busy'],
    [600, 'busy'],
    [603, 'declined'],
    [408, 'no-answer'],
    [480, 'unavailable'],
    [404, 'unavailable'],
    [503, 'failed'],
    [403, 'failed'],
  ])('%i is %s', (status, cause) => {
    expect(causeOf(status)).toBe(cause);
  });
});
