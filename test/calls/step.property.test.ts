import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallInput, CallOutput } from '../../src/calls/index.ts';
import { causeOf, type FallbackCause } from '../../src/dialplan/cause.ts';
import type { LegId } from '../../src/kernel/index.ts';
import { Driven, stage } from './fixtures.ts';

const BRANCHES = ['b', 'c', 'd'];
const branch = fc.constantFrom(...BRANCHES, 'f').map((name) => name as LegId);
const anyone = fc.constantFrom('a', ...BRANCHES).map((name) => name as LegId);
const status = fc.constantFrom(302, 404, 408, 480, 486, 487, 500, 503, 603);

const routed: fc.Arbitrary<CallInput> = fc
  .record({
    media: fc.constantFrom('anchored' as const, 'bypass' as const),
    names: fc.subarray(BRANCHES),
    cuts: fc.array(fc.nat(3), { maxLength: 3 }),
    on: fc.subarray<FallbackCause>(['busy', 'declined', 'no-answer', 'unavailable', 'failed', 486]),
  })
  .map(({ media, names, cuts, on }) => ({
    kind: 'routed',
    route: 'r',
    media,
    // Some stages are empty: nobody there is registered.
    fallbacks: [{ on: ['busy', 'no-answer'], stages: [stage(['f'])] }],
    stages: [0, ...cuts.toSorted((a, b) => a - b)].map((from, index, all) =>
      stage(names.slice(from, all[index + 1]), on),
    ),
  }));

const input: fc.Arbitrary<CallInput> = fc.oneof(
  { weight: 1, arbitrary: routed },
  { weight: 1, arbitrary: status.map((sipStatus): CallInput => ({ kind: 'refused', sipStatus })) },
  { weight: 2, arbitrary: branch.map((legId): CallInput => ({ kind: 'branch-invited', legId, sipCallId: 'x' })) },
  {
    weight: 3,
    arbitrary: fc
      .record({ legId: branch, early: fc.boolean(), sipStatus: fc.constantFrom(180, 181, 183) })
      .map((some): CallInput => ({ kind: 'branch-ringing', ...some })),
  },
  { weight: 3, arbitrary: branch.map((legId): CallInput => ({ kind: 'branch-answered', legId, codec: 'opus' })) },
  {
    weight: 3,
    arbitrary: fc
      .record({ legId: branch, sipStatus: status })
      .map((some): CallInput => ({ kind: 'branch-failed', ...some })),
  },
  { weight: 3, arbitrary: fc.constant<CallInput>({ kind: 'caller-answered', codec: 'opus' }) },
  { weight: 1, arbitrary: fc.constant<CallInput>({ kind: 'caller-cancelled', reason: undefined }) },
  { weight: 1, arbitrary: fc.constant<CallInput>({ kind: 'no-answer' }) },
  { weight: 1, arbitrary: anyone.map((legId): CallInput => ({ kind: 'hangup', legId })) },
  { weight: 1, arbitrary: anyone.map((legId): CallInput => ({ kind: 'media-failed', legId })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(anyone, fc.boolean())
      .map(([legId, wasHeard]): CallInput => ({ kind: 'media-timeout', legId, silentMs: 0, wasHeard })),
  },
  { weight: 1, arbitrary: status.map((sipStatus): CallInput => ({ kind: 'failed', sipStatus })) },
);

/** Any life of a call: routed at some moment or never, and shut down at last if it has not ended. */
const life = fc
  .tuple(fc.option(routed), fc.array(input, { maxLength: 30 }))
  .map(([first, rest]): CallInput[] => [...(first === null ? [] : [first]), ...rest, { kind: 'shutdown' }]);

function legsOf(outputs: readonly CallOutput[], kind: CallOutput['kind']): string[] {
  return outputs.flatMap((output) => (output.kind === kind && 'legId' in output ? [output.legId] : []));
}

function live(inputs: readonly CallInput[]): Driven {
  const driven = new Driven();
  for (const each of inputs) driven.feed(each);
  return driven;
}

describe('every call', () => {
  it('ends exactly once, and then only hangs up on late answers', () => {
    fc.assert(
      fc.property(life, (inputs) => {
        const { outputs, call } = live(inputs);
        expect(outputs.filter((output) => output.kind === 'ended')).toHaveLength(1);
        expect(call.state.kind).toBe('ended');
        const after = outputs.slice(outputs.findIndex((output) => output.kind === 'ended') + 1);
        expect(after.filter((output) => output.kind !== 'hang-up')).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('closes every port that it opened, once', () => {
    fc.assert(
      fc.property(life, (inputs) => {
        const { outputs, call } = live(inputs);
        const opened = call.media === 'bypass' ? [] : [...legsOf(outputs, 'open-port'), ...legsOf(outputs, 'ring')];
        expect(legsOf(outputs, 'close-port').toSorted()).toEqual(opened.toSorted());
      }),
      { numRuns: 500 },
    );
  });

  it('leaves no rung branch behind: each is answered, cancelled or failed', () => {
    fc.assert(
      fc.property(life, (inputs) => {
        const { call } = live(inputs);
        for (const each of call.branches) expect(['cancelled', 'failed', 'ended']).toContain(each.state.kind);
      }),
      { numRuns: 500 },
    );
  });

  it('answers the caller at most once, and hangs up each side at most once', () => {
    fc.assert(
      fc.property(life, (inputs) => {
        const { outputs } = live(inputs);
        const finals = outputs.filter((output) => output.kind === 'refuse-caller' || output.kind === 'answer-caller');
        expect(finals.length).toBeLessThanOrEqual(1);
        const hungUp = legsOf(outputs, 'hang-up');
        expect(new Set(hungUp).size).toBe(hungUp.length);
      }),
      { numRuns: 500 },
    );
  });

  it('is rung stage by stage: the next only after the words that its rule allows, and nobody twice', () => {
    fc.assert(
      fc.property(life, (inputs) => {
        const { outputs, call } = live(inputs);
        const rung = legsOf(outputs, 'ring');
        expect(new Set(rung).size).toBe(rung.length);
        for (const each of call.branches) {
          const before = call.branches.filter(({ stage: of }) => of < each.stage);
          for (const { state, stage: of } of before) {
            expect(['failed', 'cancelled', 'ended']).toContain(state.kind);
            if (state.kind !== 'failed') continue;
            const on: readonly FallbackCause[] = call.stages[of]?.on ?? [];
            const allowed: readonly FallbackCause[] =
              each.legId === 'f' && of === each.stage - 1 ? ['busy', 'no-answer'] : on;
            expect(allowed.includes(state.sipStatus) || allowed.includes(causeOf(state.sipStatus))).toBe(true);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
