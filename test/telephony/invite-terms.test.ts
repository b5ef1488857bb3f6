import { describe, expect, it } from 'vitest';
import { reliabilityOf } from '../../src/telephony/reliability.ts';
import { answeredTimer, minSeOf, offeredTimer, type SessionTimerPolicy } from '../../src/telephony/session-timer.ts';

const headers =
  (values: Readonly<Record<string, string>>) =>
  (name: string): string | undefined =>
    values[name];

describe('reliable provisional responses', () => {
  it.each([
    ['off', {}, { kind: 'accepted', isReliable: false }],
    ['off', { Supported: '100rel' }, { kind: 'accepted', isReliable: false }],
    ['off', { Require: '100rel' }, { kind: 'refused', status: 420, headers: { Unsupported: '100rel' } }],
    ['supported', {}, { kind: 'accepted', isReliable: false }],
    ['supported', { Supported: 'timer, 100REL' }, { kind: 'accepted', isReliable: true }],
    ['supported', { Require: '100rel' }, { kind: 'accepted', isReliable: true }],
    ['required', {}, { kind: 'refused', status: 421, headers: { Require: '100rel' } }],
    ['required', { Supported: '100rel' }, { kind: 'accepted', isReliable: true }],
  ] as const)('%s and %j', (policy, given, outcome) => {
    expect(reliabilityOf(policy, headers(given))).toEqual(outcome);
  });
});

describe('session timers', () => {
  const policy: SessionTimerPolicy = { expiresSec: 1800, minSec: 120, refresher: 'auto' };

  it.each([
    ['us', '1800;refresher=uac'],
    ['peer', '1800;refresher=uas'],
    ['auto', '1800'],
  ] as const)('our INVITE with refresher %s asks for %s', (refresher, value) => {
    expect(offeredTimer({ ...policy, refresher })).toEqual({ 'Session-Expires': value, 'Min-SE': '120' });
  });

  it('a 422 raises interval and minimum', () => {
    expect(offeredTimer(policy, 3600)).toEqual({ 'Session-Expires': '3600', 'Min-SE': '3600' });
    expect(minSeOf(headers({ 'Min-SE': '3600;x=y' }))).toBe(3600);
    expect(minSeOf(headers({ 'Min-SE': '999999' }))).toBeUndefined();
    expect(minSeOf(headers({}))).toBeUndefined();
  });

  it.each([
    // A caller that knows timers refreshes, unless it or we say otherwise.
    [{ Supported: 'timer', 'Session-Expires': '600' }, '600;refresher=uac', true],
    [{ Supported: 'timer', 'Session-Expires': '600;refresher=uas' }, '600;refresher=uas', false],
    [{ Supported: 'timer', 'Session-Expires': '600;Refresher=UAC' }, '600;refresher=uac', true],
    [{ Supported: 'timer', 'Session-Expires': '7200' }, '1800;refresher=uac', true],
    [{ Supported: 'timer', 'Session-Expires': '7200', 'Min-SE': '3600' }, '3600;refresher=uac', true],
    [{ Supported: 'timer' }, '1800;refresher=uac', true],
    // One that knows none cannot be asked to; we do it.
    [{}, '1800;refresher=uas', false],
    [{ 'Session-Expires': '100' }, '120;refresher=uas', false],
  ])('%j is answered %s', (given, value, isRequired) => {
    expect(answeredTimer(policy, headers(given))).toEqual({
      kind: 'agreed',
      headers: { 'Session-Expires': value, ...(isRequired ? { Require: 'timer' } : {}) },
    });
  });

  it('too short an interval is 422 for who understands that', () => {
    expect(answeredTimer(policy, headers({ Supported: 'timer', 'Session-Expires': '100' }))).toEqual({
      kind: 'too-short',
      headers: { 'Min-SE': '120' },
    });
  });

  it('with refresher us, we refresh where the caller leaves it open', () => {
    const agreed = answeredTimer({ ...policy, refresher: 'us' }, headers({ Supported: 'timer' }));
    expect(agreed.headers).toEqual({ 'Session-Expires': '1800;refresher=uas' });
  });
});
