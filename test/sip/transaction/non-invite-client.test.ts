import { describe, expect, test } from 'vitest';
import {
  createNonInviteClient,
  DEFAULT_TIMERS,
  type NonInviteClient,
  type NonInviteClientInput,
  stepNonInviteClient,
} from '../../../src/sip/transaction/index.ts';
import { Machine, response } from './run.ts';

function machine(reliable = false): Machine<NonInviteClient, NonInviteClientInput> {
  const state = createNonInviteClient(reliable, DEFAULT_TIMERS);
  return new Machine<NonInviteClient, NonInviteClientInput>(state, stepNonInviteClient);
}
const heard = (status: number): NonInviteClientInput => ({ kind: 'response', response: response(status) });
const timer = (name: 'E' | 'F' | 'K'): NonInviteClientInput => ({ kind: 'timer', timer: name });

describe('non-INVITE client transaction', () => {
  test('timer E doubles up to T2 and is T2 once a provisional came', () => {
    const tx = machine();
    expect(tx.put({ kind: 'start' })).toEqual(['send', 'set-timer E 500', 'set-timer F 32000']);
    const intervals = [1, 2, 3, 4].map(() => tx.put(timer('E'))[1]);
    expect(intervals).toEqual(['set-timer E 1000', 'set-timer E 2000', 'set-timer E 4000', 'set-timer E 4000']);
    const other = machine();
    other.put({ kind: 'start' });
    expect(other.put(heard(100))).toEqual(['deliver 100']);
    expect(other.put(timer('E'))).toEqual(['send', 'set-timer E 4000']);
  });

  test('a final is delivered once; its copies are absorbed until timer K', () => {
    const tx = machine();
    tx.put({ kind: 'start' });
    expect(tx.put(heard(200))).toEqual(['clear-timers', 'set-timer K 5000', 'deliver 200']);
    expect(tx.put(heard(200))).toEqual([]);
    expect(tx.put(timer('E'))).toEqual([]);
    expect(tx.put(timer('F'))).toEqual([]);
    expect(tx.put({ kind: 'transport-error' })).toEqual([]);
    expect(tx.put(timer('K'))).toEqual(['clear-timers']);
    expect(tx.phase).toBe('terminated');
  });

  test('over a reliable transport nothing is repeated and a final ends it', () => {
    const tx = machine(true);
    expect(tx.put({ kind: 'start' })).toEqual(['send', 'set-timer F 32000']);
    expect(tx.put(timer('E'))).toEqual([]);
    expect(tx.put(heard(404))).toEqual(['clear-timers', 'deliver 404']);
    expect(tx.phase).toBe('terminated');
  });

  test.each([[[]], [[100]]])('timer F fails it after %j', (statuses) => {
    const tx = machine();
    tx.put({ kind: 'start' });
    for (const status of statuses) tx.put(heard(status));
    expect(tx.put(timer('F'))).toEqual(['clear-timers', 'failed timeout']);
  });

  test('a transport error fails it', () => {
    expect(machine().put({ kind: 'transport-error' })).toEqual(['clear-timers', 'failed transport']);
  });

  test('timer K means nothing before a final', () => {
    expect(machine().put(timer('K'))).toEqual([]);
  });
});
