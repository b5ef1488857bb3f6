import { describe, expect, it } from 'vitest';
import type { CallEvent } from '../../src/calls/index.ts';
import { Bans } from '../../src/telephony/bans.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { digest, type FakeRequest, request } from './fixtures.ts';

const policy = { failures: 3, accounts: 4, windowMs: 60_000, banMs: 300_000 };

function make() {
  const clock = new VirtualClock();
  const events: CallEvent[] = [];
  return { clock, events, bans: new Bans(policy, clock, (event) => events.push(event)) };
}

const from = (address: string, user?: string): FakeRequest =>
  request('REGISTER', user === undefined ? {} : { Authorization: digest({ nonce: 'n', user }) }, {
    source: { transport: 'udp', address, port: 5060 },
  });

describe('T12 bans', () => {
  it('one phone with an old password bans its account from its address, and nobody else there', () => {
    const { bans, events } = make();
    for (let i = 0; i < 3; i++) bans.failed(from('203.0.113.1', 'alice'));
    expect(bans.isBanned(from('203.0.113.1', 'alice'))).toBe(true);
    expect(bans.isBanned(from('203.0.113.1', 'bob'))).toBe(false);
    expect(bans.isBanned(from('203.0.113.1'))).toBe(false);
    expect(bans.isBanned(from('203.0.113.2', 'alice'))).toBe(false);
    expect(events).toMatchObject([{ kind: 'banned', user: 'alice', sourceAddress: '203.0.113.1' }]);
  });

  it('many accounts tried from one address ban the address, whatever it calls itself', () => {
    const { bans } = make();
    for (const user of ['a', 'b', 'c', 'd']) bans.failed(from('203.0.113.1', user));
    expect(bans.isBanned(from('203.0.113.1'))).toBe(true);
    expect(bans.isBanned(from('203.0.113.1', 'alice'))).toBe(true);
    expect(bans.views()).toMatchObject([{ address: '203.0.113.1', user: undefined }]);
  });

  it('a challenge that was not answered yet is no failure', () => {
    const { bans, events } = make();
    for (let i = 0; i < 1_000; i++) bans.failed(from('203.0.113.1'));
    expect(bans.isBanned(from('203.0.113.1'))).toBe(false);
    expect(events).toEqual([]);
  });

  it('failures long past do not add up, and the right password clears them', () => {
    const { bans, clock } = make();
    for (let i = 0; i < 10; i++) {
      bans.failed(from('203.0.113.1', 'alice'));
      clock.advance(31_000);
    }
    expect(bans.isBanned(from('203.0.113.1', 'alice'))).toBe(false);
    for (let i = 0; i < 10; i++) {
      bans.failed(from('203.0.113.1', 'bob'));
      bans.failed(from('203.0.113.1', 'bob'));
      bans.succeeded(from('203.0.113.1', 'bob'));
    }
    expect(bans.isBanned(from('203.0.113.1', 'bob'))).toBe(false);
  });

  it('end by themselves, or when an operator lifts them', () => {
    const { bans, clock } = make();
    for (let i = 0; i < 3; i++) bans.failed(from('203.0.113.1', 'alice'));
    clock.advance(300_001);
    expect(bans.isBanned(from('203.0.113.1', 'alice'))).toBe(false);
    for (let i = 0; i < 3; i++) bans.failed(from('203.0.113.1', 'alice'));
    expect(bans.lift('203.0.113.1')).toBe(true);
    expect(bans.isBanned(from('203.0.113.1', 'alice'))).toBe(false);
    expect(bans.lift('203.0.113.1')).toBe(false);
  });

  it('remembers a bounded number of addresses', () => {
    const { bans } = make();
    for (let i = 0; i < 3; i++) bans.failed(from('2001:db8::1', 'alice'));
    for (let i = 0; i < 100_000; i++) bans.failed(from(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 'alice'));
    expect(bans.isBanned(from('2001:db8::1', 'alice'))).toBe(false);
    expect(bans.isBanned(from('10.1.134.159', 'alice'))).toBe(false);
  });
});
