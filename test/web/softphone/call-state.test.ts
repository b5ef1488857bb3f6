import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CallInput, type CallState, idle, isBusy, step } from '../../../src/web/softphone/call-state.ts';

const run = (...inputs: readonly CallInput[]): CallState =>
  inputs.reduce((call, input, i) => step(call, input, i * 1000), idle);

describe('the call of the softphone', () => {
  test('an outgoing call: dialed, ringing, talking, over', () => {
    expect(run({ kind: 'dialed', remote: 'bob' })).toEqual({ kind: 'calling', remote: 'bob' });
    const ringing = run({ kind: 'dialed', remote: 'bob' }, { kind: 'progressed', hasEarlyMedia: false });
    expect(ringing).toEqual({ kind: 'ringing', remote: 'bob', hasEarlyMedia: false });
    const active = step(ringing, { kind: 'established' }, 5000);
    expect(active).toEqual({
      kind: 'active',
      remote: 'bob',
      since: 5000,
      isMuted: false,
      isHeld: false,
      isHeldByOther: false,
      isReconnecting: false,
      transfer: undefined,
      video: undefined,
    });
    expect(step(active, { kind: 'ended', trouble: undefined }, 65_000)).toEqual({
      kind: 'ended',
      remote: 'bob',
      durationMs: 60_000,
      trouble: undefined,
      transferredTo: undefined,
    });
  });

  test('early media after a plain 180 stops the ringback for good', () => {
    const early = run(
      { kind: 'dialed', remote: 'bob' },
      { kind: 'progressed', hasEarlyMedia: false },
      { kind: 'progressed', hasEarlyMedia: true },
      { kind: 'progressed', hasEarlyMedia: false },
    );
    expect(early).toMatchObject({ kind: 'ringing', hasEarlyMedia: true });
  });

  test('an incoming call is answered before it talks', () => {
    expect(run({ kind: 'invited', remote: 'bob', hasVideo: false }, { kind: 'established' })).toMatchObject({
      kind: 'incoming',
    });
    expect(
      run({ kind: 'invited', remote: 'bob', hasVideo: false }, { kind: 'accepted' }, { kind: 'established' }),
    ).toMatchObject({
      kind: 'active',
    });
  });

  test('video is there from the answer on, or not, and what is told again changes nothing', () => {
    const active = run({ kind: 'dialed', remote: 'bob' }, { kind: 'established' });
    const seen = step(active, { kind: 'video', video: { isCameraOff: false, trouble: undefined } }, 0);
    expect(seen).toMatchObject({ kind: 'active', video: { isCameraOff: false } });
    expect(step(seen, { kind: 'video', video: { isCameraOff: false, trouble: undefined } }, 0)).toBe(seen);
    expect(step(seen, { kind: 'video', video: undefined }, 0)).toEqual(active);
    const ringing = run({ kind: 'invited', remote: 'bob', hasVideo: true });
    expect(step(ringing, { kind: 'video', video: { isCameraOff: false, trouble: undefined } }, 0)).toBe(ringing);
  });

  test('a second call does not disturb the first', () => {
    const call = run({ kind: 'invited', remote: 'bob', hasVideo: false });
    expect(step(call, { kind: 'invited', remote: 'carol', hasVideo: false }, 0)).toBe(call);
    expect(step(call, { kind: 'dialed', remote: 'carol' }, 0)).toBe(call);
  });

  test('a transfer that fails leaves the call, one that is done ends it', () => {
    const active = run(
      { kind: 'dialed', remote: 'bob' },
      { kind: 'established' },
      { kind: 'transferring', to: 'carol' },
    );
    expect(active).toMatchObject({ kind: 'active', transfer: { kind: 'running', to: 'carol' } });
    const failed = step(active, { kind: 'transfer-failed', trouble: 'busy' }, 3_000);
    expect(failed).toMatchObject({ kind: 'active', transfer: { kind: 'failed', to: 'carol', trouble: 'busy' } });
    // A NOTIFY that comes late changes nothing.
    expect(step(failed, { kind: 'transferred' }, 3_000)).toBe(failed);
    expect(step(active, { kind: 'transferred' }, 4_000)).toMatchObject({ kind: 'ended', transferredTo: 'carol' });
  });

  test('hold of either side is told apart', () => {
    const active = run({ kind: 'dialed', remote: 'bob' }, { kind: 'established' });
    const held = step(active, { kind: 'held', isHeld: true }, 0);
    expect(step(held, { kind: 'held-by-other', isHeld: true }, 0)).toMatchObject({ isHeld: true, isHeldByOther: true });
    expect(step(idle, { kind: 'held', isHeld: true }, 0)).toBe(idle);
  });

  const inputs = fc.oneof(
    fc.record({ kind: fc.constantFrom('held' as const, 'held-by-other' as const), isHeld: fc.boolean() }),
    fc.record({ kind: fc.constant('transferring' as const), to: fc.string() }),
    fc.record({ kind: fc.constant('transferred' as const) }),
    fc.record({ kind: fc.constant('transfer-failed' as const), trouble: fc.constant('busy' as const) }),
    fc.record({ kind: fc.constant('dialed' as const), remote: fc.string() }),
    fc.record({ kind: fc.constant('invited' as const), remote: fc.string(), hasVideo: fc.boolean() }),
    fc.record({ kind: fc.constant('progressed' as const), hasEarlyMedia: fc.boolean() }),
    fc.record({ kind: fc.constantFrom('accepted' as const, 'established' as const, 'dismissed' as const) }),
    fc.record({ kind: fc.constant('muted' as const), isMuted: fc.boolean() }),
    fc.record({ kind: fc.constant('ended' as const), trouble: fc.constantFrom(undefined, 'busy' as const) }),
  );

  test('whatever happens, an end ends it, and only a new call leaves the end', () => {
    fc.assert(
      fc.property(fc.array(inputs), (list) => {
        const ended = step(run(...list), { kind: 'ended', trouble: undefined }, 0);
        expect(isBusy(ended)).toBe(false);
        for (const kind of ['accepted', 'established'] as const) expect(step(ended, { kind }, 0)).toBe(ended);
      }),
    );
  });
});
