/** Requests from the network: behaviours 7-23 of drachtio-protocol §12. */
import { describe, expect, test } from 'vitest';
import { tagOf } from '../../../src/sip/message/index.ts';
import { Bench, headerOf, incomingCall, SDP } from './engine-rig.ts';

const SERVICE = '<sip:service@example.com>';

describe('new requests', () => {
  test('behaviour 7: a new request brings a transaction, no dialog, and where it was received', () => {
    const bench = new Bench();
    const app = bench.app('options');
    const peer = bench.net.peer('udp', 5999);
    const text = peer.request('OPTIONS', { lines: ['X-Kept: as it is'] });
    const told = app.nextSip();
    expect(told).toMatchObject({ source: 'network', proto: 'udp', address: '127.0.0.1', port: 5999, dialogId: '' });
    expect(told.receivedOn).toEqual({ address: '127.0.0.1', port: 5060 });
    expect(told.bytes).toBe(Buffer.byteLength(text.replaceAll('\n', '\r\n')));
    expect(told.transactionId).toMatch(/^[0-9a-f-]{36}$/);
    expect(headerOf(told.parsed, 'X-Kept')).toBe('as it is');
  });

  test('behaviour 8: the delivered Via carries rport', () => {
    const bench = new Bench();
    const app = bench.app('options');
    bench.net.peer('udp', 5999).request('OPTIONS');
    expect(headerOf(app.nextSip().parsed, 'Via')).toContain('rport=5999');
  });

  test('behaviour 9: 503 when nobody routes the method, 100 at once for INVITE only', () => {
    const bench = new Bench();
    const peer = bench.net.peer('udp', 5999);
    peer.request('OPTIONS');
    peer.nextResponse(503);
    bench.app('invite', 'options');
    peer.request('INVITE', { cseq: 2 });
    expect(tagOf(peer.nextResponse(100), 'To')).toBeUndefined();
    peer.request('OPTIONS', { cseq: 3 });
    expect(peer.waiting).toBe(0);
  });

  test('behaviour 9: REFER is offered; other methods are refused with what would be allowed', () => {
    const bench = new Bench();
    const app = bench.app('refer');
    const peer = bench.net.peer('udp', 5999);
    peer.request('REFER', { lines: ['Refer-To: <sip:carol@example.com>'] });
    expect(app.nextSip().parsed).toMatchObject({ method: 'REFER' });
    peer.request('DANCE', { cseq: 2 });
    expect(headerOf(peer.nextResponse(501), 'Allow')).toContain('INVITE');
    peer.request('BYE', { cseq: 3 });
    peer.nextResponse(481);
  });

  test('a request that reached us twice on different ways is refused the second time (RFC 3261 §8.2.2.2)', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE');
    peer.request('INVITE');
    expect(peer.drain()).toEqual(['100 INVITE', '482 INVITE']);
    app.nextSip();
    expect(app.waiting).toBe(0);
  });

  test('an unknown URI scheme is refused with 416', () => {
    const bench = new Bench();
    bench.app('options');
    const peer = bench.net.peer('udp', 5999);
    peer.request('OPTIONS', { uri: 'nobodyKnowsThisScheme:totallyopaquecontent' });
    expect(peer.drain()).toEqual(['416 OPTIONS']);
  });

  test('what the parser refuses is answered with its status and a tag', () => {
    const bench = new Bench();
    const peer = bench.net.peer('udp', 5999);
    peer.request('OPTIONS', { cseqMethod: 'INVITE' });
    expect(tagOf(peer.nextResponse(400), 'To')).toBeDefined();
  });

  test('an INVITE nobody could talk back to and a REGISTER that asks the impossible are refused with 400', () => {
    const bench = new Bench();
    bench.app('invite', 'register');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE', { contact: '' });
    peer.request('REGISTER', { cseq: 2, contact: '*', lines: ['Expires: 60'] });
    expect(peer.drain()).toEqual(['400 INVITE', '400 REGISTER']);
  });

  test('behaviour 10: retransmissions are absorbed and the last response is replayed', () => {
    const bench = new Bench();
    const app = bench.app('options', 'invite');
    const peer = bench.net.peer('udp', 5999);
    const options = peer.request('OPTIONS');
    peer.sendText(options);
    expect(peer.waiting).toBe(0);
    app.answer(app.nextSip(), 200, ['X-Answer: 1']);
    peer.sendText(options);
    const [first, second] = [peer.next(), peer.next()];
    expect(second.data.equals(first.data)).toBe(true);
    const invite = peer.request('INVITE', { cseq: 2 });
    peer.sendText(invite);
    expect(peer.drain()).toEqual(['100 INVITE', '100 INVITE']);
    app.nextSip();
    expect(app.waiting).toBe(0);
  });

  test('behaviour 10: a request of RFC 2543 without branch is told from its retransmission', () => {
    const bench = new Bench();
    const app = bench.app('options');
    const peer = bench.net.peer('udp', 5999);
    const old = peer.request('OPTIONS', { branch: 'old-style' });
    peer.sendText(old);
    app.nextSip();
    expect(app.waiting).toBe(0);
    peer.request('OPTIONS', { branch: 'old-style', cseq: 2 });
    app.nextSip();
  });
});

describe('answers of the application', () => {
  test('behaviour 11: the echo has the transaction, the dialog and the message as sent', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE');
    peer.nextResponse(100);
    const invite = app.nextSip();
    const echo = app.answer(invite, 180, ['X-App: one']);
    const sent = peer.next();
    expect(echo.message?.equals(sent.data)).toBe(true);
    const bytes = String(sent.data.length);
    expect(echo.fields.slice(0, 6)).toEqual(['OK', 'application', bytes, 'udp', '127.0.0.1', '5999']);
    expect(echo.fields[6]).toMatch(/^\d\d:\d\d:\d\d\.\d{6}$/);
    const dialog = 'call-1;from-tag=alice1';
    expect(echo.fields.slice(7)).toEqual([invite.transactionId, dialog, '', 'Msg sent:', '']);
  });

  test('behaviour 11: out of a dialog the echo names none', () => {
    const bench = new Bench();
    const app = bench.app('options');
    bench.net.peer('udp', 5999).request('OPTIONS');
    expect(app.answer(app.nextSip(), 200).fields[8]).toBe('');
  });

  test('behaviour 12: the To tag stays the same, and the application may choose it', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE');
    peer.nextResponse(100);
    const invite = app.nextSip();
    app.answer(invite, 180);
    const tag = tagOf(peer.nextResponse(180), 'To');
    app.answer(invite, 183, ['to: <sip:service@example.com>;tag=toolate']);
    expect(tagOf(peer.nextResponse(183), 'To')).toBe(tag);
    peer.request('INVITE', { callId: 'other' });
    peer.nextResponse(100);
    app.answer(app.nextSip(), 486, [`to: ${SERVICE};tag=mine`]);
    expect(tagOf(peer.nextResponse(486), 'To')).toBe('mine');
  });

  test("behaviour 13: Contact in the 2xx to INVITE, not in a plain 1xx; the application's own wins", () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('tcp', 5999);
    peer.request('INVITE', { lines: ['Record-Route: <sip:proxy.example.com;lr>'] });
    peer.nextResponse(100);
    const invite = app.nextSip();
    app.answer(invite, 180);
    const ringing = peer.nextResponse(180);
    expect(headerOf(ringing, 'Contact')).toBe('');
    expect(headerOf(ringing, 'Record-Route')).toBe('<sip:proxy.example.com;lr>');
    app.answer(invite, 200);
    expect(headerOf(peer.nextResponse(200), 'Contact')).toBe('<sip:127.0.0.1:5060;transport=tcp>');
    peer.request('INVITE', { callId: 'other' });
    peer.nextResponse(100);
    app.answer(app.nextSip(), 200, ['contact: sip:me@localhost']);
    expect(headerOf(peer.nextResponse(200), 'Contact')).toBe('<sip:me@127.0.0.1:5060;transport=tcp>');
  });

  test('behaviour 14: the dialog is named by Call-ID and the tag of who began', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const { echo } = incomingCall(bench.net.peer('udp', 5999), app);
    expect(echo.fields[8]).toBe('call-1;from-tag=alice1');
  });

  test('behaviour 19: answers that come too late, twice or to nothing are refused', () => {
    const bench = new Bench();
    const app = bench.app('options');
    const other = bench.app();
    bench.net.peer('udp', 5999).request('OPTIONS');
    const options = app.nextSip();
    const refusal = ['NOK', 'Response not sent due to unknown transaction'];
    expect(other.answer(options, 200).fields).toEqual(refusal);
    app.answer(options, 200);
    expect(app.answer(options, 200).fields).toEqual(refusal);
    app.sip('SIP/2.0 200 OK\n\n', { transactionId: 'nothing' });
    expect(app.nextResponse().fields).toEqual(refusal);
    app.sip('SIP/2.0 200 OK\n\n');
    expect(app.next()).toMatchObject({ kind: 'refuse', text: 'transaction id missing' });
  });

  test('behaviour 19: a silent application: the INVITE is answered 480 after 64·T1, an OPTIONS never', () => {
    const bench = new Bench();
    const app = bench.app('invite', 'options');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE');
    peer.request('OPTIONS', { callId: 'other' });
    const [invite, options] = [app.nextSip(), app.nextSip()];
    peer.nextResponse(100);
    bench.clock.advance(31_999);
    expect(peer.waiting).toBe(0);
    bench.clock.advance(1);
    expect(peer.drain()).toEqual(['480 INVITE']);
    expect(app.answer(invite, 200).fields[0]).toBe('NOK');
    expect(app.answer(options, 200).fields[0]).toBe('NOK');
  });

  test('behaviour 19: an application that rings is given all the time it wants', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE');
    app.answer(app.nextSip(), 180);
    bench.clock.advance(300_000);
    expect(peer.drain()).toEqual(['100 INVITE', '180 INVITE']);
  });
});

describe('the ACK', () => {
  test('behaviour 15: a 200 is repeated until its ACK, which is told once, with the INVITE’s transaction', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE');
    peer.nextResponse(100);
    app.answer(app.nextSip(), 200, [], SDP);
    const times: number[] = [];
    for (let at = 0; at < 12_000; at += 500) {
      if (peer.drain().includes('200 INVITE')) times.push(at);
      bench.clock.advance(500);
    }
    expect(times).toEqual([0, 500, 1500, 3500, 7500, 11_500]);
  });

  test('behaviour 15: lost ACKs are made up for by the next one', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE');
    peer.nextResponse(100);
    const invite = app.nextSip();
    app.answer(invite, 200);
    const tag = tagOf(peer.nextResponse(200), 'To') ?? '';
    bench.clock.advance(600);
    expect(peer.drain()).toEqual(['200 INVITE']);
    const ack = peer.request('ACK', { to: `${SERVICE};tag=${tag}`, contact: '' });
    const told = app.nextSip();
    expect(told).toMatchObject({ proto: '', transactionId: invite.transactionId, dialogId: 'call-1;from-tag=alice1' });
    peer.sendText(ack);
    bench.clock.advance(20_000);
    expect(app.waiting + peer.waiting).toBe(0);
  });

  test('behaviour 15: over TCP a 200 is sent once', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('tcp', 5999);
    peer.request('INVITE');
    app.answer(app.nextSip(), 200);
    bench.clock.advance(31_000);
    expect(peer.drain()).toEqual(['100 INVITE', '200 INVITE']);
  });

  test.each([['udp' as const], ['tcp' as const]])(
    'behaviour 16: no ACK for 64·T1 over %s ends the call at both ends',
    (transport) => {
      const bench = new Bench();
      const app = bench.app('invite');
      const peer = bench.net.peer(transport, 5999);
      peer.request('INVITE');
      app.answer(app.nextSip(), 200);
      bench.clock.advance(31_999);
      peer.drain();
      bench.clock.advance(1);
      const bye = peer.nextRequest('BYE');
      expect(headerOf(bye, 'Reason')).toBe('SIP;cause=200;text="ACK timeout"');
      expect(bye.uri).toBe('sip:alice@127.0.0.1:5999');
      const told = app.nextSip();
      expect(told).toMatchObject({
        source: 'application',
        transactionId: 'unsolicited',
        dialogId: 'call-1;from-tag=alice1',
      });
      expect(told.parsed).toMatchObject({ method: 'BYE' });
      peer.respond(bye, 200);
      bench.clock.advance(64_000);
      expect(app.waiting).toBe(0);
      expect(bench.engine.load).toEqual({ serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 });
    },
  );

  test('behaviour 17: a refusal is repeated until its ACK, and nobody is told of that', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE', { branch: 'z9hG4bKrefused' });
    app.answer(app.nextSip(), 486);
    bench.clock.advance(1500);
    expect(peer.drain()).toEqual(['100 INVITE', '486 INVITE', '486 INVITE', '486 INVITE']);
    peer.request('ACK', { branch: 'z9hG4bKrefused', to: `${SERVICE};tag=any`, contact: '' });
    bench.clock.advance(60_000);
    expect(peer.waiting + app.waiting).toBe(0);
    expect(bench.engine.load.serverTransactions).toBe(0);
  });

  test('behaviour 17: a refusal nobody acknowledges ends silently', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE');
    app.answer(app.nextSip(), 486);
    bench.clock.advance(32_000);
    expect(peer.drain().filter((name) => name === '486 INVITE')).toHaveLength(11);
    expect(app.waiting).toBe(0);
    expect(bench.engine.load).toEqual({ serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 });
  });
});

describe('CANCEL from the network', () => {
  test.each([
    ['before any answer', [], ''],
    ['while it rings', [180], 'call-1;from-tag=alice1'],
  ])('behaviour 18: %s: 200 and 487 at once, then the application is told', (_when, statuses, dialog) => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE', { branch: 'z9hG4bKcanceled' });
    const invite = app.nextSip();
    for (const status of statuses) app.answer(invite, status);
    peer.drain();
    peer.request('CANCEL', { branch: 'z9hG4bKcanceled', contact: '' });
    const [ok, terminated] = [peer.nextResponse(200), peer.nextResponse(487)];
    expect(tagOf(ok, 'To')).toBe(tagOf(terminated, 'To'));
    const told = app.nextSip();
    expect(told).toMatchObject({ transactionId: invite.transactionId, dialogId: dialog });
    expect(told.parsed).toMatchObject({ method: 'CANCEL' });
    expect(app.answer(invite, 487).fields[0]).toBe('NOK');
    expect(bench.engine.load.dialogs).toBe(0);
  });

  test('behaviour 18: after the 200 a CANCEL is too late and the call goes on', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE', { branch: 'z9hG4bKlate' });
    app.answer(app.nextSip(), 200);
    peer.drain();
    peer.request('CANCEL', { branch: 'z9hG4bKlate', contact: '' });
    peer.nextResponse(481);
    expect(app.waiting).toBe(0);
    expect(bench.engine.load.dialogs).toBe(1);
  });

  test('behaviour 18: a CANCEL after the refusal changes nothing; one for nothing gets 481', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE', { branch: 'z9hG4bKbusy' });
    app.answer(app.nextSip(), 486);
    peer.drain();
    const cancel = peer.request('CANCEL', { branch: 'z9hG4bKbusy', contact: '' });
    peer.nextResponse(200);
    peer.sendText(cancel);
    peer.nextResponse(200);
    peer.request('CANCEL', { branch: 'z9hG4bKnothing', contact: '' });
    peer.nextResponse(481);
    expect(app.waiting).toBe(0);
  });
});

describe('requests within a dialog', () => {
  test('behaviour 20 and 21: a re-INVITE gets 100, a new transaction and the dialog; its answer carries Contact', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    const { invite, localTag } = incomingCall(peer, app);
    const to = `${SERVICE};tag=${localTag}`;
    peer.request('INVITE', { to, cseq: 2, contact: '<sip:alice@127.0.0.1:6001>', body: SDP });
    peer.nextResponse(100);
    const again = app.nextSip();
    expect(again.dialogId).toBe('call-1;from-tag=alice1');
    expect(again.transactionId).not.toBe(invite.transactionId);
    expect(again.receivedOn).toBeUndefined();
    expect(app.answer(again, 200, [], SDP).fields[8]).toBe('call-1;from-tag=alice1');
    expect(headerOf(peer.nextResponse(200), 'Contact')).toBe('<sip:127.0.0.1:5060>');
    peer.request('ACK', { to, cseq: 2, contact: '' });
    const ack = app.nextSip();
    expect(ack.transactionId).not.toBe(again.transactionId);
    app.sip('INFO sip:placeholder SIP/2.0\n\n', { dialogId: ack.dialogId });
    expect(app.nextResponse().parsed).toMatchObject({ uri: 'sip:alice@127.0.0.1:6001' });
  });

  test('behaviour 20: a request out of order is refused with 500', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    const { localTag } = incomingCall(peer, app);
    const to = `${SERVICE};tag=${localTag}`;
    peer.request('INFO', { to, cseq: 5 });
    app.answer(app.nextSip(), 200);
    peer.nextResponse(200);
    peer.request('INFO', { to, cseq: 4 });
    expect(peer.drain()).toEqual(['500 INFO']);
  });

  test('behaviour 20: two INVITEs at a time are one too many (RFC 3261 §14.2)', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    const { localTag } = incomingCall(peer, app);
    const to = `${SERVICE};tag=${localTag}`;
    peer.request('INVITE', { to, cseq: 2 });
    peer.request('INVITE', { to, cseq: 3 });
    expect(peer.drain()).toEqual(['100 INVITE', '500 INVITE']);
    app.answer(app.nextSip(), 488);
    peer.drain();
    app.sip('INVITE sip:placeholder SIP/2.0\n\n', { dialogId: 'call-1;from-tag=alice1' });
    peer.nextRequest('INVITE');
    peer.request('INVITE', { to, cseq: 4 });
    peer.nextResponse(491);
  });

  test('behaviour 20: a CANCEL of a re-INVITE leaves the call as it was', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    const { localTag } = incomingCall(peer, app);
    const to = `${SERVICE};tag=${localTag}`;
    peer.request('INVITE', { to, cseq: 2, branch: 'z9hG4bKagain' });
    const again = app.nextSip();
    peer.request('CANCEL', { to, cseq: 2, branch: 'z9hG4bKagain', contact: '' });
    expect(peer.drain()).toEqual(['100 INVITE', '200 CANCEL', '487 INVITE']);
    expect(app.nextSip()).toMatchObject({ transactionId: again.transactionId, dialogId: 'call-1;from-tag=alice1' });
    expect(bench.engine.load.dialogs).toBe(1);
  });

  test('behaviour 22: a BYE ends the dialog at once and the application still answers it', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    const { localTag } = incomingCall(peer, app);
    const to = `${SERVICE};tag=${localTag}`;
    peer.request('BYE', { to, cseq: 2 });
    expect(bench.engine.load.dialogs).toBe(0);
    const echo = app.answer(app.nextSip(), 200);
    expect(echo.fields[8]).toBe('');
    peer.nextResponse(200);
    peer.request('INFO', { to, cseq: 3 });
    peer.nextResponse(503);
  });

  test('behaviour 22: a BYE while a re-INVITE is open answers that with 487', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    const { localTag } = incomingCall(peer, app);
    const to = `${SERVICE};tag=${localTag}`;
    peer.request('INVITE', { to, cseq: 2 });
    peer.request('BYE', { to, cseq: 3 });
    expect(peer.drain()).toEqual(['100 INVITE', '487 INVITE']);
  });

  test('behaviour 23: BYE, UPDATE and INVITE in a dialog nobody knows get 481; INFO is offered as new', () => {
    const bench = new Bench();
    const app = bench.app('invite', 'info');
    const peer = bench.net.peer('udp', 5999);
    const to = `${SERVICE};tag=stranger`;
    for (const method of ['BYE', 'UPDATE', 'INVITE']) {
      peer.request(method, { to });
      peer.nextResponse(481);
    }
    peer.request('ACK', { to, contact: '' });
    peer.request('INFO', { to });
    expect(app.nextSip()).toMatchObject({ dialogId: '', receivedOn: { port: 5060 } });
    expect(peer.waiting + app.waiting).toBe(0);
  });
});
