import { describe, expect, test } from 'vitest';
import type { AppMessage } from '../../../src/sip/engine/ports.ts';
import { formatLeader, formatTime } from '../../../src/sip/wire/leader.ts';

const arrived: AppMessage & { kind: 'sip' } = {
  kind: 'sip',
  source: 'network',
  bytes: 285,
  proto: 'udp',
  address: '127.0.0.1',
  port: 5999,
  transactionId: 't1',
  dialogId: '',
  receivedOn: { address: '127.0.0.1', port: 5090 },
  message: Buffer.alloc(0),
};

describe('leaders', () => {
  test('a new request names where it was received; the others end after the dialog', () => {
    expect(formatLeader(arrived, '9f', '15:10:49.268799')).toBe(
      '9f|sip|network|285|udp|127.0.0.1|5999|15:10:49.268799|t1||127.0.0.1|5090|',
    );
    expect(formatLeader({ ...arrived, dialogId: 'c;from-tag=f', receivedOn: undefined }, '9f', 'T')).toBe(
      '9f|sip|network|285|udp|127.0.0.1|5999|T|t1|c;from-tag=f|',
    );
  });

  test('a hostile Call-ID cannot add fields or lines', () => {
    const leader = formatLeader({ ...arrived, dialogId: 'a|b\r\nc;from-tag=d' }, '1', 'T');
    expect(leader.split('|')).toHaveLength(13);
    expect(leader).not.toMatch(/[\r\n]/);
    expect(formatLeader({ kind: 'response', id: 'u', fields: ['NOK', 'a|b\n'], message: undefined }, '1', 'T')).toBe(
      '1|response|u|NOK|a_b_',
    );
  });

  test('responses and refusals', () => {
    expect(formatLeader({ kind: 'response', id: 'u', fields: ['OK', 'pong'], message: undefined }, '1', 'T')).toBe(
      '1|response|u|OK|pong',
    );
    expect(formatLeader({ kind: 'refuse', id: 'u', text: 'incorrect secret' }, '1', 'T')).toBe(
      '1|response|u|NO|incorrect secret',
    );
  });

  test('time of day, UTC, six decimals', () => {
    expect(formatTime(Date.UTC(2026, 6, 20, 15, 10, 49, 268))).toBe('15:10:49.268000');
  });
});
