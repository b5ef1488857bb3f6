/** Which transport, listener and address family a request takes: RFC 3261 §18.1.1, RFC 5922, RFC 6157. */
import { describe, expect, test } from 'vitest';
import type { ListenerAddress, SipTransport } from '../../../src/sip/engine/index.ts';
import { Bench, headerOf, SDP } from './engine-rig.ts';

function listener(id: number, transport: SipTransport, address: string, port = 5060): ListenerAddress {
  return { id, transport, address, port, advertisedAddress: address, advertisedPort: port };
}

const LARGE = `${SDP}a=x-filler:${'x'.repeat(1300)}\r\n`;

describe('a request larger than 1300 bytes', () => {
  test('goes by TCP when the URI leaves the choice, and says so in its Via alone', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('tcp', 5999);
    app.sip(`INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n${LARGE}`);
    const invite = peer.nextRequest('INVITE');
    expect(headerOf(invite, 'Via')).toMatch(/^SIP\/2\.0\/TCP 127\.0\.0\.1:5060;rport;branch=z9hG4bK/);
    expect(headerOf(invite, 'Contact')).toBe('<sip:127.0.0.1:5060>');
    expect(app.nextResponse().fields[3]).toBe('tcp');
  });

  test('goes by UDP when it is small, when the URI says so, or when there is no TCP', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    app.sip(`INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n${SDP}`);
    peer.nextRequest('INVITE');
    app.sip(`INVITE sip:bob@127.0.0.1:5999;transport=udp SIP/2.0\n\n${LARGE}`);
    peer.nextRequest('INVITE');
    const bare = new Bench({}, [listener(1, 'udp', '127.0.0.1')]);
    const other = bare.net.peer('udp', 5999);
    bare.app().sip(`INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n${LARGE}`);
    other.nextRequest('INVITE');
  });

  test.each(['INVITE', 'MESSAGE'])('%s falls back to UDP where TCP is refused, at once the next time', (method) => {
    const bench = new Bench();
    const app = bench.app();
    const [tcp, udp] = [bench.net.peer('tcp', 5999), bench.net.peer('udp', 5999)];
    const start = `${method} sip:bob@127.0.0.1:5999 SIP/2.0\nContent-Type: application/sdp\n\n${LARGE}`;
    app.sip(start);
    tcp.next().fail('refused');
    const request = udp.nextRequest(method);
    expect(headerOf(request, 'Via')).toMatch(/^SIP\/2\.0\/UDP /);
    bench.clock.advance(500);
    expect(headerOf(udp.nextRequest(method), 'Via')).toBe(headerOf(request, 'Via'));
    udp.respond(request, 486);
    expect(app.nextResponse().fields[3]).toBe('tcp');
    expect(app.nextSip().parsed).toMatchObject({ status: 486 });
    udp.drain();
    app.sip(start);
    udp.nextRequest(method);
  });

  test('a CANCEL that was held back goes the way the INVITE went in the end', () => {
    const bench = new Bench();
    const app = bench.app();
    const [tcp, udp] = [bench.net.peer('tcp', 5999), bench.net.peer('udp', 5999)];
    app.sip(`INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n${LARGE}`);
    const transactionId = app.nextResponse().fields[7] ?? '';
    app.sip('CANCEL sip:bob@127.0.0.1:5999 SIP/2.0\n\n', { transactionId });
    tcp.next().fail('refused');
    udp.respond(udp.nextRequest('INVITE'), 180);
    const cancel = udp.nextRequest('CANCEL');
    expect(headerOf(cancel, 'Via')).toMatch(/^SIP\/2\.0\/UDP /);
  });

  test('does not fall back once the peer has answered', () => {
    const bench = new Bench();
    const app = bench.app();
    const [tcp, udp] = [bench.net.peer('tcp', 5999), bench.net.peer('udp', 5999)];
    app.sip(`INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n${LARGE}`);
    const sent = tcp.next();
    tcp.respond(sent.message as never, 180);
    sent.fail('unreachable');
    expect(udp.waiting).toBe(0);
  });
});

describe('the address family', () => {
  const both = [listener(1, 'udp', '0.0.0.0'), listener(2, 'udp', '::', 5062)];

  test('of the target chooses the listener, and with it Via and Contact', () => {
    const bench = new Bench({}, both);
    const app = bench.app();
    app.sip('INVITE sip:bob@[2001:db8::5]:5999 SIP/2.0\n\n');
    const [sent] = bench.net.sent;
    expect(sent?.target).toMatchObject({ listenerId: 2, address: '2001:db8::5', port: 5999 });
    expect(headerOf(sent?.message, 'Via')).toMatch(/^SIP\/2\.0\/UDP \[::\]:5062;/);
    expect(headerOf(sent?.message, 'Contact')).toBe('<sip:[::]:5062>');
  });

  test('of a name is the first that a listener can reach', async () => {
    const bench = new Bench({}, [listener(1, 'udp', '127.0.0.1')]);
    bench.net.names.set('dual.example', ['2001:db8::5', '127.0.0.9']);
    bench.app().sip('OPTIONS sip:dual.example SIP/2.0\n\n');
    await bench.settle();
    expect(bench.net.sent[0]?.target.address).toBe('127.0.0.9');
  });
});

describe('whom TLS must prove', () => {
  const tls = [listener(1, 'tls', '127.0.0.1', 5061)];

  test.each([
    ['the host of the URI', 'sip:bob@carrier.example;transport=tls', '', 'carrier.example'],
    [
      'the host of the route, where it has one',
      'sip:bob@other.example',
      'sip:carrier.example;transport=tls',
      'carrier.example',
    ],
    [
      'the host of the URI, where the route is its address',
      'sip:bob@carrier.example',
      'sip:127.0.0.1:5071;transport=tls',
      'carrier.example',
    ],
  ])('%s', async (_what, uri, routeUri, name) => {
    const bench = new Bench({}, tls);
    bench.net.names.set('carrier.example', ['127.0.0.9']);
    bench.app().sip(`OPTIONS ${uri} SIP/2.0\n\n`, { routeUri });
    await bench.settle();
    expect(bench.net.sent[0]?.target).toMatchObject({ transport: 'tls', serverName: name });
  });

  test('a sips URI goes by TLS, to 5061, and gets a sips Contact in return', () => {
    const bench = new Bench({}, tls);
    const app = bench.app('invite');
    app.sip('OPTIONS sips:127.0.0.1:5099 SIP/2.0\n\n');
    expect(bench.net.sent[0]?.target).toMatchObject({ transport: 'tls', port: 5099 });
    app.nextResponse();
    const peer = bench.net.peer('tls', 40_000);
    peer.request('INVITE', { uri: 'sips:service@127.0.0.1', body: SDP });
    app.answer(app.nextSip(), 200, [], SDP);
    peer.nextResponse(100);
    expect(headerOf(peer.nextResponse(200), 'Contact')).toBe('<sips:127.0.0.1:5061>');
  });

  test('names in a certificate reach the application from the engine alone', () => {
    const bench = new Bench({}, tls);
    const app = bench.app('options');
    const peer = bench.net.peer('tls', 40_000);
    peer.request('OPTIONS', { lines: ['x-viaduct-peer-names: carrier.example'] });
    expect(headerOf(app.nextSip().parsed, 'X-Viaduct-Peer-Names')).toBe('');
    Object.assign(peer.flow, { peerNames: ['carrier.example', 'b.example'] });
    peer.request('OPTIONS', { callId: 'call-2', lines: ['X-VIADUCT-PEER-NAMES: evil.example'] });
    expect(headerOf(app.nextSip().parsed, 'X-Viaduct-Peer-Names')).toBe('carrier.example, b.example');
  });
});
