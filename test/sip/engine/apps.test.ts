/** Several applications, their limits and their going: behaviours 3, 4 and 47 of drachtio-protocol §12. */
import { describe, expect, test } from 'vitest';
import type { AppDouble } from '../../support/sip-app-double.ts';
import { Bench, headerOf, incomingCall, outgoingCall } from './engine-rig.ts';

function command(bench: Bench, app: AppDouble, kind: 'route' | 'remove-route', verb: string): readonly string[] {
  bench.engine.appCommand(app.id, { kind, id: 'c', verb });
  return app.nextResponse().fields;
}

describe('routing', () => {
  test('behaviour 3: the same route may be asked for again and counts once', () => {
    const bench = new Bench();
    const [first, second] = [bench.app('options', 'cdr:start'), bench.app('options')];
    for (let round = 0; round < 3; round++) expect(command(bench, first, 'route', 'options')).toEqual(['OK']);
    const peer = bench.net.peer('udp', 5999);
    for (let cseq = 1; cseq <= 6; cseq++) peer.request('OPTIONS', { cseq });
    expect([first.waiting, second.waiting]).toEqual([3, 3]);
  });

  test('behaviour 4: remove_route takes back the named verb only', () => {
    const bench = new Bench();
    const app = bench.app('options', 'message');
    expect(command(bench, app, 'remove-route', 'OPTIONS')).toEqual(['OK']);
    const peer = bench.net.peer('udp', 5999);
    peer.request('OPTIONS');
    peer.nextResponse(503);
    peer.request('MESSAGE', { cseq: 2 });
    app.nextSip();
  });

  test('behaviour 47: the turn goes round, also when one leaves', () => {
    const bench = new Bench();
    const apps = [bench.app('options'), bench.app('options'), bench.app('options')];
    const peer = bench.net.peer('udp', 5999);
    const offered: number[] = [];
    const offer = (cseq: number): void => {
      peer.request('OPTIONS', { cseq });
      offered.push(apps.findIndex((app) => app.waiting > 0));
      apps.find((app) => app.waiting > 0)?.next();
    };
    for (let cseq = 1; cseq <= 4; cseq++) offer(cseq);
    apps[0]?.close();
    for (let cseq = 5; cseq <= 8; cseq++) offer(cseq);
    expect(offered).toEqual([0, 1, 2, 0, 1, 2, 1, 2]);
  });

  test('behaviour 47: requests of a dialog go to the application that has it', () => {
    const bench = new Bench();
    const [first, second] = [bench.app('invite', 'info'), bench.app('invite', 'info')];
    const peer = bench.net.peer('udp', 5999);
    const { localTag } = incomingCall(peer, first);
    for (let cseq = 2; cseq <= 4; cseq++)
      peer.request('INFO', { cseq, to: `<sip:service@example.com>;tag=${localTag}` });
    expect([first.waiting, second.waiting]).toEqual([3, 0]);
  });
});

describe('an application that goes away', () => {
  test('behaviour 47: its dialogs are answered 481, and a new connection does not get them', () => {
    const bench = new Bench();
    const app = bench.app('invite', 'info');
    const peer = bench.net.peer('udp', 5999);
    const { localTag } = incomingCall(peer, app);
    const to = `<sip:service@example.com>;tag=${localTag}`;
    app.close();
    const other = bench.app('invite', 'info', 'bye');
    for (const [index, method] of ['INFO', 'INVITE', 'BYE'].entries()) {
      peer.request(method, { to, cseq: index + 2 });
      peer.nextResponse(481);
    }
    expect(other.waiting).toBe(0);
    expect(bench.engine.load.dialogs).toBe(0);
  });

  test('its dialogs are forgotten in the end', () => {
    const bench = new Bench({ orphanMs: 60_000 });
    const app = bench.app('invite');
    incomingCall(bench.net.peer('udp', 5999), app);
    app.close();
    bench.clock.advance(60_000);
    expect(bench.engine.load).toEqual({ serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 });
  });

  test('what it had not answered is answered 503, what it was calling is called off', () => {
    const bench = new Bench();
    const app = bench.app('invite', 'options');
    const peer = bench.net.peer('udp', 5999);
    const callee = bench.net.peer('udp', 6999);
    peer.request('INVITE');
    peer.request('OPTIONS', { callId: 'other' });
    for (let call = 0; call < 2; call++) app.sip('INVITE sip:bob@127.0.0.1:6999 SIP/2.0\n\n');
    const [first, second] = [callee.nextRequest('INVITE'), callee.nextRequest('INVITE')];
    callee.respond(first, 180);
    app.close();
    expect(peer.drain()).toEqual(['100 INVITE', '503 INVITE', '503 OPTIONS']);
    expect(callee.drain()).toEqual(['CANCEL']);
    callee.respond(first, 487);
    callee.respond(second, 200);
    expect(callee.drain()).toEqual(['ACK', 'ACK', 'BYE']);
    bench.clock.advance(100_000);
    expect(bench.engine.load).toEqual({ serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 });
  });

  test('its commands are no longer heard', () => {
    const bench = new Bench();
    const app = bench.app();
    app.close();
    app.sip('OPTIONS sip:bob@127.0.0.1:5999 SIP/2.0\n\n');
    expect(bench.net.sent).toHaveLength(0);
  });
});

describe('limits', () => {
  test('an application with too many open transactions gets no more; callers are told when to come back', () => {
    const bench = new Bench({ maxTransactionsPerApp: 2, retryAfterSec: 7 });
    const app = bench.app('options');
    const peer = bench.net.peer('udp', 5999);
    for (let cseq = 1; cseq <= 3; cseq++) peer.request('OPTIONS', { cseq });
    expect(headerOf(peer.nextResponse(503), 'Retry-After')).toBe('7');
    app.sip('OPTIONS sip:bob@127.0.0.1:6999 SIP/2.0\n\n');
    const offered = [app.nextSip(), app.nextSip()];
    expect(app.nextResponse().fields).toEqual(['NOK', 'too many transactions or dialogs']);
    for (const request of offered) app.answer(request, 200);
    peer.drain();
    peer.request('OPTIONS', { cseq: 4 });
    expect(peer.waiting).toBe(0);
    app.nextSip();
  });

  test('the turn passes over an application that is full', () => {
    const bench = new Bench({ maxTransactionsPerApp: 1 });
    const [first, second] = [bench.app('options'), bench.app('options')];
    const peer = bench.net.peer('udp', 5999);
    peer.request('OPTIONS', { cseq: 1 });
    peer.request('OPTIONS', { cseq: 2 });
    second.answer(second.nextSip(), 200);
    peer.request('OPTIONS', { cseq: 3 });
    expect([first.waiting, second.waiting]).toEqual([1, 1]);
  });

  test('dialogs are counted while they live, on both sides', () => {
    const bench = new Bench({ maxDialogsPerApp: 2 });
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    const { localTag } = incomingCall(peer, app);
    const { dialogId } = outgoingCall(bench.net.peer('udp', 6999), app);
    peer.request('INVITE', { callId: 'third' });
    peer.nextResponse(503);
    peer.request('BYE', { cseq: 2, to: `<sip:service@example.com>;tag=${localTag}` });
    app.answer(app.nextSip(), 200);
    peer.drain();
    peer.request('INVITE', { callId: 'fourth' });
    peer.nextResponse(100);
    expect(dialogId).not.toBe('');
  });

  test('answers free what failures and responses take', () => {
    const bench = new Bench({ maxTransactionsPerApp: 1 });
    const app = bench.app();
    const peer = bench.net.peer('udp', 6999);
    for (let round = 0; round < 3; round++) {
      app.sip('OPTIONS sip:bob@127.0.0.1:6999 SIP/2.0\n\n');
      expect(app.nextResponse().fields[0]).toBe('OK');
      if (round === 1) bench.clock.advance(32_000);
      else peer.respond(peer.nextRequest('OPTIONS'), 200);
      app.nextSip();
      peer.drain();
    }
  });
});
