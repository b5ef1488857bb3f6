/** T35: who is shed, when, and what it costs him who is not. */
import { describe, expect, it } from 'vitest';
import { type LogFields, silentLogger } from '../../../src/kernel/index.ts';
import { createTally } from '../../../src/sip/net/counters.ts';
import { FloodGovernor } from '../../../src/sip/net/flood-governor.ts';
import { DEFAULT_FLOOD_LIMITS, type FloodLimits } from '../../../src/sip/net/flood-limits.ts';
import { messageClass } from '../../../src/sip/net/message-class.ts';
import { sourcePrefix } from '../../../src/sip/net/source-prefix.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const message = (word: string): Buffer => Buffer.from(`${word} sip:a@b SIP/2.0\r\n`);
const INVITE = message('INVITE');
const REGISTER = message('REGISTER');
const OPTIONS = message('OPTIONS');

const isPass = (verdict: string): boolean => verdict === 'known' || verdict === 'stranger';

function rig(limits: Partial<FloodLimits> = {}, trustedNetworks: string[] = []) {
  const clock = new VirtualClock();
  const tally = createTally();
  const lines: LogFields[] = [];
  const logger = { ...silentLogger, warn: (fields: LogFields) => void lines.push(fields) };
  const setup = { limits: { ...DEFAULT_FLOOD_LIMITS, ...limits }, tally, clock, logger };
  const governor = new FloodGovernor(setup, { trustedNetworks, emergencyNumbers: ['112'] });
  const passed = (count: number, data: Buffer, address = '192.0.2.1'): number => {
    let pass = 0;
    for (let sent = 0; sent < count; sent++) if (isPass(governor.judge(address, data))) pass++;
    return pass;
  };
  return { clock, tally, lines, governor, passed };
}

describe('the budget of a source', () => {
  it('lets a burst in, then its rate', () => {
    const { clock, passed } = rig({ callsPerSec: 10, burstSec: 3 });
    expect(passed(100, INVITE)).toBe(30);
    clock.advance(1000);
    expect(passed(100, INVITE)).toBe(10);
    clock.advance(60_000);
    expect(passed(100, INVITE)).toBe(30);
  });

  it('is apart for each sort of message and each source', () => {
    const { passed } = rig({ callsPerSec: 10, registrationsPerSec: 20, burstSec: 1 });
    expect(passed(100, INVITE)).toBe(10);
    expect(passed(100, REGISTER)).toBe(20);
    expect(passed(100, INVITE, '192.0.2.2')).toBe(10);
  });

  it('is one for a /64 of IPv6', () => {
    const { passed, governor } = rig({ callsPerSec: 10, burstSec: 1 });
    expect(passed(6, INVITE, '2001:db8:1:2::1')).toBe(6);
    expect(passed(6, INVITE, '2001:db8:1:2:ffff::1')).toBe(4);
    expect(passed(6, INVITE, '2001:db8:1:3::1')).toBe(6);
    expect(governor.sources).toBe(2);
  });

  it('grows for who has registered, and there is none for trunks', () => {
    const { passed, governor } = rig({ callsPerSec: 10, burstSec: 1, knownFactor: 5 }, [
      '198.51.100.0/24',
      '203.0.113.7:5060',
      '[2001:db8::5]:5060',
    ]);
    expect(passed(100, INVITE)).toBe(10);
    governor.vouch('192.0.2.9');
    expect(passed(1, INVITE, '192.0.2.9')).toBe(1);
    expect(passed(5000, INVITE, '198.51.100.77')).toBe(5000);
    expect(passed(5000, INVITE, '203.0.113.7')).toBe(5000);
    expect(passed(5000, INVITE, '2001:db8::5')).toBe(5000);
  });

  it('of a known source refills five times as fast', () => {
    const { clock, passed, governor } = rig({ callsPerSec: 10, burstSec: 1, knownFactor: 5 });
    governor.vouch('192.0.2.9');
    clock.advance(10_000);
    expect(passed(200, INVITE, '192.0.2.9')).toBe(50);
  });

  it('follows the trunks, also of a source that is known and of one among too many', () => {
    const { governor, passed } = rig({ callsPerSec: 5, burstSec: 2, strangersPerSec: 100_000 });
    expect(passed(100, INVITE)).toBe(10);
    for (let n = 0; n < 50_000; n++) governor.judge(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, INVITE);
    governor.exempt({ trustedNetworks: ['192.0.2.1', '203.0.113.9'], emergencyNumbers: ['911'] });
    expect(passed(100, INVITE)).toBe(100);
    expect(passed(100, INVITE, '203.0.113.9')).toBe(100);
    expect(governor.judge('192.0.2.1', OPTIONS)).toBe('known');
    expect(() => governor.exempt({ trustedNetworks: ['nowhere'], emergencyNumbers: [] })).toThrow(/nowhere/);
    expect(passed(100, INVITE)).toBe(100);
    governor.exempt({ trustedNetworks: [], emergencyNumbers: ['911'] });
    expect(passed(100, INVITE)).toBe(0);
    expect(governor.judge('192.0.2.1', Buffer.from('INVITE sip:911@gw SIP/2.0\r\n'))).toBe('stranger');
  });

  it('refuses a trunk address that is none', () => {
    expect(() => rig({}, ['not an address'])).toThrow(/not an address/);
  });
});

describe('what is over it', () => {
  it('is answered at a low rate and then dropped, ACK and responses never', () => {
    const { clock, governor, passed, tally } = rig({ requestsPerSec: 1, followUpsPerSec: 1, burstSec: 1 });
    expect(passed(1, OPTIONS)).toBe(1);
    const verdicts = Array.from({ length: 50 }, () => governor.judge('192.0.2.1', OPTIONS));
    expect(verdicts.filter((verdict) => verdict === 'refuse')).toHaveLength(5);
    expect(verdicts.filter((verdict) => verdict === 'drop')).toHaveLength(45);
    expect(tally).toMatchObject({ shed: 50, shedAnswered: 5 });
    clock.advance(1000);
    for (const word of ['ACK', 'BYE', 'CANCEL', 'SIP/2.0 200'])
      Array.from({ length: 20 }, () => expect(governor.judge('192.0.2.2', message(word))).not.toBe('refuse'));
  });

  it('is told in one line for each source and minute', () => {
    const { clock, passed, lines } = rig({ callsPerSec: 1, burstSec: 1 });
    passed(1000, INVITE);
    passed(1000, INVITE, '192.0.2.2');
    expect(lines).toHaveLength(2);
    clock.advance(61_000);
    passed(1000, INVITE);
    expect(lines).toHaveLength(3);
    expect(lines[2]).toMatchObject({ source: '192.0.2.1', sort: 'calls' });
    expect(Number(lines[2]?.['shed'])).toBeGreaterThan(900);
  });

  it('still lets an emergency call in', () => {
    const { governor, passed } = rig({ callsPerSec: 1, burstSec: 1 });
    passed(100, INVITE);
    expect(governor.judge('192.0.2.1', Buffer.from('INVITE sip:112@gw SIP/2.0\r\n'))).toBe('stranger');
    expect(governor.judge('192.0.2.1', Buffer.from('INVITE tel:112 SIP/2.0\r\n'))).toBe('stranger');
    expect(governor.judge('192.0.2.1', Buffer.from('INVITE urn:service:sos.fire SIP/2.0\r\n'))).toBe('stranger');
    expect(governor.judge('192.0.2.1', Buffer.from('INVITE urn:service:counseling SIP/2.0\r\n'))).toMatch(
      /refuse|drop/,
    );
    expect(governor.judge('192.0.2.1', Buffer.from('INVITE sip:1123@gw SIP/2.0\r\n'))).toMatch(/refuse|drop/);
    expect(passed(100, Buffer.from('INVITE sip:112@gw SIP/2.0\r\n'))).toBeLessThan(20);
  });
});

describe('many sources', () => {
  it('share what strangers may send; who has registered does not', () => {
    const { passed, governor } = rig({ strangersPerSec: 20 });
    governor.vouch('192.0.2.200');
    let strangers = 0;
    for (let one = 0; one < 500; one++) strangers += passed(1, REGISTER, `10.0.${one >> 8}.${one & 255}`);
    // Five seconds' worth at once.
    expect(strangers).toBe(100);
    expect(passed(50, REGISTER, '192.0.2.200')).toBe(50);
  });

  it('are forgotten when they fall silent, and bounded while they do not', () => {
    const { clock, governor } = rig();
    for (let one = 0; one < 60_000; one++) governor.judge(`10.${one >> 16}.${(one >> 8) & 255}.${one & 255}`, OPTIONS);
    expect(governor.sources).toBe(50_000);
    clock.advance(120_000);
    governor.sweep();
    expect(governor.sources).toBe(0);
  });
});

describe('message classes', () => {
  it.each([
    ['INVITE', 'calls'],
    ['INFO', 'requests'],
    ['invite', 'requests'],
    ['INVITEX', 'requests'],
    ['REGISTER', 'registrations'],
    ['REFER', 'requests'],
    ['SUBSCRIBE', 'registrations'],
    ['PUBLISH', 'registrations'],
    ['PRACK', 'followUps'],
    ['SIP/2.0', 'followUps'],
    ['BYE', 'followUps'],
  ])('%s: %s', (word, of) => expect(messageClass(message(word))).toBe(of));

  it('of nothing is one too', () => expect(messageClass(Buffer.alloc(0))).toBe('requests'));
});

describe('source prefixes', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::', '2001:db8:0:1::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ])('%s: %s', (address, prefix) => expect(sourcePrefix(address)).toBe(prefix));
});
