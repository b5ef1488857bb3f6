import { describe, expect, it } from 'vitest';
import type { Trunk } from '../../src/telephony/options.ts';
import { createTrunkMatch } from '../../src/telephony/trunk-match.ts';
import { profile } from './fixtures.ts';

const trunk = (name: string, ...addresses: string[]): Trunk => ({
  name,
  addresses,
  target: 'pbx',
  transport: 'udp',
  profile,
});

it('a certificate is recognized by a name in it, alone or together with the address', () => {
  const match = createTrunkMatch([
    { ...trunk('both', '192.0.2.1'), certificateNames: ['sip.carrier.example'] },
    { ...trunk('named'), certificateNames: ['PBX.example'] },
  ]);
  const from = (address: string, ...peerNames: string[]) =>
    match({ transport: 'tls', address, port: 40_000, peerNames })?.name;
  expect(from('192.0.2.1', 'sip.carrier.example')).toBe('both');
  expect(from('192.0.2.2', 'sip.carrier.example')).toBeUndefined();
  expect(from('192.0.2.1')).toBeUndefined();
  expect(from('203.0.113.5', 'a.example', 'pbx.example')).toBe('named');
  expect(match({ transport: 'tcp', address: '192.0.2.1', port: 5060 })).toBeUndefined();
});

describe('a source address', () => {
  const match = createTrunkMatch([
    trunk('one', '192.0.2.1'),
    trunk('net', '198.51.100.0/24', '2001:db8::/32'),
    trunk('port', '127.0.0.1:5080', '[::1]:5080'),
    trunk('six', '2001:dead::1'),
  ]);
  it.each([
    ['192.0.2.1', 5060, 'one'],
    ['192.0.2.2', 5060, undefined],
    ['198.51.100.77', 40_000, 'net'],
    ['198.51.101.1', 5060, undefined],
    ['2001:db8::77', 5060, 'net'],
    ['127.0.0.1', 5080, 'port'],
    ['127.0.0.1', 5081, undefined],
    ['::1', 5080, 'port'],
    ['[2001:dead::1]', 5060, 'six'],
    ['not-an-address', 5060, undefined],
  ])('%s:%i belongs to %s', (address, port, name) => {
    expect(match({ transport: 'udp', address, port })?.name).toBe(name);
  });

  it.each(['pbx example', '192.0.2.1/33', '192.0.2', '', '2001:db8::/129'])(
    '%j in the configuration is refused by name',
    (address) => {
      expect(() => createTrunkMatch([trunk('bad', address)])).toThrow(/bad/);
    },
  );
});
