import { describe, expect, test } from 'vitest';
import {
  createInviteClient,
  DEFAULT_TIMERS,
  type InviteClient,
  type InviteClientInput,
  stepInviteClient,
} from '../../../src/sip/transaction/index.ts';
import { Machine, response } from './run.ts';

function machine(reliable = false): Machine<InviteClient, InviteClientInput> {
  return new Machine<InviteClient, InviteClientInput>(createInviteClient(reliable, DEFAULT_TIMERS), stepInviteClient);
}
const heard = (status: number): InviteClientInput => ({ kind: 'response', response: response(status) });
const timer = (name: 'A' | 'B' | 'C' | 'D' | 'M' | 'cancel'): InviteClientInput => ({ kind: 'timer', timer: name });

describe('INVITE client transaction', () => {
  test('sends, and timer A doubles until a provisional arrives', () => {
    const tx = machine();
    expect(tx.put({ kind: 'start' })).toEqual(['send', 'set-timer A 500', 'set-timer B 32000']);
    expect(tx.put(timer('A'))).toEqual(['send', 'set-timer A 1000']);
    expect(tx.put(timer('A'))).toEqual(['send', 'set-timer A 2000']);
    expect(tx.put(heard(180))).toEqual(['clear-timers', 'set-timer C 185000', 'deliver 180']);
    expect(tx.put(timer('A'))).toEqual([]);
    expect(tx.phase).toBe('proceeding');
  });

  test('over a reliable transport nothing is repeated', () => {
    const tx = machine(true);
    expect(tx.put({ kind: 'start' })).toEqual(['send', 'set-timer B 32000']);
    expect(tx.put(timer('A'))).toEqual([]);
  });

  test('timer B fails it only while no response came', () => {
    const silent = machine();
    silent.put({ kind: 'start' });
    expect(silent.put(timer('B'))).toEqual(['clear-timers', 'failed timeout']);
    expect(silent.phase).toBe('terminated');
    const ringing = machine();
    ringing.put(heard(100));
    expect(ringing.put(timer('B'))).toEqual([]);
  });

  test('a further 1xx prolongs timer C, another 100 does not', () => {
    const tx = machine();
    tx.put(heard(100));
    expect(tx.put(heard(100))).toEqual(['deliver 100']);
    expect(tx.put(heard(183))).toEqual(['set-timer C 185000', 'deliver 183']);
  });

  test('timer C asks for a CANCEL; without a final response it fails 64·T1 after it', () => {
    const tx = machine();
    tx.put(heard(180));
    expect(tx.put(timer('C'))).toEqual(['cancel']);
    expect(tx.put({ kind: 'canceled' })).toEqual(['clear-timers', 'set-timer cancel 32000']);
    expect(tx.put({ kind: 'canceled' })).toEqual([]);
    expect(tx.put(timer('C'))).toEqual([]);
    expect(tx.put(heard(180))).toEqual(['deliver 180']);
    expect(tx.put(timer('cancel'))).toEqual(['clear-timers', 'failed canceled']);
  });

  test('before a provisional nothing can be canceled', () => {
    const tx = machine();
    tx.put({ kind: 'start' });
    expect(tx.put({ kind: 'canceled' })).toEqual([]);
  });

  test('a canceled call that is refused ends in the usual way', () => {
    const tx = machine();
    tx.put(heard(180));
    tx.put({ kind: 'canceled' });
    expect(tx.put(heard(487))).toEqual(['clear-timers', 'ack 487', 'set-timer D 32000', 'deliver 487']);
  });

  test('486 is acknowledged once per copy and delivered once', () => {
    const tx = machine();
    tx.put({ kind: 'start' });
    expect(tx.put(heard(486))).toEqual(['clear-timers', 'ack 486', 'set-timer D 32000', 'deliver 486']);
    expect(tx.put(heard(486))).toEqual(['ack 486']);
    expect(tx.put(heard(180))).toEqual([]);
    expect(tx.put(heard(200))).toEqual([]);
    expect(tx.put(timer('D'))).toEqual(['clear-timers']);
    expect(tx.phase).toBe('terminated');
  });

  test('over a reliable transport a refusal ends it at once', () => {
    const tx = machine(true);
    tx.put({ kind: 'start' });
    expect(tx.put(heard(486))).toEqual(['clear-timers', 'ack 486', 'deliver 486']);
    expect(tx.phase).toBe('terminated');
  });

  test('every 2xx goes up until timer M (RFC 6026)', () => {
    const tx = machine();
    tx.put({ kind: 'start' });
    expect(tx.put(heard(200))).toEqual(['clear-timers', 'set-timer M 32000', 'deliver 200']);
    expect(tx.put(heard(200))).toEqual(['deliver 200']);
    expect(tx.put(heard(486))).toEqual([]);
    expect(tx.put({ kind: 'transport-error' })).toEqual([]);
    expect(tx.put(timer('M'))).toEqual(['clear-timers']);
    expect(tx.phase).toBe('terminated');
    expect(tx.put(heard(200))).toEqual([]);
  });

  test.each([['calling'], ['proceeding']])('a transport error fails it while %s', (phase) => {
    const tx = machine();
    if (phase === 'proceeding') tx.put(heard(180));
    expect(tx.phase).toBe(phase);
    expect(tx.put({ kind: 'transport-error' })).toEqual(['clear-timers', 'failed transport']);
  });

  test('an ACK that cannot be sent ends it silently', () => {
    const tx = machine();
    tx.put(heard(486));
    expect(tx.put({ kind: 'transport-error' })).toEqual(['clear-timers']);
    expect(tx.phase).toBe('terminated');
  });

  test('timers of another phase do nothing', () => {
    const tx = machine();
    expect([tx.put(timer('C')), tx.put(timer('D')), tx.put(timer('M')), tx.put(timer('cancel'))].flat()).toEqual([]);
  });
});
