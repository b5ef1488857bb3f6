import { describe, expect, test } from 'vitest';
import {
  createInviteServer,
  DEFAULT_TIMERS,
  type InviteServer,
  type InviteServerInput,
  stepInviteServer,
} from '../../../src/sip/transaction/index.ts';
import { Machine } from './run.ts';

function machine(reliable = false): Machine<InviteServer, InviteServerInput> {
  return new Machine<InviteServer, InviteServerInput>(createInviteServer(reliable, DEFAULT_TIMERS), stepInviteServer);
}
const respond = (status: number): InviteServerInput => ({ kind: 'respond', status });
const timer = (name: 'G' | 'H' | 'I' | 'L'): InviteServerInput => ({ kind: 'timer', timer: name });

describe('INVITE server transaction', () => {
  test('replays the last provisional for a retransmission', () => {
    const tx = machine();
    expect(tx.put(respond(100))).toEqual(['send']);
    expect(tx.put({ kind: 'request' })).toEqual(['resend']);
    expect(tx.put(respond(180))).toEqual(['send']);
    expect(tx.put({ kind: 'ack' })).toEqual([]);
    expect(tx.phase).toBe('proceeding');
  });

  test('repeats a refusal with timer G up to T2, until the ACK, which it keeps', () => {
    const tx = machine();
    expect(tx.put(respond(486))).toEqual(['send', 'set-timer G 500', 'set-timer H 32000']);
    const intervals = [1, 2, 3, 4].map(() => tx.put(timer('G')));
    expect(intervals.map((outputs) => outputs[0])).toEqual(['resend', 'resend', 'resend', 'resend']);
    expect(intervals.map((outputs) => outputs[1])).toEqual([
      'set-timer G 1000',
      'set-timer G 2000',
      'set-timer G 4000',
      'set-timer G 4000',
    ]);
    expect(tx.put({ kind: 'request' })).toEqual(['resend']);
    expect(tx.put(respond(200))).toEqual([]);
    expect(tx.put({ kind: 'ack' })).toEqual(['clear-timers', 'set-timer I 5000']);
    expect(tx.put({ kind: 'ack' })).toEqual([]);
    expect(tx.put({ kind: 'request' })).toEqual([]);
    expect(tx.put(timer('G'))).toEqual([]);
    expect(tx.put(timer('I'))).toEqual(['clear-timers']);
    expect(tx.phase).toBe('terminated');
  });

  test('over a reliable transport a refusal is sent once and the ACK ends it', () => {
    const tx = machine(true);
    expect(tx.put(respond(486))).toEqual(['send', 'set-timer H 32000']);
    expect(tx.put(timer('G'))).toEqual([]);
    expect(tx.put({ kind: 'ack' })).toEqual(['clear-timers']);
    expect(tx.phase).toBe('terminated');
  });

  test('timer H ends a refusal nobody acknowledged', () => {
    const tx = machine();
    tx.put(respond(486));
    expect(tx.put(timer('H'))).toEqual(['clear-timers']);
    expect(tx.phase).toBe('terminated');
  });

  test('after a 2xx it absorbs the INVITE, passes ACKs on, and ends with timer L (RFC 6026)', () => {
    const tx = machine();
    expect(tx.put(respond(200))).toEqual(['send', 'set-timer L 32000']);
    expect(tx.put({ kind: 'request' })).toEqual([]);
    expect(tx.put({ kind: 'ack' })).toEqual(['deliver-ack']);
    expect(tx.put(respond(200))).toEqual(['send']);
    expect(tx.put(respond(486))).toEqual([]);
    expect(tx.put({ kind: 'abandon' })).toEqual([]);
    expect(tx.put(timer('L'))).toEqual(['clear-timers']);
    expect(tx.put({ kind: 'ack' })).toEqual([]);
  });

  test('can be abandoned only while it is open', () => {
    const tx = machine();
    expect(tx.put({ kind: 'abandon' })).toEqual(['clear-timers']);
    expect(tx.put(respond(200))).toEqual([]);
  });

  test('timers of another phase do nothing', () => {
    const tx = machine();
    expect([tx.put(timer('G')), tx.put(timer('H')), tx.put(timer('I')), tx.put(timer('L'))].flat()).toEqual([]);
  });
});
