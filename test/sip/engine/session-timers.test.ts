/** Session timers (RFC 4028) in both roles: behaviour 41 of drachtio-protocol §12. */
import { describe, expect, test } from 'vitest';
import { answerTerms, readTerms } from '../../../src/sip/engine/session-terms.ts';
import type { AppDouble } from '../../support/sip-app-double.ts';
import type { PeerDouble } from '../../support/sip-net-double.ts';
import { Bench, headerOf, SDP } from './engine-rig.ts';

const DIALOG = 'call-1;from-tag=alice1';

interface Call {
  readonly bench: Bench;
  readonly app: AppDouble;
  readonly peer: PeerDouble;
  readonly dialogId: string;
  /** To of the peer's requests. */
  readonly to: string;
  readonly sessionExpires: string;
  readonly require: string;
}

/** A call that came in with these lines, answered with those. */
function incoming(lines: readonly string[], answer: readonly string[] = [], strict = false): Call {
  const bench = new Bench({ strict });
  const app = bench.app('invite');
  const peer = bench.net.peer('udp', 5999);
  peer.request('INVITE', { body: SDP, lines });
  peer.nextResponse(100);
  app.answer(app.nextSip(), 200, answer, SDP);
  const ok = peer.nextResponse(200);
  peer.request('ACK', { to: headerOf(ok, 'To'), contact: '' });
  app.nextSip();
  const require = headerOf(ok, 'Require');
  return {
    bench,
    app,
    peer,
    dialogId: DIALOG,
    to: headerOf(ok, 'To'),
    sessionExpires: headerOf(ok, 'Session-Expires'),
    require,
  };
}

/** A call of the application's, answered with these lines. */
function outgoing(answer: readonly string[], lines = ''): Call {
  const bench = new Bench();
  const app = bench.app();
  const peer = bench.net.peer('udp', 5999);
  app.sip(`INVITE sip:bob@${peer.hostPort} SIP/2.0\nSession-Expires: 90\nSupported: timer${lines}\n\n${SDP}`);
  app.nextResponse();
  const invite = peer.nextRequest('INVITE');
  peer.respond(invite, 200, { body: SDP, lines: answer });
  const { dialogId } = app.nextSip();
  app.sip('ACK sip:placeholder SIP/2.0\n\n', { dialogId });
  app.nextResponse();
  peer.nextRequest('ACK');
  return { bench, app, peer, dialogId, to: headerOf(invite, 'From'), sessionExpires: '', require: '' };
}

const OURS = ['Session-Expires: 90;refresher=uas', 'Supported: timer'];
const THEIRS = ['Session-Expires: 90;refresher=uac', 'Supported: timer'];
const WITH_UPDATE = 'Allow: INVITE, ACK, BYE, UPDATE';

function expectEnded({ app, peer, bench, dialogId }: Call): void {
  const bye = peer.nextRequest('BYE');
  expect(headerOf(bye, 'Reason')).toContain('Session timer expired');
  expect(app.nextSip()).toMatchObject({
    source: 'application',
    transactionId: 'unsolicited',
    dialogId,
    parsed: { method: 'BYE' },
  });
  peer.respond(bye, 200);
  bench.clock.advance(120_000);
  expect(bench.engine.load).toEqual({ serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 });
}

describe('what a 2xx of ours agrees on', () => {
  test('behaviour 41: a refresher that the caller names is confirmed', () => {
    expect(incoming(THEIRS)).toMatchObject({ sessionExpires: '90;refresher=uac', require: 'timer' });
    expect(incoming(OURS)).toMatchObject({ sessionExpires: '90;refresher=uas', require: '' });
  });

  test('without a named refresher there is no timer unless the application asks', () => {
    expect(incoming(['Session-Expires: 90', 'Supported: timer']).sessionExpires).toBe('');
    const asked = incoming(['Session-Expires: 1800', 'Supported: timer'], ['Session-Expires: 600;refresher=uas']);
    expect(asked.sessionExpires).toBe('600;refresher=uas');
    expect(incoming(['Supported: timer'], ['Session-Expires: 600']).sessionExpires).toBe('600;refresher=uac');
    expect(incoming([], ['Session-Expires: 600']).sessionExpires).toBe('600;refresher=uas');
  });

  test('the application’s interval is kept between what the caller asked for and its Min-SE', () => {
    const request = (text: string): { name: string; value: string }[] =>
      text.split('\n').map((line) => ({ name: line.split(': ')[0] ?? '', value: line.split(': ')[1] ?? '' }));
    const caller = request('Session-Expires: 300\nMin-SE: 200\nSupported: timer');
    expect(answerTerms(caller, readTerms(request('Session-Expires: 100')), undefined)?.seconds).toBe(200);
    expect(answerTerms(caller, readTerms(request('Session-Expires: 900')), undefined)?.seconds).toBe(300);
  });

  test('an interval below Min-SE is refused by the engine, in new calls and in old ones', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE', { callId: 'new', lines: ['Session-Expires: 30', 'Supported: timer'] });
    expect(headerOf(peer.nextResponse(422), 'Min-SE')).toBe('90');
    expect(app.waiting).toBe(0);
    const call = incoming(THEIRS);
    for (const [at, method] of ['INVITE', 'UPDATE'].entries()) {
      call.peer.request(method, { to: call.to, cseq: 2 + at, lines: ['Session-Expires: 60', 'Supported: timer'] });
      call.peer.nextResponse(422);
    }
    expect(call.app.waiting).toBe(0);
  });
});

describe('we refresh', () => {
  test('behaviour 41: by UPDATE without SDP at half the interval, again and again, unseen by the application', () => {
    const call = incoming([...OURS, WITH_UPDATE]);
    const { bench, app, peer } = call;
    for (let turn = 0; turn < 5; turn++) {
      bench.clock.advance(44_999);
      expect(peer.waiting).toBe(0);
      bench.clock.advance(1);
      const update = peer.nextRequest('UPDATE');
      expect(headerOf(update, 'Session-Expires')).toBe('90;refresher=uac');
      expect(headerOf(update, 'Min-SE')).toBe('90');
      expect(headerOf(update, 'Contact')).toBe('<sip:127.0.0.1:5060>');
      expect(update.body).toHaveLength(0);
      peer.respond(update, 200, { lines: ['Session-Expires: 90;refresher=uac', 'Require: timer'] });
    }
    expect(app.waiting).toBe(0);
  });

  test('by re-INVITE with the SDP the peer knows, acknowledged by the engine, when UPDATE is not allowed', () => {
    const { bench, app, peer } = incoming(OURS);
    bench.clock.advance(45_000);
    const invite = peer.nextRequest('INVITE');
    expect(invite.body.toString()).toBe(SDP);
    expect(headerOf(invite, 'Content-Type')).toBe('application/sdp');
    peer.respond(invite, 200, { body: SDP, lines: ['Session-Expires: 90;refresher=uac'] });
    const ack = peer.nextRequest('ACK');
    expect(headerOf(ack, 'CSeq')).toBe(headerOf(invite, 'CSeq').replace('INVITE', 'ACK'));
    peer.respond(invite, 200, { body: SDP, lines: ['Session-Expires: 90;refresher=uac'] });
    peer.nextRequest('ACK');
    expect(app.waiting).toBe(0);
    bench.clock.advance(45_000);
    peer.nextRequest('INVITE');
  });

  test('with the parts that stood beside the SDP in the body', () => {
    const type = 'multipart/mixed;boundary=b';
    const { bench, peer } = outgoing(
      ['Session-Expires: 90;refresher=uac', 'Require: timer'],
      `\nContent-Type: ${type}`,
    );
    bench.clock.advance(45_000);
    expect(headerOf(peer.nextRequest('INVITE'), 'Content-Type')).toBe(type);
  });

  test('strict: always by re-INVITE', () => {
    const { bench, peer } = incoming([...OURS, WITH_UPDATE], [], true);
    bench.clock.advance(45_000);
    peer.nextRequest('INVITE');
  });

  test('as caller too, with what was offered last', () => {
    const { bench, app, peer, dialogId } = outgoing(['Session-Expires: 90;refresher=uac', 'Require: timer']);
    app.sip(`INVITE sip:placeholder SIP/2.0\n\n${SDP}a=sendonly\r\n`, { dialogId });
    app.nextResponse();
    const hold = peer.nextRequest('INVITE');
    expect(headerOf(hold, 'Session-Expires')).toBe('90;refresher=uac');
    expect(headerOf(hold, 'Supported')).toBe('timer');
    peer.respond(hold, 200, { body: SDP, lines: ['Session-Expires: 100;refresher=uac'] });
    app.nextSip();
    app.sip('ACK sip:placeholder SIP/2.0\n\n', { dialogId });
    app.nextResponse();
    peer.drain();
    bench.clock.advance(50_000);
    const refresh = peer.nextRequest('INVITE');
    expect(refresh.body.toString()).toContain('a=sendonly');
    expect(headerOf(refresh, 'Session-Expires')).toBe('100;refresher=uac');
  });

  test('422 raises the interval and asks again at once', () => {
    const { bench, peer, app } = incoming([...OURS, WITH_UPDATE]);
    bench.clock.advance(45_000);
    peer.respond(peer.nextRequest('UPDATE'), 422, { lines: ['Min-SE: 300'] });
    const again = peer.nextRequest('UPDATE');
    expect([headerOf(again, 'Session-Expires'), headerOf(again, 'Min-SE')]).toEqual(['300;refresher=uac', '300']);
    peer.respond(again, 200, { lines: ['Session-Expires: 300;refresher=uac'] });
    bench.clock.advance(149_999);
    expect([peer.waiting, app.waiting]).toEqual([0, 0]);
    bench.clock.advance(1);
    peer.nextRequest('UPDATE');
  });

  test('491 tries again a little later; 501 to UPDATE turns to re-INVITE', () => {
    const { bench, peer } = incoming([...OURS, WITH_UPDATE]);
    bench.clock.advance(45_000);
    peer.respond(peer.nextRequest('UPDATE'), 491);
    bench.clock.advance(2_000);
    const later = peer.nextRequest('UPDATE');
    peer.drain(); // its retransmissions
    peer.respond(later, 501);
    bench.clock.advance(0);
    peer.nextRequest('INVITE');
  });

  test.each([408, 481])('%i to it ends the call on both sides', (status) => {
    const call = incoming([...OURS, WITH_UPDATE]);
    call.bench.clock.advance(45_000);
    call.peer.respond(call.peer.nextRequest('UPDATE'), status);
    expectEnded(call);
  });

  test('no answer to it ends the call', () => {
    const call = incoming([...OURS, WITH_UPDATE]);
    call.bench.clock.advance(45_000 + 32_000);
    expect(call.peer.drain().at(-1)).toBe('BYE');
    expect(headerOf(call.app.nextSip().parsed, 'Reason')).toContain('Session timer expired');
  });

  test('other refusals are tried again until the session expires', () => {
    const call = incoming([...OURS, WITH_UPDATE]);
    const { bench, peer } = call;
    bench.clock.advance(45_000);
    for (let turn = 0; turn < 4; turn++) {
      peer.respond(peer.nextRequest('UPDATE'), 500);
      bench.clock.advance(10_000);
    }
    peer.respond(peer.nextRequest('UPDATE'), 500);
    bench.clock.advance(5_000);
    expectEnded(call);
  });

  test('an INVITE of the application waits for a refresh that is on its way', () => {
    const { bench, app, peer, dialogId } = incoming(OURS);
    bench.clock.advance(45_000);
    const refresh = peer.nextRequest('INVITE');
    app.sip(`INVITE sip:placeholder SIP/2.0\n\n${SDP}`, { dialogId });
    expect([app.waiting, peer.waiting]).toEqual([0, 0]);
    peer.respond(refresh, 200, { body: SDP, lines: ['Session-Expires: 90;refresher=uac'] });
    peer.nextRequest('ACK');
    expect(app.nextResponse().fields[0]).toBe('OK');
    peer.nextRequest('INVITE');
  });

  test('a peer that re-INVITEs meanwhile gets 491; one that already did makes us wait', () => {
    const { bench, app, peer, to } = incoming(OURS);
    bench.clock.advance(44_000);
    peer.request('INVITE', { to, cseq: 2, body: SDP, lines: ['Supported: timer'] });
    peer.nextResponse(100);
    const theirs = app.nextSip();
    bench.clock.advance(2_000);
    expect(peer.waiting).toBe(0);
    app.answer(theirs, 488);
    peer.nextResponse(488);
    peer.request('ACK', { to, cseq: 2, branch: 'z9hG4bK5999x3', contact: '' });
    bench.clock.advance(2_000);
    peer.nextRequest('INVITE');
    peer.drain(); // its retransmissions
    peer.request('INVITE', { to, cseq: 3, body: SDP });
    peer.nextResponse(491);
  });
});

describe('they refresh', () => {
  test('behaviour 41: the end of the interval ends the call on both sides', () => {
    const call = incoming(THEIRS);
    call.bench.clock.advance(89_999);
    expect(call.peer.waiting).toBe(0);
    call.bench.clock.advance(1);
    expectEnded(call);
  });

  test('their refresh, handed to the application, starts it anew', () => {
    const call = incoming(THEIRS);
    const { bench, app, peer, to } = call;
    bench.clock.advance(45_000);
    peer.request('UPDATE', { to, cseq: 2, lines: THEIRS });
    app.answer(app.nextSip(), 200);
    expect(headerOf(peer.nextResponse(200), 'Session-Expires')).toBe('90;refresher=uac');
    bench.clock.advance(89_999);
    expect(peer.waiting).toBe(0);
    bench.clock.advance(1);
    expectEnded(call);
  });

  test('a re-INVITE for hold that names no interval keeps what was agreed', () => {
    const call = incoming(THEIRS);
    const { bench, app, peer, to } = call;
    bench.clock.advance(60_000);
    peer.request('INVITE', { to, cseq: 2, body: SDP, lines: ['Supported: timer'] });
    peer.nextResponse(100);
    app.answer(app.nextSip(), 200, [], SDP);
    expect(headerOf(peer.nextResponse(200), 'Session-Expires')).toBe('90;refresher=uac');
    peer.request('ACK', { to, cseq: 2, contact: '' });
    app.nextSip();
    bench.clock.advance(90_000);
    expectEnded(call);
  });

  test('as callee of ours, learned from its 2xx', () => {
    const call = outgoing(['Session-Expires: 90;refresher=uas', 'Supported: timer']);
    call.bench.clock.advance(90_000);
    expectEnded(call);
  });

  test('a 2xx without interval ends the timer, not the call', () => {
    const { bench, app, peer, dialogId } = outgoing(['Session-Expires: 90;refresher=uas']);
    app.sip('UPDATE sip:placeholder SIP/2.0\n\n', { dialogId });
    app.nextResponse();
    peer.respond(peer.nextRequest('UPDATE'), 200);
    app.nextSip();
    bench.clock.advance(200_000);
    expect([peer.waiting, app.waiting, bench.engine.load.dialogs]).toEqual([0, 0, 1]);
  });
});

describe('a call of 35 minutes', () => {
  const MS = 35 * 60_000;

  test.each([
    [90, 46],
    [1800, 2],
  ])('we refresh every %i seconds: %i times, and nothing piles up', (seconds, times) => {
    const value = `Session-Expires: ${seconds};refresher=`;
    const { bench, app, peer, to } = incoming([`${value}uas`, 'Supported: timer', WITH_UPDATE]);
    let refreshes = 0;
    for (let at = 0; at < MS; at += 5_000) {
      bench.clock.advance(5_000);
      if (peer.waiting === 0) continue;
      peer.respond(peer.nextRequest('UPDATE'), 200, { lines: [`${value}uac`, 'Require: timer'] });
      refreshes += 1;
    }
    expect(refreshes).toBe(times);
    // The last transaction ends after Timer K; the refresh to come and the end of the session remain.
    bench.clock.advance(5_000);
    expect(bench.engine.load).toMatchObject({ dialogs: 1, timers: 2, clientTransactions: 0 });
    expect([peer.waiting, app.waiting]).toEqual([0, 0]);
    peer.request('BYE', { to, cseq: 2 });
    app.answer(app.nextSip(), 200);
    peer.nextResponse(200);
    bench.clock.advance(120_000);
    expect(bench.engine.load).toEqual({ serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 });
  });

  test('they refresh just in time; the first that is missed ends it', () => {
    const call = incoming(THEIRS);
    const { bench, app, peer, to } = call;
    let cseq = 1;
    for (let at = 0; at < MS; at += 85_000) {
      bench.clock.advance(85_000);
      cseq += 1;
      peer.request('UPDATE', { to, cseq, lines: THEIRS });
      app.answer(app.nextSip(), 200);
      expect(headerOf(peer.nextResponse(200), 'Session-Expires')).toBe('90;refresher=uac');
    }
    bench.clock.advance(90_000);
    expectEnded(call);
  });
});

test('a call that ends takes its session timer along', () => {
  const { bench, app, peer, to } = incoming(OURS);
  peer.request('BYE', { to, cseq: 2 });
  app.answer(app.nextSip(), 200);
  peer.drain();
  bench.clock.advance(400_000);
  expect(peer.drain().filter((text): boolean => text !== 'BYE')).toEqual([]);
  expect(bench.engine.load).toEqual({ serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 });
});
