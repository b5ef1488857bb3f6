/** RFC 8489 §14.2: what a client behind NAT reads from the answer. The first vector is that of RFC 5769 §2.2 and §2.3. */
import { describe, expect, test } from 'vitest';
import { isStun, stunAnswer } from '../../../src/sip/net/stun.ts';

const TRANSACTION = 'b7e7a701bc34d686fa87dfae';

function request(attributes = '', type = '0001'): Buffer {
  const length = (attributes.length / 2).toString(16).padStart(4, '0');
  return Buffer.from(`${type}${length}2112a442${TRANSACTION}${attributes}`, 'hex');
}

describe('a Binding request', () => {
  test.each([
    ['192.0.2.1', 32_853, '0001a147e112a643'],
    ['2001:db8:1234:5678:11:2233:4455:6677', 32_853, '0002a1470113a9faa5d3f179bc25f4b5bed2b9d9'],
    ['::1', 5060, `00023${(5060 ^ 0x2112).toString(16).padStart(4, '0').slice(1)}2112a442b7e7a701bc34d686fa87dfaf`],
  ])('from %s is told its address', (address, port, value) => {
    const answer = stunAnswer(request(), address, port)?.toString('hex') ?? '';
    expect(answer.slice(0, 4)).toBe('0101');
    expect(answer.slice(8, 40)).toBe(`2112a442${TRANSACTION}`);
    const attribute = answer.slice(40);
    expect(attribute.slice(0, 8)).toBe(`0020${(value.length / 2).toString(16).padStart(4, '0')}`);
    expect(attribute.slice(8, 12)).toBe(value.slice(0, 4));
    expect(attribute.slice(16)).toBe(value.slice(8));
    expect(Number.parseInt(attribute.slice(12, 16), 16) ^ 0x2112).toBe(port);
  });

  test('with what must be understood and is not gets 420, with the optional it is answered', () => {
    const refused = stunAnswer(request('7001000400000000'), '192.0.2.1', 1)?.toString('hex') ?? '';
    expect(refused.slice(0, 4)).toBe('0111');
    expect(refused).toContain('00000414');
    expect(refused.slice(-16)).toBe('000a000270010000');
    expect(stunAnswer(request('8022000474657374'), '192.0.2.1', 1)?.readUInt16BE(0)).toBe(0x0101);
  });
});

test.each([
  ['an indication', request('', '0011')],
  ['a response', request('', '0101')],
  ['a length that is not that of the datagram', Buffer.concat([request(), Buffer.alloc(4)])],
  ['an attribute beyond the end', request('80220008746573')],
  ['half an attribute', request('8022')],
])('%s is not answered', (_what, data) => {
  expect(stunAnswer(data, '192.0.2.1', 1)).toBeUndefined();
});

test('SIP and keep-alives are no STUN', () => {
  expect(isStun(Buffer.from('OPTIONS sip:a SIP/2.0\r\n'))).toBe(false);
  expect(isStun(Buffer.from('\r\n\r\n'))).toBe(false);
  expect(isStun(Buffer.alloc(40))).toBe(false);
  expect(isStun(request())).toBe(true);
});
