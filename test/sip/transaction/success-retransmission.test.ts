import { describe, expect, test } from 'vitest';
import {
  createSuccessRetransmission,
  DEFAULT_TIMERS,
  type SuccessInput,
  type SuccessRetransmission,
  stepSuccess,
} from '../../../src/sip/transaction/index.ts';
import { Machine } from './run.ts';

function machine(reliable = false): Machine<SuccessRetransmission, SuccessInput> {
  return new Machine<SuccessRetransmission, SuccessInput>(
    createSuccessRetransmission(reliable, DEFAULT_TIMERS),
    stepSuccess,
  );
}

describe('a 2xx waiting for its ACK', () => {
  test('is repeated at 0.5, 1, 2, 4, 4 s until the ACK', () => {
    const tx = machine();
    expect(tx.put({ kind: 'start' })).toEqual(['set-timer retransmit 500', 'set-timer give-up 32000']);
    const intervals = [1, 2, 3, 4].map(() => tx.put({ kind: 'timer', timer: 'retransmit' })[1]);
    expect(intervals).toEqual([1000, 2000, 4000, 4000].map((ms) => `set-timer retransmit ${ms}`));
    expect(tx.put({ kind: 'ack' })).toEqual(['clear-timers', 'acknowledged']);
    expect(tx.put({ kind: 'ack' })).toEqual([]);
    expect(tx.put({ kind: 'timer', timer: 'retransmit' })).toEqual([]);
  });

  test('is given up after 64·T1', () => {
    const tx = machine();
    tx.put({ kind: 'start' });
    expect(tx.put({ kind: 'timer', timer: 'give-up' })).toEqual(['clear-timers', 'unacknowledged']);
    expect(tx.put({ kind: 'ack' })).toEqual([]);
  });

  test('over a reliable transport only its patience runs', () => {
    expect(machine(true).put({ kind: 'start' })).toEqual(['set-timer give-up 32000']);
  });
});
