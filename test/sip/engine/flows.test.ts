/** Connections: registered Contacts, browsers that vanish and come back (behaviour 43, drachtio-protocol §8.2 and §11). */
import { describe, expect, test } from 'vitest';
import { tagOf } from '../../../src/sip/message/index.ts';
import type { AppDouble } from '../../support/sip-app-double.ts';
import type { PeerDouble } from '../../support/sip-net-double.ts';
import { Bench, headerOf, SDP } from './engine-rig.ts';

const CONTACT = '<sip:alice@df7jal23ls0d.invalid;transport=ws>';
const URI = 'sip:alice@df7jal23ls0d.invalid;transport=ws';
let registrations = 0;

function register(
  peer: PeerDouble,
  app: AppDouble,
  lines: readonly string[] = ['Contact: <sip:alice@df7jal23ls0d.invalid;transport=ws>;expires=600'],
): void {
  peer.request('REGISTER', { contact: CONTACT, callId: `register-${++registrations}` });
  app.answer(app.nextSip(), 200, lines);
  peer.nextResponse(200);
}

/** A browser that is registered and in a call it made. */
function browserCall(transport: 'ws' | 'wss' = 'ws'): {
  bench: Bench;
  app: AppDouble;
  browser: PeerDouble;
  to: string;
} {
  const bench = new Bench();
  const app = bench.app('invite', 'register');
  const browser = bench.net.peer(transport, 40_000);
  register(browser, app);
  browser.request('INVITE', { contact: CONTACT, sentBy: 'df7jal23ls0d.invalid', body: SDP });
  app.answer(app.nextSip(), 200, [], SDP);
  browser.nextResponse(100);
  const to = `<sip:service@example.com>;tag=${tagOf(browser.nextResponse(200), 'To') ?? ''}`;
  browser.request('ACK', { to, contact: '' });
  app.nextSip();
  return { bench, app, browser, to };
}

function close(bench: Bench, peer: PeerDouble): void {
  bench.engine.connectionClosed(peer.flow.connectionId ?? -1);
}

describe('behaviour 43: registered Contacts', () => {
  test.each([['ws' as const], ['wss' as const], ['tcp' as const]])(
    'a call goes down the %s connection its Contact registered over',
    (transport) => {
      const bench = new Bench();
      const app = bench.app('register');
      const peer = bench.net.peer(transport, 40_000);
      register(peer, app);
      app.sip(`INVITE ${URI} SIP/2.0\n\n${SDP}`);
      expect(app.nextResponse().fields[3]).toBe(transport);
      const sent = peer.next();
      expect(sent.target.connectionId).toBe(peer.flow.connectionId);
      expect(headerOf(sent.message, 'Via')).toContain(`SIP/2.0/${transport.toUpperCase()} `);
      expect(headerOf(sent.message, 'Via').includes('rport')).toBe(transport === 'tcp');
      expect(headerOf(sent.message, 'To')).toBe(`<${URI}>`);
    },
  );

  test('an unknown Contact, one that expired and one that was removed cannot be reached', async () => {
    const bench = new Bench();
    const app = bench.app('register');
    const peer = bench.net.peer('ws', 40_000);
    const isReached = async (): Promise<boolean> => {
      app.sip(`OPTIONS ${URI} SIP/2.0\n\n`);
      await bench.settle();
      app.nextResponse();
      if (peer.drain().length > 0) return true;
      expect(app.nextSip().parsed).toMatchObject({ status: 503, reason: 'DNS Error' });
      return false;
    };
    expect(await isReached()).toBe(false);
    register(peer, app);
    expect(await isReached()).toBe(true);
    register(peer, app, ['Expires: 0']);
    expect(await isReached()).toBe(false);
    register(peer, app);
    bench.clock.advance(600_000);
    while (app.waiting > 0) app.next();
    expect(await isReached()).toBe(false);
    register(peer, app);
    close(bench, peer);
    expect(await isReached()).toBe(false);
  });

  test('requests of a dialog stay on the connection it came on', () => {
    const { app, browser } = browserCall();
    app.sip('INFO sip:placeholder SIP/2.0\n\n', { dialogId: 'call-1;from-tag=alice1' });
    const info = browser.next();
    expect(info.message).toMatchObject({ method: 'INFO', uri: URI });
    expect(info.target.connectionId).toBe(browser.flow.connectionId);
  });
});

describe('a browser whose connection closed', () => {
  test('has time to come back; then the call is over and the application is told', () => {
    const { bench, app, browser } = browserCall('wss');
    close(bench, browser);
    bench.clock.advance(29_999);
    expect(app.waiting).toBe(0);
    bench.clock.advance(1);
    const told = app.nextSip();
    expect(told).toMatchObject({
      source: 'application',
      transactionId: 'unsolicited',
      dialogId: 'call-1;from-tag=alice1',
    });
    expect(headerOf(told.parsed, 'Reason')).toBe('SIP;cause=503;text="transport closed"');
    expect(bench.engine.load.dialogs).toBe(0);
  });

  test('meanwhile requests to it are answered 410, a BYE ends the call', () => {
    const { bench, app, browser } = browserCall();
    close(bench, browser);
    for (const method of ['INFO', 'BYE']) {
      app.sip(`${method} sip:placeholder SIP/2.0\n\n`, { dialogId: 'call-1;from-tag=alice1' });
      const echo = app.nextResponse();
      expect(echo.fields.slice(0, 3)).toEqual(['OK', 'application', '0']);
      const gone = app.nextSip();
      expect(gone).toMatchObject({
        transactionId: echo.fields[7],
        dialogId: 'call-1;from-tag=alice1',
        parsed: { status: 410, reason: 'Gone' },
      });
    }
    bench.clock.advance(60_000);
    expect(app.waiting).toBe(0);
    expect(bench.engine.load.dialogs).toBe(0);
  });

  test('registers again on a new connection: the call goes on there', () => {
    const { bench, app, browser } = browserCall();
    close(bench, browser);
    bench.clock.advance(20_000);
    const again = bench.net.peer('ws', 40_001);
    register(again, app);
    bench.clock.advance(60_000);
    expect(app.waiting).toBe(0);
    app.sip('INFO sip:placeholder SIP/2.0\n\n', { dialogId: 'call-1;from-tag=alice1' });
    expect(again.next().target.connectionId).toBe(again.flow.connectionId);
  });

  test('registers again before anybody knows that its connection is dead: the call goes on over the new one', () => {
    const { bench, app, browser } = browserCall();
    const again = bench.net.peer('ws', 40_001);
    register(again, app);
    app.sip('INFO sip:placeholder SIP/2.0\n\n', { dialogId: 'call-1;from-tag=alice1' });
    expect(again.next().target.connectionId).toBe(again.flow.connectionId);
    close(bench, browser);
    bench.clock.advance(25_000);
    expect(bench.engine.load.dialogs).toBe(1);
    expect(browser.drain()).toEqual([]);
  });

  test('speaks in the dialog from a new connection without registering: the call goes on there', () => {
    const { bench, app, browser, to } = browserCall();
    close(bench, browser);
    const again = bench.net.peer('ws', 40_001);
    again.request('INVITE', { to, cseq: 2, contact: CONTACT });
    app.answer(app.nextSip(), 200);
    expect(again.drain()).toEqual(['100 INVITE', '200 INVITE']);
    again.request('ACK', { to, cseq: 2, contact: '' });
    app.nextSip();
    bench.clock.advance(60_000);
    expect(app.waiting).toBe(0);
    expect(bench.engine.load.dialogs).toBe(1);
  });

  test.each([
    ['nothing was said', [], 'CANCEL', ''],
    ['it rang', [180], 'CANCEL', 'call-1;from-tag=alice1'],
  ])(
    'while its call had no answer and %s: the application hears a CANCEL in the end',
    (_how, statuses, method, dialogId) => {
      const bench = new Bench({ timers: { t1: 5000, t2: 4000, t4: 5000, timerC: 185_000 } });
      const app = bench.app('invite');
      const browser = bench.net.peer('ws', 40_000);
      browser.request('INVITE', { contact: CONTACT });
      const invite = app.nextSip();
      for (const status of statuses) app.answer(invite, status);
      close(bench, browser);
      bench.clock.advance(30_000);
      expect(app.nextSip()).toMatchObject({
        transactionId: invite.transactionId,
        dialogId,
        source: 'network',
        parsed: { method },
      });
      expect(app.answer(invite, 200).fields[0]).toBe('NOK');
      expect(bench.engine.load.dialogs).toBe(0);
    },
  );

  test.each([[[]], [[180]]])(
    'while its call had no answer, and it comes back after %j: the answer finds it',
    (statuses) => {
      const bench = new Bench();
      const app = bench.app('invite', 'register');
      const browser = bench.net.peer('ws', 40_000);
      browser.request('INVITE', { contact: CONTACT });
      const invite = app.nextSip();
      for (const status of statuses) app.answer(invite, status);
      close(bench, browser);
      expect(statuses.length > 0 || app.answer(invite, 180).fields[0] === 'NOK').toBe(true);
      const again = bench.net.peer('ws', 40_001);
      register(again, app, [`Contact: ${CONTACT};expires=60`]);
      app.answer(invite, 200);
      again.nextResponse(200);
    },
  );

  test('while it rang for a call of ours: it may still answer from a new connection, else 410', () => {
    const bench = new Bench();
    const app = bench.app('register');
    const browser = bench.net.peer('ws', 40_000);
    register(browser, app);
    const call = (): ReturnType<PeerDouble['nextRequest']> => {
      app.sip(`INVITE ${URI} SIP/2.0\n\n`);
      app.nextResponse();
      return browser.nextRequest('INVITE');
    };
    const [ringing, silent] = [call(), call()];
    browser.respond(ringing, 180, { contact: CONTACT });
    app.nextSip();
    close(bench, browser);
    expect(app.nextSip().parsed).toMatchObject({ status: 410 }); // the one that did not even ring
    expect(silent.method).toBe('INVITE');
    bench.clock.advance(30_000);
    expect(app.nextSip().parsed).toMatchObject({ status: 410 });
    expect(bench.engine.load).toMatchObject({ clientTransactions: 0, dialogs: 0 });
  });
});

describe('a TCP peer', () => {
  test('may close an idle connection: the call goes on over a new one', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('tcp', 5999);
    peer.request('INVITE', { contact: '<sip:alice@127.0.0.1:7777;transport=tcp>' });
    app.answer(app.nextSip(), 200);
    peer.nextResponse(100);
    const to = `<sip:service@example.com>;tag=${tagOf(peer.nextResponse(200), 'To') ?? ''}`;
    peer.request('ACK', { to, contact: '' });
    const { dialogId } = app.nextSip();
    close(bench, peer);
    bench.clock.advance(60_000);
    expect(app.waiting).toBe(0);
    app.sip('INFO sip:placeholder SIP/2.0\n\n', { dialogId });
    app.nextResponse();
    const info = bench.net.sent.at(-1);
    expect(info?.target).toMatchObject({ transport: 'tcp', port: 7777, connectionId: undefined });
    info?.fail('refused');
    expect(app.nextSip().parsed).toMatchObject({ status: 410 });
  });

  test('that closed before its answer is connected to for it (RFC 3261 §18.2.2)', () => {
    const bench = new Bench();
    const app = bench.app('options');
    const peer = bench.net.peer('tcp', 5999);
    peer.request('OPTIONS', { sentBy: '127.0.0.1:7777' });
    close(bench, peer);
    expect(app.answer(app.nextSip(), 200).fields[0]).toBe('OK');
    expect(bench.net.sent.at(-1)?.target).toMatchObject({ port: 7777, connectionId: undefined });
  });

  test('that is a browser and gone cannot be answered', () => {
    const bench = new Bench();
    const app = bench.app('options');
    const peer = bench.net.peer('ws', 5999);
    peer.request('OPTIONS');
    close(bench, peer);
    expect(app.answer(app.nextSip(), 200).fields).toEqual([
      'NOK',
      'transport for response has been shutdown or closed',
    ]);
  });
});
