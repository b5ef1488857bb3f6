/** SUBSCRIBE dialogs and NOTIFY, also inside calls: behaviour 42 of drachtio-protocol §12. */
import { describe, expect, test } from 'vitest';
import { type SipRequest, tagOf } from '../../../src/sip/message/index.ts';
import type { AppDouble } from '../../support/sip-app-double.ts';
import type { PeerDouble } from '../../support/sip-net-double.ts';
import { Bench, headerOf, incomingCall, outgoingCall } from './engine-rig.ts';

const IDLE = { serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 };

/** Headers of requests in the dialog that a request of ours began. */
const inDialogOf = (request: SipRequest): { callId: string; from: string; to: string } => ({
  callId: headerOf(request, 'Call-ID'),
  from: '<sip:bob@example.com>;tag=bob1',
  to: headerOf(request, 'From'),
});

function subscribing(strict = false): { bench: Bench; app: AppDouble; peer: PeerDouble; subscribe: SipRequest } {
  const bench = new Bench({ strict });
  const app = bench.app();
  const peer = bench.net.peer('udp', 5999);
  app.sip(`SUBSCRIBE sip:bob@${peer.hostPort} SIP/2.0\nEvent: presence\nExpires: 600\n\n`);
  app.nextResponse();
  return { bench, app, peer, subscribe: peer.nextRequest('SUBSCRIBE') };
}

const STATE = ['Event: presence', 'Subscription-State: active'];
const LAST = ['Event: presence', 'Subscription-State: terminated;reason=timeout'];

describe('the application subscribes', () => {
  test('behaviour 42: NOTIFYs are in the dialog; the last one is the application’s to answer and ends it', () => {
    const { bench, app, peer, subscribe } = subscribing();
    peer.respond(subscribe, 202);
    const { dialogId } = app.nextSip();
    peer.request('NOTIFY', { ...inDialogOf(subscribe), lines: STATE });
    const notify = app.nextSip();
    expect(notify.dialogId).toBe(dialogId);
    app.answer(notify, 200);
    peer.request('NOTIFY', { ...inDialogOf(subscribe), cseq: 2, lines: LAST });
    expect(app.answer(app.nextSip(), 200).fields[0]).toBe('OK');
    expect(peer.drain()).toEqual(['200 NOTIFY', '200 NOTIFY']);
    bench.clock.advance(40_000);
    expect(bench.engine.load).toEqual(IDLE);
  });

  test('strict: the last NOTIFY is answered 500 by the engine', () => {
    const { bench, app, peer, subscribe } = subscribing(true);
    peer.respond(subscribe, 202);
    app.nextSip();
    peer.request('NOTIFY', { ...inDialogOf(subscribe), lines: LAST });
    peer.nextResponse(500);
    expect(app.answer(app.nextSip(), 200).fields[0]).toBe('NOK');
    expect(bench.engine.load.dialogs).toBe(0);
  });

  test('a NOTIFY that overtakes the 202 waits for it', () => {
    const { bench, app, peer, subscribe } = subscribing();
    peer.request('NOTIFY', { ...inDialogOf(subscribe), lines: STATE });
    expect([app.waiting, peer.waiting]).toEqual([0, 0]);
    peer.respond(subscribe, 202);
    expect(app.nextSip().parsed).toMatchObject({ status: 202 });
    bench.clock.advance(20);
    const notify = app.nextSip();
    expect(notify.dialogId).not.toBe('');
    app.answer(notify, 200);
    peer.nextResponse(200);
  });

  test('a NOTIFY to a SUBSCRIBE that is refused belongs to nobody', () => {
    const { bench, app, peer, subscribe } = subscribing();
    peer.request('NOTIFY', { ...inDialogOf(subscribe), lines: STATE });
    peer.respond(subscribe, 489);
    app.nextSip();
    bench.clock.advance(20);
    expect(peer.drain()).toEqual(['503 NOTIFY']);
  });

  test('a subscription that nobody ends is forgotten after it expired, a refreshed one later', () => {
    const { bench, app, peer, subscribe } = subscribing();
    peer.respond(subscribe, 200, { lines: ['Expires: 300'] });
    const { dialogId } = app.nextSip();
    bench.clock.advance(290_000);
    app.sip('SUBSCRIBE sip:placeholder SIP/2.0\nEvent: presence\nExpires: 600\n\n', { dialogId });
    app.nextResponse();
    peer.respond(peer.nextRequest('SUBSCRIBE'), 200, { lines: ['Expires: 300'] });
    app.nextSip();
    bench.clock.advance(331_000);
    expect(bench.engine.load.dialogs).toBe(1);
    bench.clock.advance(1_000);
    expect(bench.engine.load).toEqual(IDLE);
  });
});

describe('the application is subscribed to', () => {
  test('behaviour 42: its NOTIFY terminated ends the dialog when it is answered, or never', () => {
    for (const isAnswered of [true, false]) {
      const bench = new Bench();
      const app = bench.app('subscribe');
      const peer = bench.net.peer('udp', 5999);
      peer.request('SUBSCRIBE', { lines: ['Event: presence', 'Expires: 600'] });
      const echo = app.answer(app.nextSip(), 202, ['Expires: 600']);
      expect(headerOf(peer.nextResponse(202), 'Contact')).not.toBe('');
      const dialogId = echo.fields[8] ?? '';
      app.sip('NOTIFY sip:placeholder SIP/2.0\nEvent: presence\nSubscription-State: terminated\n\n', { dialogId });
      app.nextResponse();
      const notify = peer.nextRequest('NOTIFY');
      expect(notify.uri).toBe(`sip:alice@${peer.hostPort}`);
      if (isAnswered) peer.respond(notify, 200);
      else bench.clock.advance(32_000);
      expect(app.nextSip().parsed).toMatchObject({ status: isAnswered ? 200 : 408 });
      expect(bench.engine.load.dialogs).toBe(0);
    }
  });
});

describe('subscriptions inside a call', () => {
  test('behaviour 42: the NOTIFY of a REFER reaches the application, also before the 202', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    const { dialogId } = outgoingCall(peer, app);
    app.sip('REFER sip:placeholder SIP/2.0\nRefer-To: <sip:carol@example.com>\n\n', { dialogId });
    app.nextResponse();
    const refer = peer.nextRequest('REFER');
    peer.request('NOTIFY', { ...inDialogOf(refer), lines: ['Event: refer', 'Subscription-State: active'] });
    const first = app.nextSip();
    expect(first).toMatchObject({ dialogId, parsed: { method: 'NOTIFY' } });
    app.answer(first, 200);
    peer.respond(refer, 202);
    app.nextSip();
    peer.request('NOTIFY', {
      ...inDialogOf(refer),
      cseq: 2,
      lines: ['Event: refer', 'Subscription-State: terminated'],
    });
    app.answer(app.nextSip(), 200);
    expect(bench.engine.load.dialogs).toBe(1);
    app.sip('BYE sip:placeholder SIP/2.0\n\n', { dialogId });
    expect(app.nextResponse().fields[0]).toBe('OK');
  });

  test('behaviour 42: the application’s own NOTIFYs of a REFER leave the call alone', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    const { localTag } = incomingCall(peer, app);
    const to = `<sip:service@example.com>;tag=${localTag}`;
    peer.request('REFER', { to, cseq: 2, lines: ['Refer-To: <sip:carol@example.com>'] });
    const refer = app.nextSip();
    app.answer(refer, 202);
    app.sip('NOTIFY sip:placeholder SIP/2.0\nEvent: refer\nSubscription-State: terminated\n\n', {
      dialogId: refer.dialogId,
    });
    app.nextResponse();
    peer.nextResponse(202);
    const notify = peer.nextRequest('NOTIFY');
    expect(tagOf(notify, 'To')).toBe('alice1');
    peer.respond(notify, 481);
    app.nextSip();
    expect(bench.engine.load.dialogs).toBe(1);
  });
});
