import { describe, expect, test } from 'vitest';
import {
  createNonInviteServer,
  type NonInviteServer,
  type NonInviteServerInput,
  stepNonInviteServer,
} from '../../../src/sip/transaction/index.ts';
import { Machine } from './run.ts';

function machine(reliable = false): Machine<NonInviteServer, NonInviteServerInput> {
  return new Machine<NonInviteServer, NonInviteServerInput>(createNonInviteServer(reliable), stepNonInviteServer);
}
const respond = (status: number): NonInviteServerInput => ({ kind: 'respond', status });

describe('non-INVITE server transaction', () => {
  test('absorbs retransmissions while nothing was said, then replays', () => {
    const tx = machine();
    expect(tx.put({ kind: 'request' })).toEqual([]);
    expect(tx.put(respond(183))).toEqual(['send']);
    expect(tx.put({ kind: 'request' })).toEqual(['resend']);
    expect(tx.put(respond(200))).toEqual(['send', 'set-timer J 32000']);
    expect(tx.put({ kind: 'request' })).toEqual(['resend']);
    expect(tx.put(respond(500))).toEqual([]);
    expect(tx.put({ kind: 'abandon' })).toEqual([]);
    expect(tx.put({ kind: 'timer', timer: 'J' })).toEqual(['clear-timers']);
    expect(tx.phase).toBe('terminated');
    expect(tx.put({ kind: 'request' })).toEqual([]);
  });

  test('over a reliable transport the final ends it', () => {
    const tx = machine(true);
    expect(tx.put(respond(200))).toEqual(['send', 'clear-timers']);
    expect(tx.phase).toBe('terminated');
  });

  test('ends without a word when nobody answers (RFC 4320)', () => {
    const tx = machine();
    expect(tx.put({ kind: 'timer', timer: 'J' })).toEqual([]);
    expect(tx.put({ kind: 'abandon' })).toEqual(['clear-timers']);
    expect(tx.phase).toBe('terminated');
  });
});
