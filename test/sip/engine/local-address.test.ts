import { describe, expect, test } from 'vitest';
import type { ListenerAddress } from '../../../src/sip/engine/index.ts';
import { chooseListener, localizeHeaders, ownUri, viaValue } from '../../../src/sip/engine/local-address.ts';

function listener(
  id: number,
  address: string,
  advertised = address,
  transport: ListenerAddress['transport'] = 'udp',
): ListenerAddress {
  return { id, transport, address, port: 5060, advertisedAddress: advertised, advertisedPort: 5060 };
}

describe('the listener a message leaves from', () => {
  const all = [
    listener(1, '127.0.0.1'),
    listener(2, '10.1.0.5'),
    listener(3, '10.2.0.5', '203.0.113.9'),
    listener(4, '::1'),
    listener(5, '10.1.0.5', '10.1.0.5', 'tcp'),
  ];

  test.each([
    ['udp' as const, '127.0.0.1', 1],
    ['udp' as const, '10.1.7.7', 2],
    ['udp' as const, '10.2.7.7', 3],
    ['udp' as const, '198.51.100.1', 3],
    ['udp' as const, '::1', 4],
    ['tcp' as const, '127.0.0.1', 5],
    ['tls' as const, '127.0.0.1', undefined],
  ])('over %s to %s is number %s', (transport, remote, id) => {
    expect(chooseListener(all, transport, remote)?.id).toBe(id);
  });
});

test('we are named by what peers are told, IPv6 in brackets', () => {
  expect(ownUri(listener(1, '10.2.0.5', '203.0.113.9'))).toBe('sip:203.0.113.9:5060');
  expect(ownUri(listener(1, '::1', '::1', 'tcp'))).toBe('sip:[::1]:5060;transport=tcp');
  expect(ownUri(listener(1, '127.0.0.1', '127.0.0.1', 'wss'))).toBe('sip:127.0.0.1:5060;transport=ws');
  expect(viaValue(listener(1, '::1'), 'z9hG4bK1')).toBe('SIP/2.0/UDP [::1]:5060;rport;branch=z9hG4bK1');
});

test.each([
  ['Contact', 'sip:a@localhost', '<sip:a@10.1.0.5:5060>'],
  ['Contact', '<sip:a@localhost>;expires=5', '<sip:a@10.1.0.5:5060>;expires=5'],
  ['Contact', '<sip:localhost.example.com>', '<sip:localhost.example.com>'],
  ['Contact', '*', '*'],
  ['From', 'sip:a@b;tag=1', '<sip:a@b>;tag=1'],
  ['From', '"localhost" <sip:a@b>', '"localhost" <sip:a@b>'],
  ['Subject', 'sip:a@localhost', 'sip:a@localhost'],
])('%s: %s is sent as %s', (name, value, expected) => {
  expect(localizeHeaders([{ name, value }], listener(2, '10.1.0.5'))).toEqual([{ name, value: expected }]);
});
