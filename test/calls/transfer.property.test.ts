import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  startTransfer,
  stepTransfer,
  type TransferInput,
  type TransferMethod,
  type TransferOutput,
  type TransferState,
} from '../../src/calls/transfer.ts';

const status = fc.constantFrom(100, 180, 183, 200, 302, 404, 486, 603);
const input: fc.Arbitrary<TransferInput> = fc.oneof(
  fc.boolean().map((isSilent): TransferInput => ({ kind: 'refer-accepted', isSilent })),
  status.map((sipStatus): TransferInput => ({ kind: 'refer-told', sipStatus })),
  fc.constantFrom(180, 183).map((sipStatus): TransferInput => ({ kind: 'target-progress', sipStatus })),
  fc.constantFrom(404, 486, 503, 603).map((sipStatus): TransferInput => ({ kind: 'target-failed', sipStatus })),
  fc.constantFrom<TransferInput>(
    { kind: 'refer-refused' },
    { kind: 'timeout' },
    { kind: 'target-joined' },
    { kind: 'transferor-gone' },
    { kind: 'transferee-gone' },
    { kind: 'call-ended' },
  ),
);

interface Run {
  readonly states: readonly TransferState[];
  readonly inputs: readonly TransferInput[];
  readonly outputs: readonly TransferOutput[];
}

/** What the performer can feed: nothing of a target that is not being called, nobody leaves twice. */
function run(method: TransferMethod, wanted: readonly TransferInput[]): Run {
  let { state, outputs } = startTransfer(method);
  const all = [...outputs];
  const states = [state];
  const fed: TransferInput[] = [];
  for (const next of wanted) {
    const isOfTarget = next.kind.startsWith('target-');
    if (isOfTarget && state.kind !== 'calling') continue;
    if (next.kind.endsWith('-gone') && fed.some((each) => each.kind === next.kind)) continue;
    ({ state, outputs } = stepTransfer(state, next));
    fed.push(next);
    states.push(state);
    all.push(...outputs);
  }
  return { states, inputs: fed, outputs: all };
}

const count = (outputs: readonly TransferOutput[], kind: TransferOutput['kind']): number =>
  outputs.filter((output) => output.kind === kind).length;

const runs = fc
  .tuple(fc.constantFrom<TransferMethod>('forward', 'call'), fc.array(input, { maxLength: 14 }))
  .map(([method, inputs]) => run(method, inputs));

describe('whatever happens in a transfer', () => {
  it('nobody is left without an end: the transferor hung up means joined, let go, or still in the making', () => {
    fc.assert(
      fc.property(runs, ({ states, inputs, outputs }) => {
        const last = states.at(-1);
        const isGone = inputs.some((each) => each.kind === 'transferor-gone');
        if (last?.kind !== 'over') return;
        const overAt = states.findIndex((state) => state.kind === 'over');
        const wasGone = inputs.slice(0, overAt).some((each) => each.kind === 'transferor-gone');
        const hasEnd = count(outputs, 'complete') + count(outputs, 'end-call') === 1;
        const isEndedAnyway = inputs.slice(0, overAt).some((each) => each.kind === 'call-ended');
        if (isGone && wasGone && !isEndedAnyway) expect(hasEnd).toBe(true);
        expect(count(outputs, 'complete') + count(outputs, 'end-call')).toBeLessThanOrEqual(1);
      }),
      { numRuns: 3_000 },
    );
  });

  it('a target that was called is joined, has failed, or is called off', () => {
    fc.assert(
      fc.property(runs, ({ states, inputs, outputs }) => {
        if (states.at(-1)?.kind !== 'over' || count(outputs, 'call-target') === 0) return;
        const overAt = states.findIndex((state) => state.kind === 'over');
        const settled = inputs
          .slice(0, overAt)
          .filter((each) => each.kind === 'target-joined' || each.kind === 'target-failed');
        expect(settled.length + count(outputs, 'cancel-target')).toBe(1);
        expect(count(outputs, 'call-target')).toBe(1);
      }),
      { numRuns: 3_000 },
    );
  });

  it('the transferor hears one last word if it is there, and none after it or after it has gone', () => {
    fc.assert(
      fc.property(runs, ({ states, inputs, outputs }) => {
        const words = outputs.filter((output) => output.kind === 'notify');
        const lasts = words.filter((word) => word.isLast);
        expect(lasts.length).toBeLessThanOrEqual(1);
        if (lasts.length === 1) expect(words.at(-1)).toBe(lasts[0]);
        const overAt = states.findIndex((state) => state.kind === 'over');
        const before = inputs.slice(0, overAt);
        const isHeard = !before.some((each) => each.kind === 'transferor-gone' || each.kind === 'call-ended');
        if (overAt > 0) expect(lasts.length).toBe(isHeard ? 1 : 0);
      }),
      { numRuns: 3_000 },
    );
  });

  it('no timer is left running', () => {
    fc.assert(
      fc.property(runs, ({ states, inputs, outputs }) => {
        if (states.at(-1)?.kind !== 'over') return;
        let isSet = false;
        for (const output of outputs) {
          if (output.kind === 'set-timer') isSet = true;
          if (output.kind === 'clear-timer') isSet = false;
        }
        // The timer that has just fired needs no clearing.
        const overAt = states.findIndex((state) => state.kind === 'over');
        if (inputs[overAt - 1]?.kind !== 'timeout') expect(isSet).toBe(false);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('a transfer', () => {
  const kinds = (method: TransferMethod, ...inputs: TransferInput[]): unknown[] =>
    run(method, inputs).outputs.map((output) =>
      output.kind === 'notify' ? `${output.sipStatus}${output.isLast ? '.' : ''}` : output.kind,
    );

  it('tells 100, 180 and 200, and completes', () => {
    expect(
      kinds(
        'call',
        { kind: 'target-progress', sipStatus: 180 },
        { kind: 'target-progress', sipStatus: 180 },
        { kind: 'target-joined' },
      ),
    ).toEqual(['100', 'call-target', '180', '200.', 'complete']);
  });

  it('that fails leaves the call as it was', () => {
    expect(kinds('call', { kind: 'target-failed', sipStatus: 486 })).toEqual(['100', 'call-target', '486.']);
  });

  it('whose transferor hung up goes on, and lets the transferee go when it fails', () => {
    expect(
      kinds(
        'call',
        { kind: 'transferor-gone' },
        { kind: 'target-progress', sipStatus: 180 },
        { kind: 'target-failed', sipStatus: 486 },
      ),
    ).toEqual(['100', 'call-target', 'end-call']);
  });

  it('refused by the transferee is done by ourselves', () => {
    expect(kinds('forward', { kind: 'refer-refused' }, { kind: 'target-joined' })).toEqual([
      '100',
      'forward-refer',
      'clear-timer',
      'call-target',
      '200.',
      'complete',
    ]);
  });

  it('taken by a transferee that then says nothing is done by ourselves, but not after it told of progress', () => {
    const taken: TransferInput = { kind: 'refer-accepted', isSilent: false };
    expect(kinds('forward', taken, { kind: 'timeout' })).toContain('call-target');
    const heard = kinds('forward', taken, { kind: 'refer-told', sipStatus: 100 }, { kind: 'timeout' });
    expect(heard).not.toContain('call-target');
    expect(heard.at(-1)).toBe('408.');
  });
});
