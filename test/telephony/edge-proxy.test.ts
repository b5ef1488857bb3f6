import { describe, expect, it } from 'vitest';
import { createSourceReader } from '../../src/telephony/edge-proxy.ts';
import type { SipSource } from '../../src/telephony/sip-ports.ts';

const EDGE = 'SIP/2.0/UDP 192.0.2.1:5080;branch=z9hG4bKedge';
const reader = createSourceReader(['192.0.2.1', '2001:db8::/64']);

function sourceOf(via: string, address = '192.0.2.1'): SipSource {
  const source: SipSource = { transport: 'udp', address, port: 5080 };
  return reader({ source, header: (name) => (name === 'Via' ? via : undefined) });
}

describe('a request through an edge proxy', () => {
  it('is judged by where the proxy saw the client', () => {
    const client = 'SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKc;received=198.51.100.7;rport=49152';
    expect(sourceOf(`${EDGE},${client}`)).toEqual({ transport: 'wss', address: '198.51.100.7', port: 49_152 });
  });

  it('without received comes from the address the client names, which the proxy has found true', () => {
    expect(sourceOf(`${EDGE}, SIP/2.0/TCP 198.51.100.9:5070;branch=z9hG4bKc`)).toEqual({
      transport: 'tcp',
      address: '198.51.100.9',
      port: 5070,
    });
  });

  it('of the proxy itself stays the proxy’s', () => {
    expect(sourceOf(EDGE).address).toBe('192.0.2.1');
  });

  it('from a network of proxies, over IPv6', () => {
    const client = 'SIP/2.0/TLS phone.example;received=2001:db8:1::7;rport=5061';
    expect(sourceOf(`${EDGE},${client}`, '[2001:db8::5]').address).toBe('2001:db8:1::7');
  });
});

it('T11 a stranger cannot name another source by a Via of its own', () => {
  const forged = `SIP/2.0/UDP 203.0.113.4:5060;branch=z9hG4bKx,SIP/2.0/UDP 198.51.100.1;received=198.51.100.1`;
  expect(sourceOf(forged, '203.0.113.4').address).toBe('203.0.113.4');
});
