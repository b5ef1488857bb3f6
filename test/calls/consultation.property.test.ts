import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ConsultationInput,
  type ConsultationOutput,
  type ConsultationState,
  startConsultation,
  stepConsultation,
} from '../../src/calls/consultation.ts';

const status = fc.constantFrom(404, 486, 503, 603);
const input: fc.Arbitrary<ConsultationInput> = fc.oneof(
  status.map((sipStatus): ConsultationInput => ({ kind: 'target-failed', sipStatus })),
  status.map((sipStatus): ConsultationInput => ({ kind: 'join-failed', sipStatus })),
  fc.constantFrom<ConsultationInput>(
    { kind: 'target-answered' },
    { kind: 'target-gone' },
    { kind: 'complete' },
    { kind: 'cancel' },
    { kind: 'joined' },
    { kind: 'transferor-gone' },
    { kind: 'held-gone' },
    { kind: 'call-ended' },
  ),
);

interface Run {
  readonly state: ConsultationState;
  readonly inputs: readonly ConsultationInput[];
  readonly outputs: readonly ConsultationOutput[];
}

/** What the performer can feed: nobody leaves twice, and a joining has an end only once it was begun. */
function run(wanted: readonly ConsultationInput[]): Run {
  let { state, outputs } = startConsultation();
  const all = [...outputs];
  const fed: ConsultationInput[] = [];
  for (const next of wanted) {
    if (next.kind.endsWith('-gone') && fed.some(({ kind }) => kind === next.kind)) continue;
    if (next.kind.startsWith('join') && state.kind !== 'joining') continue;
    // Whoever is gone is joined with nobody.
    if (next.kind === 'joined' && fed.some(({ kind }) => kind === 'target-gone')) continue;
    ({ state, outputs } = stepConsultation(state, next));
    fed.push(next);
    all.push(...outputs);
  }
  return { state, inputs: fed, outputs: all };
}

const runs = fc.array(input, { maxLength: 14 }).map(run);
const count = (outputs: readonly ConsultationOutput[], kind: ConsultationOutput['kind']): number =>
  outputs.filter((output) => output.kind === kind).length;

describe('whatever happens in a consultation', () => {
  it('ends in one way: the first two talk again, the call is parted, or it ends', () => {
    fc.assert(
      fc.property(runs, ({ state, inputs, outputs }) => {
        const ends = ['resume', 'part', 'end-call'] as const;
        const ended = ends.reduce((sum, kind) => sum + count(outputs, kind), 0);
        const byItself = inputs.some(({ kind }) => kind === 'call-ended');
        if (state.kind !== 'over') expect(ended).toBe(0);
        else if (byItself) expect(ended).toBeLessThanOrEqual(1);
        else expect(ended).toBe(1);
      }),
    );
  });

  it('nobody talks again with somebody who has hung up', () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 14 }), (wanted) => {
        let { state } = startConsultation();
        const gone = new Set<string>();
        for (const next of wanted) {
          if (next.kind.startsWith('join') && state.kind !== 'joining') continue;
          if (state.kind !== 'over') gone.add(next.kind);
          const step = stepConsultation(state, next);
          state = step.state;
          if (count(step.outputs, 'resume') > 0) {
            expect(gone.has('transferor-gone')).toBe(false);
            expect(gone.has('held-gone')).toBe(false);
          }
        }
      }),
    );
  });

  it('lets the target go, unless that one has left or was joined', () => {
    fc.assert(
      fc.property(runs, ({ state, inputs, outputs }) => {
        if (state.kind !== 'over') return;
        const left = inputs.some(({ kind }) => kind === 'target-gone' || kind === 'target-failed');
        const isLet = count(outputs, 'call-off-target') > 0;
        expect(isLet || left || count(outputs, 'part') === 1).toBe(true);
      }),
    );
  });

  it('each step is told, the last one once', () => {
    fc.assert(
      fc.property(runs, ({ state, outputs }) => {
        const news = outputs.flatMap((output) => (output.kind === 'tell' ? [output.news] : []));
        expect(news[0]).toBe('started');
        const isLast = (each: string | undefined): boolean =>
          ['completed', 'cancelled', 'failed', 'ended', 'not-joined'].includes(each ?? '');
        if (state.kind === 'over') expect(isLast(news.at(-1))).toBe(true);
        for (const last of ['completed', 'cancelled', 'failed', 'ended'])
          expect(news.filter((each) => each === last).length).toBeLessThanOrEqual(1);
      }),
    );
  });
});
