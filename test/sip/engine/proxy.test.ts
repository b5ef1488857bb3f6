/** The `proxy` command: behaviour 45 of drachtio-protocol §12, RFC 3261 §16, RFC 5393. */
import { describe, expect, test } from 'vitest';
import { headerValues, type SipRequest } from '../../../src/sip/message/index.ts';
import type { AppDouble, ToldSip } from '../../support/sip-app-double.ts';
import type { PeerDouble } from '../../support/sip-net-double.ts';
import { Bench, headerOf, SDP } from './engine-rig.ts';

const IDLE = { serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 };
const BOB = 'sip:bob@127.0.0.1:6001';
const CAROL = 'sip:carol@127.0.0.1:6002';

interface Stage {
  readonly bench: Bench;
  readonly app: AppDouble;
  readonly alice: PeerDouble;
  readonly bob: PeerDouble;
  readonly carol: PeerDouble;
  readonly invite: ToldSip;
}

function stage(lines: readonly string[] = [], of: { strict?: boolean; method?: string; uri?: string } = {}): Stage {
  const bench = new Bench({ strict: of.strict === true });
  const method = of.method ?? 'INVITE';
  const app = bench.app(method.toLowerCase());
  const alice = bench.net.peer('udp', 5999);
  alice.request(method, {
    lines,
    body: method === 'INVITE' ? SDP : '',
    ...(of.uri === undefined ? {} : { uri: of.uri }),
  });
  if (method === 'INVITE') alice.nextResponse(100);
  const [bob, carol] = [bench.net.peer('udp', 6001), bench.net.peer('udp', 6002)];
  return { bench, app, alice, bob, carol, invite: app.nextSip() };
}

const serial = (...targets: string[]): string[] => ['', 'fullResponse', '', 'serial', '', '', ...targets];
const parallel = (...targets: string[]): string[] => ['', 'fullResponse', '', 'simultaneous', '', '', ...targets];

describe('one target', () => {
  test('behaviour 45: the request goes on with our Via, one hop less, and the application’s headers', () => {
    const { bench, app, alice, bob, invite } = stage(['X-Kept: yes']);
    app.proxy(invite, serial(BOB), ['X-P: 1', 'From: <sip:mallory@example.com>']);
    const onward = bob.nextRequest('INVITE');
    expect(headerValues(onward, 'Via').map((via) => via.split(';')[0])).toEqual([
      'SIP/2.0/UDP 127.0.0.1:5060',
      'SIP/2.0/UDP 127.0.0.1:5999',
    ]);
    expect([onward.uri, headerOf(onward, 'Max-Forwards')]).toEqual([BOB, '69']);
    expect([headerOf(onward, 'X-Kept'), headerOf(onward, 'X-P')]).toEqual(['yes', '1']);
    expect(headerValues(onward, 'From')).toEqual(['<sip:alice@example.com>;tag=alice1']);
    expect([onward.body.toString(), headerOf(onward, 'Record-Route')]).toEqual([SDP, '']);
    bob.respond(onward, 100);
    bob.respond(onward, 180);
    expect(headerValues(alice.nextResponse(180), 'Via')).toHaveLength(1);
    bob.respond(onward, 200, { body: SDP });
    expect(headerOf(alice.nextResponse(200), 'Contact')).toBe('<sip:bob@127.0.0.1:6001>');
    const answer = app.nextResponse();
    expect(answer.fields.slice(0, 2)).toEqual(['OK', 'network']);
    expect([answer.fields[3], answer.fields[4], answer.fields[5]]).toEqual(['udp', '127.0.0.1', '6001']);
    expect(answer.fields.slice(7)).toEqual(['', '', 'continue']);
    expect(answer.parsed).toMatchObject({ status: 200 });
    expect(app.nextResponse().fields).toEqual(['OK', 'done']);
    bob.respond(onward, 200, { body: SDP });
    alice.nextResponse(200);
    bench.clock.advance(40_000);
    expect(bench.engine.load).toEqual(IDLE);
  });

  test('the URI stays when the request was not for us: the target is where it is sent', () => {
    const { app, bob, invite } = stage([], { uri: 'sip:bob@elsewhere.example' });
    app.proxy(invite, serial(BOB));
    expect(bob.nextRequest('INVITE').uri).toBe('sip:bob@elsewhere.example');
  });

  test('without fullResponse the application hears done at once', () => {
    const { app, alice, bob, invite } = stage();
    app.proxy(invite, ['', '', '', 'serial', '', '', BOB]);
    expect(app.nextResponse().fields).toEqual(['OK', 'done']);
    bob.respond(bob.nextRequest('INVITE'), 486);
    alice.nextResponse(486);
    expect(app.waiting).toBe(0);
  });

  test('silence becomes 408, of other methods nothing', () => {
    const { bench, app, alice, invite } = stage();
    app.proxy(invite, serial(BOB));
    bench.clock.advance(32_000);
    expect(alice.nextResponse(408)).toBeDefined();
    expect(app.nextResponse().fields).toEqual(['OK', 'done']);
    const options = stage([], { method: 'OPTIONS' });
    options.app.proxy(options.invite, serial(BOB));
    options.bench.clock.advance(32_000);
    expect(options.alice.waiting).toBe(0);
    expect(options.bench.engine.load).toEqual(IDLE);
  });

  test('what cannot be proxied is refused', () => {
    const { app, invite, bob } = stage();
    app.proxy({ ...invite, transactionId: 'nothing' }, serial(BOB));
    expect(app.nextResponse().fields).toEqual(['NOK', 'Unknown transaction id: nothing']);
    app.proxy(invite, serial());
    expect(app.nextResponse().fields).toEqual(['NOK', 'error proxying request to ']);
    app.proxy(invite, serial(BOB));
    app.proxy(invite, serial(CAROL));
    expect(app.nextResponse().fields[0]).toBe('NOK');
    expect(bob.drain()).toEqual(['INVITE']);
  });

  test('Max-Forwards 0 is answered 483', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const alice = bench.net.peer('udp', 5999);
    const request = alice.request('INVITE', { callId: 'other' }).replace('Max-Forwards: 70', 'Max-Forwards: 0');
    app.nextSip();
    alice.drain();
    alice.sendText(request.replace('other', 'hops').replace('x1;', 'x9;'));
    alice.nextResponse(100);
    app.proxy(app.nextSip(), serial(BOB));
    alice.nextResponse(483);
    expect(app.nextResponse().fields[1]).toContain('483 Too Many Hops');
  });
});

describe('several targets', () => {
  test('one after the other until somebody answers; the best refusal at the end', () => {
    const { app, alice, bob, carol, invite } = stage();
    app.proxy(invite, serial(BOB, CAROL));
    expect(carol.waiting).toBe(0);
    const first = bob.nextRequest('INVITE');
    bob.respond(first, 503);
    expect(bob.drain()).toEqual(['ACK']);
    const second = carol.nextRequest('INVITE');
    expect(second.uri).toBe(CAROL);
    carol.respond(second, 486);
    alice.nextResponse(486);
    expect([app.nextResponse(), app.nextResponse()].map(({ parsed }) => parsed)).toMatchObject([
      { status: 503 },
      { status: 486 },
    ]);
    expect(app.nextResponse().fields).toEqual(['OK', 'done']);
  });

  test('at once: the first 2xx calls the others off, a second one is passed on too', () => {
    const { app, alice, bob, carol, invite } = stage();
    app.proxy(invite, parallel(BOB, CAROL));
    const [one, two] = [bob.nextRequest('INVITE'), carol.nextRequest('INVITE')];
    expect([headerOf(one, 'Max-Breadth'), headerOf(two, 'Max-Breadth')]).toEqual(['30', '30']);
    bob.respond(one, 180);
    carol.respond(two, 180, { toTag: 'carol1' });
    bob.respond(one, 200);
    expect(carol.nextRequest('CANCEL')).toBeDefined();
    carol.respond(two, 200, { toTag: 'carol1' });
    expect(alice.drain()).toEqual(['180 INVITE', '180 INVITE', '200 INVITE', '200 INVITE']);
  });

  test('a 6xx ends the search at all targets', () => {
    const { app, alice, bob, carol, invite } = stage();
    app.proxy(invite, parallel(BOB, CAROL));
    const [one, two] = [bob.nextRequest('INVITE'), carol.nextRequest('INVITE')];
    carol.respond(two, 180);
    alice.nextResponse(180);
    bob.respond(one, 603);
    expect(alice.waiting).toBe(0);
    carol.respond(carol.nextRequest('CANCEL'), 200);
    carol.respond(two, 487);
    alice.nextResponse(603);
  });

  test('a challenge is passed on without trying further', () => {
    const { app, alice, bob, carol, invite } = stage();
    app.proxy(invite, serial(BOB, CAROL));
    bob.respond(bob.nextRequest('INVITE'), 407, { lines: ['Proxy-Authenticate: Digest realm="b"'] });
    expect(headerOf(alice.nextResponse(407), 'Proxy-Authenticate')).toContain('realm="b"');
    expect(carol.waiting).toBe(0);
  });

  test('redirections are followed when asked for', () => {
    const { app, bob, carol, invite } = stage();
    app.proxy(invite, ['', 'fullResponse', 'followRedirects', 'serial', '', '', BOB]);
    bob.respond(bob.nextRequest('INVITE'), 302, { contact: `<${CAROL}>` });
    expect(carol.nextRequest('INVITE').uri).toBe(CAROL);
  });

  test('a silent target is given up after provisionalTimeout, one that only rings after finalTimeout', () => {
    const { bench, app, alice, bob, carol, invite } = stage();
    app.proxy(invite, ['', 'fullResponse', '', 'serial', '2s', '1500ms', BOB, CAROL].toSpliced(5, 1, '10s'));
    bob.nextRequest('INVITE');
    bench.clock.advance(2_000);
    const second = carol.nextRequest('INVITE');
    carol.respond(second, 180);
    alice.nextResponse(180);
    bench.clock.advance(10_000);
    expect(carol.nextRequest('CANCEL')).toBeDefined();
    alice.nextResponse(408);
  });

  test('strict: the final timeout is ignored', () => {
    const { bench, app, carol, invite } = stage([], { strict: true });
    app.proxy(invite, ['', 'fullResponse', '', 'serial', '', '2s', CAROL]);
    carol.respond(carol.nextRequest('INVITE'), 180);
    bench.clock.advance(60_000);
    expect(carol.waiting).toBe(0);
  });
});

describe('the caller gives up', () => {
  test.each([false, true])('behaviour 45: 200 to it, CANCEL to the target, 487 back (strict: %s)', (strict) => {
    const { bench, app, alice, bob, invite } = stage([], { strict });
    app.proxy(invite, serial(BOB, CAROL));
    const onward = bob.nextRequest('INVITE');
    bob.respond(onward, 180);
    alice.nextResponse(180);
    alice.request('CANCEL', { branch: 'z9hG4bK5999x1', contact: '' });
    expect(alice.drain()).toEqual(strict ? ['200 CANCEL', '487 INVITE'] : ['200 CANCEL']);
    bob.respond(bob.nextRequest('CANCEL'), 200);
    bob.respond(onward, 487);
    bob.drain();
    if (!strict) alice.nextResponse(487);
    alice.request('ACK', { branch: 'z9hG4bK5999x1', contact: '' });
    expect(app.nextResponse().parsed).toMatchObject({ status: 487 });
    expect(app.nextResponse().fields).toEqual(['OK', 'done']);
    bench.clock.advance(64_000);
    expect(bench.engine.load).toEqual(IDLE);
  });
});

describe('loops', () => {
  test('a request that comes back as it left is refused with 482', () => {
    const { bench, app, alice, bob, invite } = stage();
    app.proxy(invite, serial(BOB));
    const onward = bob.nextRequest('INVITE');
    // Bob's server sends it back to where it first was addressed.
    const text = [
      `INVITE sip:service@127.0.0.1:5060 SIP/2.0`,
      'Via: SIP/2.0/UDP 127.0.0.1:6001;branch=z9hG4bKloop;rport',
      ...headerValues(onward, 'Via').map((via) => `Via: ${via}`),
      ...['From', 'To', 'Call-ID', 'CSeq', 'Contact', 'Max-Forwards'].map(
        (name) => `${name}: ${headerOf(onward, name)}`,
      ),
      'Content-Length: 0',
      '\n',
    ].join('\n');
    bob.sendText(text);
    // While the first is open, it is a merged request already; when that is over, our own Via tells.
    bob.nextResponse(482);
    bob.respond(onward, 404);
    alice.nextResponse(404);
    bob.drain();
    alice.request('ACK', { branch: 'z9hG4bK5999x1', contact: '' });
    bench.clock.advance(64_000);
    bob.drain();
    app.nextResponse();
    app.nextResponse();
    bob.sendText(text.replace('z9hG4bKloop', 'z9hG4bKloop2'));
    bob.nextResponse(100);
    app.proxy(app.nextSip(), serial(BOB));
    bob.nextResponse(482);
    expect(app.nextResponse().fields).toEqual(['NOK', 'Loop Detected']);
  });

  test('a fork cannot be wider than the breadth that is left', () => {
    const { app, alice, invite } = stage(['Max-Breadth: 1']);
    app.proxy(invite, parallel(BOB, CAROL));
    alice.nextResponse(440);
    expect(app.nextResponse().fields).toEqual(['NOK', 'Max-Breadth Exceeded']);
  });
});

describe('remaining in the dialog', () => {
  function established(): Stage & { onward: SipRequest; route: string } {
    const all = stage();
    all.app.proxy(all.invite, ['remainInDialog', ...serial(BOB).slice(1)]);
    const onward = all.bob.nextRequest('INVITE');
    const route = headerOf(onward, 'Record-Route');
    all.bob.respond(onward, 200, { body: SDP });
    expect(headerOf(all.alice.nextResponse(200), 'Record-Route')).toBe(route);
    all.app.nextResponse();
    all.app.nextResponse();
    return { ...all, onward, route };
  }
  const to = '<sip:service@example.com>;tag=bob1';

  test('behaviour 45: requests with our Route are passed on statelessly, and their responses back', () => {
    const { app, alice, bob, route } = established();
    expect(route).toMatch(/^<sip:127\.0\.0\.1:5060;lr;/);
    alice.request('ACK', { uri: BOB, to, lines: [`Route: ${route}`], contact: '' });
    const ack = bob.nextRequest('ACK');
    expect([ack.uri, headerOf(ack, 'Route'), headerOf(ack, 'Max-Forwards')]).toEqual([BOB, '', '69']);
    const bye = alice.request('BYE', { uri: BOB, to, cseq: 2, lines: [`Route: ${route}`] });
    const onward = bob.nextRequest('BYE');
    alice.sendText(bye);
    expect(headerOf(bob.nextRequest('BYE'), 'Via')).toBe(headerOf(onward, 'Via'));
    bob.respond(onward, 200);
    expect(headerValues(alice.nextResponse(200), 'Via')).toHaveLength(1);
    expect(app.waiting).toBe(0);
  });

  test('nobody else is served: a token is good for its own call, and a response for a request that was ours', () => {
    const { alice, bob, carol, route } = established();
    bob.drain();
    for (const lines of [
      [`Route: ${route}`],
      ['Route: <sip:127.0.0.1:5060;lr>'],
      [`Route: ${route.replace(/.{5}>/, 'fffff>')}`],
    ]) {
      alice.request('BYE', {
        uri: CAROL,
        to,
        callId: lines[0] === `Route: ${route}` ? 'another' : 'call-1',
        cseq: 5,
        lines,
      });
    }
    expect(alice.drain()).toEqual(['481 BYE', '481 BYE', '481 BYE']);
    bob.sendText(
      [
        'SIP/2.0 200 OK',
        'Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKrelay0123456789abcdef01234567',
        'Via: SIP/2.0/UDP 127.0.0.1:6002;branch=z9hG4bKx;rport=6002;received=127.0.0.1',
        `From: <sip:a@b>;tag=1\nTo: ${to}\nCall-ID: call-1\nCSeq: 2 BYE\nContent-Length: 0\n\n`,
      ].join('\n'),
    );
    expect(carol.waiting).toBe(0);
  });

  test('a REGISTER gets a Path', () => {
    const { app, bob, invite } = stage([], { method: 'REGISTER' });
    app.proxy(invite, ['remainInDialog', ...serial(BOB).slice(1)]);
    const onward = bob.nextRequest('REGISTER');
    expect([headerOf(onward, 'Path'), headerOf(onward, 'Require')]).toEqual([expect.stringContaining(';lr;'), 'path']);
    bob.request('OPTIONS', {
      uri: 'sip:alice@127.0.0.1:5999',
      callId: 'new',
      lines: [`Route: ${headerOf(onward, 'Path')}`],
    });
  });
});
