/** Before the final answer: reliable provisional responses (RFC 3262), early UPDATE (RFC 3311), forks; behaviours 38-40. */
import { describe, expect, test } from 'vitest';
import { type SipResponse, tagOf } from '../../../src/sip/message/index.ts';
import { type AppDouble, type ToldSip } from '../../support/sip-app-double.ts';
import { type PeerDouble } from '../../support/sip-net-double.ts';
import { Bench, headerOf, incomingCall, outgoingCall, SDP } from './engine-rig.ts';

const RELIABLE = ['Require: 100rel'];

interface Ringing {
  readonly bench: Bench;
  readonly app: AppDouble;
  readonly peer: PeerDouble;
  readonly invite: ToldSip;
}

function ringing(lines = ['Supported: timer, 100rel'], body = SDP): Ringing {
  const bench = new Bench();
  const app = bench.app('invite');
  const peer = bench.net.peer('udp', 5999);
  peer.request('INVITE', { body, lines });
  peer.nextResponse(100);
  return { bench, app, peer, invite: app.nextSip() };
}

const toOf = (response: SipResponse): string => headerOf(response, 'To');
const prack = (peer: PeerDouble, response: SipResponse, cseq = 2, rack?: string): string =>
  peer.request('PRACK', {
    to: toOf(response),
    cseq,
    lines: [`RAck: ${rack ?? `${headerOf(response, 'RSeq')} 1 INVITE`}`],
  });

describe('reliable provisional responses of ours', () => {
  test('behaviour 38: RSeq, Require and Contact are added, and it is repeated until the PRACK comes', () => {
    const { bench, app, peer, invite } = ringing();
    const echo = app.answer(invite, 183, RELIABLE, SDP);
    const first = peer.nextResponse(183);
    expect(headerOf(first, 'RSeq')).toMatch(/^\d+$/);
    expect(headerOf(first, 'Require')).toBe('100rel');
    expect(headerOf(first, 'Contact')).toBe('<sip:127.0.0.1:5060>');
    expect(headerOf(echo.parsed, 'RSeq')).toBe(headerOf(first, 'RSeq'));
    bench.clock.advance(500 + 1_000 + 2_000 + 4_000 + 8_000);
    expect(peer.drain()).toEqual(Array.from({ length: 5 }, () => '183 INVITE'));
    prack(peer, first);
    const told = app.nextSip();
    expect(told).toMatchObject({ dialogId: 'call-1;from-tag=alice1', parsed: { method: 'PRACK' } });
    expect(told.transactionId).not.toBe(invite.transactionId);
    app.answer(told, 200);
    peer.nextResponse(200);
    bench.clock.advance(40_000);
    expect(peer.waiting).toBe(0);
  });

  test('behaviour 38: without 100rel on the other side nothing is sent', () => {
    const { app, peer, invite } = ringing(['Supported: timer']);
    expect(app.answer(invite, 183, RELIABLE).fields).toEqual(['NOK', 'Remote endpoint does not support 100rel']);
    expect(peer.waiting).toBe(0);
    app.answer(invite, 180);
    peer.nextResponse(180);
  });

  test('a caller who requires 100rel gets every provisional response reliably', () => {
    const { app, peer, invite } = ringing(['Require: 100rel']);
    app.answer(invite, 180);
    const response = peer.nextResponse(180);
    expect(headerOf(response, 'Require')).toBe('100rel');
    expect(headerOf(response, 'RSeq')).not.toBe('');
  });

  test('several go out one after another, and the echo of each comes when it is really sent', () => {
    const { app, peer, invite } = ringing();
    app.answer(invite, 183, RELIABLE, SDP);
    const first = peer.nextResponse(183);
    app.sip(`SIP/2.0 183 Progress\nRequire: 100rel\n\n${SDP}`, { transactionId: invite.transactionId });
    app.sip(`SIP/2.0 200 OK\n\n${SDP}`, { transactionId: invite.transactionId });
    expect([app.waiting, peer.waiting]).toEqual([0, 0]);
    prack(peer, first);
    expect(app.nextSip().parsed).toMatchObject({ method: 'PRACK' });
    const second = peer.nextResponse(183);
    expect(Number(headerOf(second, 'RSeq'))).toBe(Number(headerOf(first, 'RSeq')) + 1);
    expect(headerOf(app.nextResponse().parsed, 'RSeq')).toBe(headerOf(second, 'RSeq'));
    expect([app.waiting, peer.waiting]).toEqual([0, 0]);
    prack(peer, second, 3);
    app.nextSip();
    peer.nextResponse(200);
    expect(app.nextResponse().parsed).toMatchObject({ status: 200 });
  });

  test('a 2xx does not wait for a response without SDP; its late PRACK is still the application’s', () => {
    const { bench, app, peer, invite } = ringing();
    app.answer(invite, 180, RELIABLE);
    const first = peer.nextResponse(180);
    app.answer(invite, 200, [], SDP);
    const ok = peer.nextResponse(200);
    peer.request('ACK', { to: toOf(ok) });
    app.nextSip();
    bench.clock.advance(20_000);
    expect(peer.waiting).toBe(0);
    prack(peer, first);
    expect(app.nextSip().parsed).toMatchObject({ method: 'PRACK' });
  });

  test('a refusal overtakes: nothing is repeated, and what waited is not sent', () => {
    const { bench, app, peer, invite } = ringing();
    app.answer(invite, 183, RELIABLE, SDP);
    peer.nextResponse(183);
    app.sip('SIP/2.0 180 Ringing\nRequire: 100rel\n\n', { transactionId: invite.transactionId });
    app.sip('SIP/2.0 486 Busy\n\n', { transactionId: invite.transactionId });
    peer.nextResponse(486);
    expect(app.nextResponse().fields[1]).toContain('unknown transaction');
    expect(app.nextResponse().fields[0]).toBe('OK');
    bench.clock.advance(400);
    expect(peer.waiting).toBe(0);
  });

  test('a PRACK that names another response is refused with 481', () => {
    const { app, peer, invite } = ringing();
    app.answer(invite, 183, RELIABLE, SDP);
    const first = peer.nextResponse(183);
    prack(peer, first, 2, '1 1 INVITE');
    prack(peer, first, 3, `${headerOf(first, 'RSeq')} 9 INVITE`);
    expect(peer.drain()).toEqual(['481 PRACK', '481 PRACK']);
    expect(app.waiting).toBe(0);
    const right = prack(peer, first, 4);
    app.answer(app.nextSip(), 200);
    peer.sendText(right);
    expect(peer.drain()).toEqual(['200 PRACK', '200 PRACK']);
    prack(peer, first, 5);
    expect(peer.drain()).toEqual(['481 PRACK']);
  });

  test('without PRACK for 64·T1 the INVITE is refused and the application told by a CANCEL', () => {
    const { bench, app, peer, invite } = ringing();
    app.answer(invite, 183, RELIABLE, SDP);
    bench.clock.advance(32_000);
    expect(peer.drain().at(-1)).toBe('504 INVITE');
    const told = app.nextSip();
    expect(told).toMatchObject({ parsed: { method: 'CANCEL' }, transactionId: invite.transactionId });
    expect(headerOf(told.parsed, 'Reason')).toContain('PRACK timeout');
    expect(bench.engine.load.dialogs).toBe(0);
    expect(app.answer(invite, 200, [], SDP).fields[0]).toBe('NOK');
  });

  test('a CANCEL ends the repetitions', () => {
    const { bench, app, peer, invite } = ringing();
    app.answer(invite, 183, RELIABLE, SDP);
    peer.drain();
    peer.request('CANCEL', { branch: 'z9hG4bK5999x1', contact: '' });
    expect(peer.drain()).toEqual(['200 CANCEL', '487 INVITE']);
    peer.request('ACK', { branch: 'z9hG4bK5999x1', contact: '' });
    bench.clock.advance(64_000);
    expect(peer.waiting).toBe(0);
    expect(bench.engine.load).toEqual({ serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 });
  });
});

/** A call of the application that rings. */
function calling(): { bench: Bench; app: AppDouble; peer: PeerDouble; invite: ReturnType<PeerDouble['nextRequest']> } {
  const bench = new Bench();
  const app = bench.app();
  const peer = bench.net.peer('udp', 5999);
  app.sip(`INVITE sip:bob@${peer.hostPort} SIP/2.0\n\n${SDP}`);
  app.nextResponse();
  return { bench, app, peer, invite: peer.nextRequest('INVITE') };
}

const rel = (number: number, tag: string, contact = ''): { lines: string[]; toTag: string; contact?: string } => ({
  lines: RELIABLE.concat(`RSeq: ${number}`),
  toTag: tag,
  ...(contact === '' ? {} : { contact }),
});

describe('reliable provisional responses of the peer', () => {
  test('behaviour 39: the PRACK goes to the remote target, with the RAck that is due', () => {
    const { app, peer, invite } = calling();
    peer.respond(invite, 183, rel(17, 'bob1'));
    const told = app.nextSip();
    app.sip('PRACK sip:anything@example.com SIP/2.0\nRAck: 17 99 INVITE\n\n', { dialogId: told.dialogId });
    expect(app.nextResponse().fields[0]).toBe('OK');
    const sent = peer.nextRequest('PRACK');
    const cseq = Number.parseInt(headerOf(invite, 'CSeq'), 10);
    expect(headerOf(sent, 'RAck')).toBe(`17 ${cseq} INVITE`);
    expect(headerOf(sent, 'CSeq')).toBe(`${cseq + 1} PRACK`);
    expect(sent.uri).toBe(`sip:bob@${peer.hostPort}`);
    expect(tagOf(sent, 'To')).toBe('bob1');
    peer.respond(sent, 200);
    expect(app.nextSip()).toMatchObject({ parsed: { status: 200 }, dialogId: told.dialogId });
  });

  test('repetitions and responses out of order are dropped', () => {
    const { app, peer, invite } = calling();
    peer.respond(invite, 183, rel(5, 'bob1'));
    app.nextSip();
    peer.respond(invite, 183, rel(5, 'bob1'));
    peer.respond(invite, 180, rel(7, 'bob1'));
    peer.respond(invite, 180, rel(4, 'bob1'));
    expect(app.waiting).toBe(0);
    peer.respond(invite, 180, rel(6, 'bob1'));
    expect(app.nextSip().parsed).toMatchObject({ status: 180 });
  });

  test('two phones with the same RSeq: each gets its own PRACK, in the order they were heard', () => {
    const { bench, app, peer, invite } = calling();
    peer.respond(invite, 183, rel(1, 'bob1', '<sip:bob@127.0.0.1:6001>'));
    peer.respond(invite, 183, rel(1, 'carol1', '<sip:carol@127.0.0.1:6002>'));
    const { dialogId } = app.nextSip();
    expect(app.nextSip().dialogId).toBe(dialogId);
    for (let turn = 0; turn < 2; turn++) {
      app.sip('PRACK sip:placeholder SIP/2.0\nRAck: 1 1 INVITE\n\n', { dialogId });
      app.nextResponse();
    }
    const one = bench.net.peer('udp', 6001).nextRequest('PRACK');
    const two = bench.net.peer('udp', 6002).nextRequest('PRACK');
    expect([one.uri, tagOf(one, 'To')]).toEqual(['sip:bob@127.0.0.1:6001', 'bob1']);
    expect([two.uri, tagOf(two, 'To')]).toEqual(['sip:carol@127.0.0.1:6002', 'carol1']);
  });

  test('a 2xx of the first phone after the second one rang is in the first one’s dialog', () => {
    const { bench, app, peer, invite } = calling();
    peer.respond(invite, 180, { toTag: 'bob1', contact: '<sip:bob@127.0.0.1:6001>' });
    peer.respond(invite, 180, { toTag: 'carol1', contact: '<sip:carol@127.0.0.1:6002>' });
    peer.respond(invite, 200, { toTag: 'bob1', contact: '<sip:bob@127.0.0.1:6001>', body: SDP });
    const { dialogId } = [app.nextSip(), app.nextSip(), app.nextSip()][2] as ToldSip;
    app.sip('ACK sip:placeholder SIP/2.0\n\n', { dialogId });
    app.nextResponse();
    const ack = bench.net.sent.at(-1)?.message;
    expect(ack).toMatchObject({ method: 'ACK', uri: 'sip:bob@127.0.0.1:6001' });
    peer.respond(invite, 200, { toTag: 'carol1', contact: '<sip:carol@127.0.0.1:6002>', body: SDP });
    expect(bench.net.peer('udp', 6002).drain()).toEqual(['ACK', 'BYE']);
    expect(app.waiting).toBe(0);
  });
});

describe('early UPDATE', () => {
  test('behaviour 40: the caller’s is delivered and answered while the INVITE is open', () => {
    const { app, peer, invite } = ringing();
    app.answer(invite, 183, RELIABLE, SDP);
    const first = peer.nextResponse(183);
    prack(peer, first);
    app.answer(app.nextSip(), 200);
    peer.nextResponse(200);
    peer.request('UPDATE', { to: toOf(first), cseq: 3, body: SDP });
    const update = app.nextSip();
    expect(update.dialogId).toBe('call-1;from-tag=alice1');
    app.answer(update, 200, [], SDP);
    expect(headerOf(peer.nextResponse(200), 'Contact')).not.toBe('');
    app.answer(invite, 200, [], SDP);
    peer.nextResponse(200);
  });

  test('a second one meanwhile is refused with 500 and Retry-After', () => {
    const { app, peer, invite } = ringing();
    app.answer(invite, 183, [], SDP);
    const first = peer.nextResponse(183);
    peer.request('UPDATE', { to: toOf(first), cseq: 2 });
    app.nextSip();
    peer.request('UPDATE', { to: toOf(first), cseq: 3 });
    expect(Number(headerOf(peer.nextResponse(500), 'Retry-After'))).toBeLessThanOrEqual(10);
    expect(app.waiting).toBe(0);
  });

  test('an offer before the INVITE’s is answered is refused with 500, without offer it passes', () => {
    const { app, peer, invite } = ringing();
    app.answer(invite, 180);
    const first = peer.nextResponse(180);
    peer.request('UPDATE', { to: toOf(first), cseq: 2, body: SDP });
    peer.nextResponse(500);
    peer.request('UPDATE', { to: toOf(first), cseq: 3 });
    expect(app.nextSip().parsed).toMatchObject({ method: 'UPDATE' });
  });

  test('our offer in a reliable response without PRACK yet: 491', () => {
    const { app, peer, invite } = ringing(['Supported: 100rel'], '');
    app.answer(invite, 183, RELIABLE, SDP);
    const first = peer.nextResponse(183);
    peer.request('UPDATE', { to: toOf(first), cseq: 2, body: SDP });
    peer.nextResponse(491);
  });

  test('the callee’s reaches the application that calls; an offer against our unanswered one is 491', () => {
    const { app, peer, invite } = calling();
    peer.respond(invite, 180);
    const { dialogId } = app.nextSip();
    const from = `<sip:bob@example.com>;tag=bob1`;
    const to = headerOf(invite, 'From');
    const callId = headerOf(invite, 'Call-ID');
    peer.request('UPDATE', { from, to, callId, cseq: 1, body: SDP });
    peer.nextResponse(491);
    peer.respond(invite, 183, { body: SDP });
    app.nextSip();
    peer.request('UPDATE', { from, to, callId, cseq: 2, body: SDP, contact: '<sip:bob@127.0.0.1:6009>' });
    const update = app.nextSip();
    expect(update).toMatchObject({ dialogId, parsed: { method: 'UPDATE' } });
    app.answer(update, 200, [], SDP);
    peer.nextResponse(200);
    app.sip(`UPDATE sip:placeholder SIP/2.0\n\n${SDP}`, { dialogId });
    app.nextResponse();
    expect(peer.waiting).toBe(0); // it went to where the Contact of theirs moved it
  });

  test('each phone of a fork counts its own requests, and its Contact moves only itself', () => {
    const { bench, app, peer, invite } = calling();
    peer.respond(invite, 183, { toTag: 'bob1', body: SDP });
    peer.respond(invite, 183, { toTag: 'carol1', body: SDP });
    const { dialogId } = app.nextSip();
    app.nextSip();
    const common = { to: headerOf(invite, 'From'), callId: headerOf(invite, 'Call-ID') };
    peer.request('UPDATE', { ...common, from: '<sip:carol@x.example>;tag=carol1', cseq: 50 });
    app.answer(app.nextSip(), 200);
    peer.request('UPDATE', {
      ...common,
      from: '<sip:bob@x.example>;tag=bob1',
      cseq: 3,
      contact: '<sip:bob@127.0.0.1:6001>',
    });
    app.answer(app.nextSip(), 200);
    expect(peer.drain()).toEqual(['200 UPDATE', '200 UPDATE']);
    app.sip('UPDATE sip:placeholder SIP/2.0\nTo: <sip:bob@x.example>;tag=bob1\n\n', { dialogId });
    app.nextResponse();
    expect(bench.net.sent.at(-1)?.message).toMatchObject({ method: 'UPDATE', uri: 'sip:bob@127.0.0.1:6001' });
  });

  test('in an established call UPDATEs that cross are told apart', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    const { invite, localTag } = incomingCall(peer, app);
    app.sip(`UPDATE sip:placeholder SIP/2.0\n\n${SDP}`, { dialogId: 'call-1;from-tag=alice1' });
    app.nextResponse();
    const ours = peer.nextRequest('UPDATE');
    const to = `<sip:service@example.com>;tag=${localTag}`;
    peer.request('UPDATE', { to, cseq: 2, body: SDP });
    peer.nextResponse(491);
    peer.request('INVITE', { to, cseq: 3, body: SDP });
    peer.nextResponse(491);
    peer.respond(ours, 200, { body: SDP });
    app.nextSip();
    peer.request('UPDATE', { to, cseq: 4, body: SDP });
    expect(app.nextSip().parsed).toMatchObject({ method: 'UPDATE' });
    expect(invite.dialogId).toBe('');
  });
});

test('outgoing calls need nothing of all this', () => {
  const bench = new Bench();
  const app = bench.app();
  const { dialogId } = outgoingCall(bench.net.peer('udp', 5999), app);
  expect(dialogId).not.toBe('');
});
