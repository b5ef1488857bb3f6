/** Requests of the application: behaviours 24-37 of drachtio-protocol §12. */
import { describe, expect, test } from 'vitest';
import { parseNameAddr, tagOf } from '../../../src/sip/message/index.ts';
import { Bench, headerOf, incomingCall, outgoingCall, SDP } from './engine-rig.ts';

describe('new requests', () => {
  test('behaviour 24: everything the application left out is filled in', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    app.sip(`INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n${SDP}`);
    const sent = peer.next();
    const invite = sent.message;
    expect(headerOf(invite, 'Via')).toMatch(/^SIP\/2\.0\/UDP 127\.0\.0\.1:5060;rport;branch=z9hG4bK[0-9a-f]{16}$/);
    expect(headerOf(invite, 'Max-Forwards')).toBe('70');
    expect(headerOf(invite, 'From')).toMatch(/^<sip:127\.0\.0\.1:5060>;tag=[0-9a-f]{16}$/);
    expect(headerOf(invite, 'To')).toBe('<sip:bob@127.0.0.1:5999>');
    expect(headerOf(invite, 'Call-ID')).not.toBe('');
    expect(headerOf(invite, 'CSeq')).toMatch(/^[1-9]\d* INVITE$/);
    expect(headerOf(invite, 'Contact')).toBe('<sip:127.0.0.1:5060>');
    expect(headerOf(invite, 'Content-Type')).toBe('application/sdp');
    expect(headerOf(invite, 'Content-Length')).toBe(String(SDP.length));
    expect(invite.body.toString()).toBe(SDP);
    const echo = app.nextResponse();
    expect(echo.message?.equals(sent.data)).toBe(true);
    const start = ['OK', 'application', String(sent.data.length), 'udp', '127.0.0.1', '5060'];
    expect(echo.fields.slice(0, 6)).toEqual(start);
    expect(echo.fields.slice(8)).toEqual(['Msg sent:', '']);
  });

  test('behaviour 24: what the application says is kept; only INVITE and its like get a Contact', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    const lines = [
      'From: "A" <sip:a@x.example>;tag=mine',
      'To: <sip:t@y.example>',
      'Call-ID: kept',
      'CSeq: 77 OPTIONS',
      'Max-Forwards: 5',
    ];
    app.sip(`OPTIONS sip:bob@127.0.0.1:5999 SIP/2.0\n${lines.join('\n')}\n\n`);
    const options = peer.nextRequest('OPTIONS');
    for (const line of lines) {
      const [name = '', ...value] = line.split(': ');
      expect(headerOf(options, name)).toBe(value.join(': '));
    }
    expect(headerOf(options, 'Contact')).toBe('');
  });

  test('behaviour 25: localhost becomes our address in From, To, Contact and P-Asserted-Identity', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('tcp', 5999);
    const named = [
      'From: sip:anna@localhost',
      'To: "B" <sip:bob@localhost:9>',
      'Contact: <sip:anna@localhost>',
      'P-Asserted-Identity: <sip:anna@localhost>',
    ];
    app.sip(`INVITE sip:bob@127.0.0.1:5999;transport=tcp SIP/2.0\n${named.join('\n')}\nX-Other: <sip:x@localhost>\n\n`);
    const invite = peer.nextRequest('INVITE');
    expect(headerOf(invite, 'From')).toMatch(/^<sip:anna@127\.0\.0\.1:5060>;tag=/);
    expect(headerOf(invite, 'To')).toBe('"B" <sip:bob@127.0.0.1:5060>');
    expect(headerOf(invite, 'Contact')).toBe('<sip:anna@127.0.0.1:5060;transport=tcp>');
    expect(headerOf(invite, 'P-Asserted-Identity')).toBe('<sip:anna@127.0.0.1:5060>');
    expect(headerOf(invite, 'X-Other')).toBe('<sip:x@localhost>');
  });

  test('behaviour 26: the echo comes first, and what follows soon is marked', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    app.sip('OPTIONS sip:bob@127.0.0.1:5999 SIP/2.0\n\n');
    peer.respond(peer.nextRequest('OPTIONS'), 200);
    const echo = app.nextResponse();
    expect(app.nextSip()).toMatchObject({ afterEcho: true, transactionId: echo.fields[7], dialogId: '' });
    app.sip('OPTIONS sip:bob@127.0.0.1:5999 SIP/2.0\n\n');
    app.nextResponse();
    const late = peer.nextRequest('OPTIONS');
    bench.clock.advance(400);
    peer.respond(late, 200);
    expect(app.nextSip().afterEcho).toBe(false);
  });

  test('behaviour 36: routeUri is the next hop and leaves no Route', () => {
    const bench = new Bench();
    const app = bench.app();
    const proxy = bench.net.peer('udp', 7000);
    for (const routeUri of ['sip:127.0.0.1:7000', '127.0.0.1:7000']) {
      app.sip('OPTIONS sip:bob@far.example SIP/2.0\n\n', { routeUri });
      const options = proxy.nextRequest('OPTIONS');
      expect(options.uri).toBe('sip:bob@far.example');
      expect(headerOf(options, 'Route')).toBe('');
    }
  });

  test('behaviour 46: the engine’s own headers cannot be set, names are spelled, lengths are counted in bytes', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    const own = [
      'Via: SIP/2.0/UDP evil',
      'v: SIP/2.0/UDP evil',
      'Route: <sip:evil>',
      'Record-Route: <sip:evil>',
      'RSeq: 1',
      'Content-Length: 3',
    ];
    const other = [
      'bad name: x',
      'p-custom-thing: a',
      'x-lower: b',
      'subject: folded',
      '  further',
      'Content-Type: text/plain',
    ];
    app.sip(`MESSAGE sip:bob@127.0.0.1:5999 SIP/2.0\n${[...own, ...other].join('\n')}\n\nhéllo`);
    const sent = peer.next();
    const names = sent.message.headers.map((line) => line.name);
    for (const name of ['Route', 'Record-Route', 'RSeq', 'bad name']) expect(names).not.toContain(name);
    expect(sent.data.toString()).not.toContain('evil');
    expect(names).toEqual(expect.arrayContaining(['P-Custom-Thing', 'x-lower', 'Subject']));
    expect(headerOf(sent.message, 'Subject')).toBe('folded further');
    expect(headerOf(sent.message, 'Content-Length')).toBe('6');
  });

  test.each([
    ['OPTIONS sip:bob@127.0.0.1:5060 SIP/2.0\n\n', 'can not send request to myself'],
    ['MESSAGE sip:bob@127.0.0.1:5999 SIP/2.0\n\nhello', 'missing content-type'],
    ['OPTIONS sip:[bob SIP/2.0\n\n', 'invalid request-uri: OPTIONS sip:[bob SIP/2.0'],
    ['nonsense\n\n', 'invalid request-uri: nonsense'],
    ['OPTIONS sip:bob@127.0.0.1;transport=sctp SIP/2.0\n\n', 'requested protocol/transport not available'],
    ['OPTIONS tel:+4989 SIP/2.0\n\n', 'invalid request-uri: OPTIONS tel:+4989 SIP/2.0'],
  ])('a request that cannot be sent is refused: %j', (text, reason) => {
    const bench = new Bench();
    const app = bench.app();
    app.sip(text);
    expect(app.nextResponse().fields).toEqual(['NOK', reason]);
    expect(bench.net.sent).toHaveLength(0);
  });
});

describe('an outgoing call', () => {
  test('behaviour 27: 100 is kept, 18x and the final are passed with the dialog', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    app.sip(`INVITE sip:bob@127.0.0.1:5999 SIP/2.0\nFrom: <sip:a@b>;tag=mine\nCall-ID: out\n\n${SDP}`);
    app.nextResponse();
    const invite = peer.nextRequest('INVITE');
    peer.respond(invite, 100, { toTag: '' });
    expect(app.waiting).toBe(0);
    peer.respond(invite, 180);
    peer.respond(invite, 183, { toTag: 'otherfork' });
    peer.respond(invite, 200);
    const told = [app.nextSip(), app.nextSip(), app.nextSip()];
    expect(told.map((one) => one.parsed)).toMatchObject([{ status: 180 }, { status: 183 }, { status: 200 }]);
    for (const one of told) expect(one.dialogId).toBe('out;from-tag=mine');
    expect(bench.engine.load.dialogs).toBe(1);
  });

  test('behaviour 28: the ACK carries the INVITE’s number and credentials, and is repeated for every 200', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    app.sip('INVITE sip:bob@127.0.0.1:5999 SIP/2.0\nAuthorization: Digest username="a"\n\n');
    app.nextResponse();
    const invite = peer.nextRequest('INVITE');
    const lines = ['Record-Route: <sip:127.0.0.1:5999;lr>'];
    const ok = peer.respond(invite, 200, { contact: '<sip:bob@127.0.0.1:6001>', lines });
    const { dialogId } = app.nextSip();
    peer.sendText(ok);
    expect(peer.waiting + app.waiting).toBe(0);
    app.sip(`ACK sip:ignored@example.com SIP/2.0\n\n${SDP}`, { dialogId });
    app.nextResponse();
    const sent = peer.next();
    const ack = sent.message;
    expect(ack).toMatchObject({ method: 'ACK', uri: 'sip:bob@127.0.0.1:6001' });
    expect(headerOf(ack, 'CSeq')).toBe(headerOf(invite, 'CSeq').replace('INVITE', 'ACK'));
    expect(headerOf(ack, 'Route')).toBe('<sip:127.0.0.1:5999;lr>');
    expect(headerOf(ack, 'Authorization')).toBe('Digest username="a"');
    expect(headerOf(ack, 'Content-Type')).toBe('application/sdp');
    peer.sendText(ok);
    expect(peer.next().data.equals(sent.data)).toBe(true);
    expect(app.waiting).toBe(0);
  });

  test('T9: the ACK takes the credentials along only to where the INVITE went', () => {
    const bench = new Bench();
    const app = bench.app();
    const [peer, other] = [bench.net.peer('udp', 5999), bench.net.peer('udp', 5998, '192.0.2.66')];
    app.sip('INVITE sip:bob@127.0.0.1:5999 SIP/2.0\nProxy-Authorization: Digest username="a"\n\n');
    app.nextResponse();
    const lines = ['Record-Route: <sip:192.0.2.66:5998;lr>'];
    peer.respond(peer.nextRequest('INVITE'), 200, { contact: '<sip:bob@192.0.2.66:5998>', lines });
    const { dialogId } = app.nextSip();
    app.sip('ACK sip:ignored@example.com SIP/2.0\n\n', { dialogId });
    app.nextResponse();
    expect(headerOf(other.next().message, 'Proxy-Authorization')).toBe('');
  });

  test('behaviour 29: a refusal is acknowledged by the engine; the application’s own ACK is refused', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    app.sip('INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n');
    app.nextResponse();
    const invite = peer.nextRequest('INVITE');
    const busy = peer.respond(invite, 486);
    const ack = peer.nextRequest('ACK');
    expect(headerOf(ack, 'Via')).toBe(headerOf(invite, 'Via'));
    expect(tagOf(ack, 'To')).toBe('bob1');
    const told = app.nextSip();
    expect(told.parsed).toMatchObject({ status: 486 });
    peer.sendText(busy);
    peer.nextRequest('ACK');
    expect(app.waiting).toBe(0);
    app.sip('ACK sip:bob@127.0.0.1:5999 SIP/2.0\n\n', { dialogId: told.dialogId });
    expect(app.nextResponse().fields[1]).toBe(
      'Server error: ACK for non-success final response is automatically generated by server',
    );
  });

  test('a 2xx of another fork is acknowledged and ended by the engine', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    app.sip('INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n');
    app.nextResponse();
    const invite = peer.nextRequest('INVITE');
    peer.respond(invite, 180, { toTag: 'second' });
    peer.respond(invite, 200, { toTag: 'first' });
    app.nextSip();
    const { dialogId } = app.nextSip();
    const stray = peer.respond(invite, 200, { toTag: 'second', contact: '<sip:second@127.0.0.1:5999>' });
    const [ack, bye] = [peer.nextRequest('ACK'), peer.nextRequest('BYE')];
    expect([tagOf(ack, 'To'), tagOf(bye, 'To')]).toEqual(['second', 'second']);
    expect(bye.uri).toBe('sip:second@127.0.0.1:5999');
    peer.sendText(stray);
    peer.nextRequest('ACK');
    peer.respond(bye, 200);
    expect(app.waiting + peer.waiting).toBe(0);
    app.sip('ACK sip:x SIP/2.0\n\n', { dialogId });
    expect(tagOf(peer.nextRequest('ACK'), 'To')).toBe('first');
  });

  test('behaviour 33: a 200 without Contact is passed, but leaves no way to answer', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    app.sip('INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n');
    app.nextResponse();
    peer.respond(peer.nextRequest('INVITE'), 200, { contact: '' });
    const { dialogId } = app.nextSip();
    app.sip('ACK sip:x SIP/2.0\n\n', { dialogId });
    expect(app.nextResponse().fields[1]).toBe(
      `Server error: unable to find route when sending request inside dialog for dialog id ${dialogId}`,
    );
  });

  test('behaviour 35: the retry with credentials keeps Call-ID, From tag and dialog', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    app.sip('INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n');
    app.nextResponse();
    const first = peer.nextRequest('INVITE');
    peer.respond(first, 407);
    peer.nextRequest('ACK');
    const challenged = app.nextSip();
    const number = Number.parseInt(headerOf(first, 'CSeq'), 10) + 1;
    const names = ['From', 'To', 'Call-ID'].map((name) => `${name}: ${headerOf(first, name)}`);
    app.sip(`INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n${names.join('\n')}\nCSeq: ${number} INVITE\n\n`);
    const echo = app.nextResponse();
    const second = peer.nextRequest('INVITE');
    expect(headerOf(second, 'From')).toBe(headerOf(first, 'From'));
    expect(headerOf(second, 'CSeq')).toBe(`${number} INVITE`);
    peer.respond(second, 200);
    expect(app.nextSip()).toMatchObject({ dialogId: challenged.dialogId, transactionId: echo.fields[7] });
  });
});

describe('CANCEL by the application', () => {
  function ringing(): {
    bench: Bench;
    app: ReturnType<Bench['app']>;
    peer: ReturnType<Bench['net']['peer']>;
    transactionId: string;
  } {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    app.sip('INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n');
    return { bench, app, peer, transactionId: app.nextResponse().fields[7] ?? '' };
  }
  const CANCEL =
    'CANCEL sip:bob@127.0.0.1:5999 SIP/2.0\nReason: SIP;cause=200;text="elsewhere"\nFrom: <sip:forged@x>\n\n';

  test('behaviour 30: is sent with the INVITE’s Via; its 200 is hidden, the 487 is passed', () => {
    const { app, peer, transactionId } = ringing();
    const invite = peer.nextRequest('INVITE');
    peer.respond(invite, 180);
    app.nextSip();
    app.sip(CANCEL, { transactionId });
    const echo = app.nextResponse();
    const cancel = peer.nextRequest('CANCEL');
    expect(headerOf(cancel, 'Via')).toBe(headerOf(invite, 'Via'));
    expect(headerOf(cancel, 'From')).toBe(headerOf(invite, 'From'));
    expect(headerOf(cancel, 'Reason')).toBe('SIP;cause=200;text="elsewhere"');
    expect(echo.fields[7]).not.toBe(transactionId);
    peer.respond(cancel, 200);
    peer.respond(invite, 487);
    peer.nextRequest('ACK');
    expect(app.nextSip()).toMatchObject({ transactionId, parsed: { status: 487 } });
    expect(app.waiting).toBe(0);
  });

  test('behaviour 30: is held until the first provisional', () => {
    const { app, peer, transactionId } = ringing();
    const invite = peer.nextRequest('INVITE');
    app.sip(CANCEL, { transactionId });
    expect(app.nextResponse().fields[2]).toBe('0');
    expect(peer.waiting).toBe(0);
    peer.respond(invite, 100, { toTag: '' });
    peer.nextRequest('CANCEL');
  });

  test('behaviour 30: an unknown transaction cannot be canceled', () => {
    const { app, peer, transactionId } = ringing();
    peer.respond(peer.nextRequest('INVITE'), 486);
    app.nextSip();
    for (const id of ['no-such', transactionId]) {
      app.sip(CANCEL, { transactionId: id });
      expect(app.nextResponse().fields).toEqual(['NOK', `unable to cancel unknown transaction id: ${id}`]);
    }
  });

  test('behaviour 31: when the 200 wins, the call is acknowledged and ended, and the application told', () => {
    const { bench, app, peer, transactionId } = ringing();
    const invite = peer.nextRequest('INVITE');
    peer.respond(invite, 180);
    app.nextSip();
    app.sip(CANCEL, { transactionId });
    app.nextResponse();
    peer.nextRequest('CANCEL');
    peer.respond(invite, 200);
    const { dialogId } = app.nextSip();
    app.sip('ACK sip:x SIP/2.0\n\n', { dialogId });
    app.nextResponse();
    peer.nextRequest('ACK');
    const bye = peer.nextRequest('BYE');
    expect(headerOf(bye, 'Reason')).toBe('SIP;cause=200;text="ACK-BYE due to cancel race condition"');
    expect(app.nextSip()).toMatchObject({ source: 'application', transactionId: 'unsolicited', dialogId });
    expect(bench.engine.load.dialogs).toBe(0);
  });

  test('a peer that never sends its 487: the engine says it after 64·T1', () => {
    const { bench, app, peer, transactionId } = ringing();
    const invite = peer.nextRequest('INVITE');
    peer.respond(invite, 180);
    app.nextSip();
    app.sip(CANCEL, { transactionId });
    app.nextResponse();
    peer.respond(peer.nextRequest('CANCEL'), 200);
    bench.clock.advance(31_999);
    expect(app.waiting).toBe(0);
    bench.clock.advance(1);
    expect(app.nextSip()).toMatchObject({ transactionId, bytes: 0, parsed: { status: 487 } });
  });
});

describe('requests of the application within a dialog', () => {
  test('behaviour 32: placeholder is the remote target; tags, Call-ID, route and numbers are the dialog’s', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE', { lines: ['Record-Route: <sip:127.0.0.1:5999;lr>, <sip:far.example;lr>'] });
    app.answer(app.nextSip(), 200);
    peer.nextResponse(100);
    const tag = tagOf(peer.nextResponse(200), 'To') ?? '';
    peer.request('ACK', { to: `<sip:service@example.com>;tag=${tag}`, contact: '' });
    const { dialogId } = app.nextSip();
    const numbers = [];
    for (const method of ['INFO', 'REFER']) {
      app.sip(`${method} sip:placeholder SIP/2.0\nFrom: <sip:forged@x>\nCall-ID: forged\n\n`, { dialogId });
      const request = peer.nextRequest(method);
      expect(request.uri).toBe('sip:alice@127.0.0.1:5999');
      expect(headerOf(request, 'From')).toBe(`<sip:service@example.com>;tag=${tag}`);
      expect(headerOf(request, 'To')).toBe('<sip:alice@example.com>;tag=alice1');
      expect(headerOf(request, 'Call-ID')).toBe('call-1');
      expect(request.headers.filter((line) => line.name === 'Route').map((line) => line.value)).toEqual([
        '<sip:127.0.0.1:5999;lr>',
        '<sip:far.example;lr>',
      ]);
      expect(headerOf(request, 'Contact')).toBe(method === 'REFER' ? '<sip:127.0.0.1:5060>' : '');
      numbers.push(Number.parseInt(headerOf(request, 'CSeq'), 10));
    }
    expect((numbers[1] ?? 0) - (numbers[0] ?? 0)).toBe(1);
  });

  test('behaviour 32: a strict router becomes the Request-URI (RFC 3261 §12.2.1.1)', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    app.sip('INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n');
    app.nextResponse();
    peer.respond(peer.nextRequest('INVITE'), 200, {
      contact: '<sip:bob@far.example>',
      lines: ['Record-Route: <sip:127.0.0.1:5999>'],
    });
    const { dialogId } = app.nextSip();
    app.sip('ACK sip:x SIP/2.0\n\n', { dialogId });
    const ack = peer.nextRequest('ACK');
    expect(ack.uri).toBe('sip:127.0.0.1:5999');
    expect(headerOf(ack, 'Route')).toBe('<sip:bob@far.example>');
  });

  test('behaviour 32: a peer behind NAT is answered where it was heard, at the Contact it gave', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE', { contact: '<sip:alice@192.168.7.7:5060>' });
    app.answer(app.nextSip(), 200);
    const tag = tagOf(peer.next().message, 'To') ?? tagOf(peer.nextResponse(200), 'To') ?? '';
    peer.request('ACK', { to: `<sip:service@example.com>;tag=${tag}`, contact: '' });
    app.sip('INFO sip:placeholder SIP/2.0\n\n', { dialogId: app.nextSip().dialogId });
    expect(peer.nextRequest('INFO').uri).toBe('sip:alice@192.168.7.7:5060');
  });

  test('behaviour 32: a request whose headers name an established dialog is in it', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    const { echo, dialogId } = outgoingCall(peer, app);
    const lines = ['Call-ID', 'From'].map((name) => `${name}: ${headerOf(echo.parsed, name)}`);
    app.sip(`INFO sip:placeholder SIP/2.0\n${lines.join('\n')}\n\n`);
    app.nextResponse();
    peer.respond(peer.nextRequest('INFO'), 200);
    expect(app.nextSip().dialogId).toBe(dialogId);
  });

  test('behaviour 33: an unknown dialog is refused with the text behind ENODIALOG, also to another application', () => {
    const bench = new Bench();
    const app = bench.app();
    const other = bench.app();
    const { dialogId } = outgoingCall(bench.net.peer('udp', 5999), app);
    for (const [who, id] of [
      [app, 'no;from-tag=such'],
      [other, dialogId],
    ] as const) {
      who.sip('BYE sip:placeholder SIP/2.0\n\n', { dialogId: id });
      expect(who.nextResponse().fields).toEqual(['NOK', 'Server error: unable to find dialog for dialog id provided']);
    }
  });

  test('behaviour 34: a challenged BYE keeps the dialog, any other answer ends it', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    const { dialogId } = outgoingCall(peer, app);
    for (const status of [401, 407]) {
      app.sip('BYE sip:placeholder SIP/2.0\n\n', { dialogId });
      app.nextResponse();
      peer.respond(peer.nextRequest('BYE'), status);
      app.nextSip();
      expect(bench.engine.load.dialogs).toBe(1);
    }
    app.sip('BYE sip:placeholder SIP/2.0\n\n', { dialogId });
    peer.respond(peer.nextRequest('BYE'), 500);
    expect(bench.engine.load.dialogs).toBe(0);
  });

  test('behaviour 34: a BYE nobody answers ends the dialog with 408', () => {
    const bench = new Bench();
    const app = bench.app();
    const { dialogId } = outgoingCall(bench.net.peer('udp', 5999), app);
    app.sip('BYE sip:placeholder SIP/2.0\n\n', { dialogId });
    app.nextResponse();
    bench.clock.advance(32_000);
    expect(app.nextSip()).toMatchObject({ dialogId, bytes: 0, address: '', port: 0, parsed: { status: 408 } });
    expect(bench.engine.load.dialogs).toBe(0);
  });

  test('a BYE after a 200 waits for its ACK (RFC 3261 §15), and takes the place of the engine’s own if none comes', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    peer.request('INVITE');
    app.answer(app.nextSip(), 200);
    peer.nextResponse(100);
    const tag = tagOf(peer.nextResponse(200), 'To') ?? '';
    app.sip('BYE sip:placeholder SIP/2.0\n\n', { dialogId: 'call-1;from-tag=alice1' });
    expect(app.nextResponse().fields[0]).toBe('OK');
    expect(peer.waiting).toBe(0);
    peer.request('ACK', { to: `<sip:service@example.com>;tag=${tag}`, contact: '' });
    peer.nextRequest('BYE');
  });

  test('a BYE while our re-INVITE is open cancels that first', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    const { dialogId } = outgoingCall(peer, app);
    app.sip('INVITE sip:placeholder SIP/2.0\n\n', { dialogId });
    peer.respond(peer.nextRequest('INVITE'), 100);
    app.sip('BYE sip:placeholder SIP/2.0\n\n', { dialogId });
    expect(peer.drain()).toEqual(['CANCEL', 'BYE']);
  });

  test('a 1xx to a request in a dialog is passed and does not lose the final (§6.4)', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    incomingCall(peer, app);
    app.sip('INFO sip:placeholder SIP/2.0\n\n', { dialogId: 'call-1;from-tag=alice1' });
    app.nextResponse();
    const info = peer.nextRequest('INFO');
    peer.respond(info, 182);
    peer.respond(info, 200);
    expect([app.nextSip().parsed, app.nextSip().parsed]).toMatchObject([{ status: 182 }, { status: 200 }]);
  });

  test('re-INVITE: the new target holds, its ACK has its own number', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    const { dialogId } = outgoingCall(peer, app);
    app.sip(`INVITE sip:placeholder SIP/2.0\n\n${SDP}`, { dialogId });
    app.nextResponse();
    const again = peer.nextRequest('INVITE');
    peer.respond(again, 200, { contact: '<sip:bob2@127.0.0.1:5999>' });
    app.nextSip();
    app.sip('ACK sip:placeholder SIP/2.0\n\n', { dialogId });
    const ack = peer.nextRequest('ACK');
    expect(ack.uri).toBe('sip:bob2@127.0.0.1:5999');
    expect(headerOf(ack, 'CSeq')).toBe(headerOf(again, 'CSeq').replace('INVITE', 'ACK'));
  });
});

describe('what the network owes', () => {
  test('behaviour 37: an INVITE nobody answers is repeated with doubling intervals and becomes 408', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    app.sip('INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n');
    app.nextResponse();
    bench.clock.advance(32_000);
    expect(peer.drain()).toEqual(Array<string>(7).fill('INVITE'));
    const told = app.nextSip();
    expect(told).toMatchObject({ source: 'network', bytes: 0, parsed: { status: 408, reason: 'Request Timeout' } });
    expect(bench.engine.load).toEqual({ serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 });
  });

  test('behaviour 37: timer C cancels a call that rings for ever, and gives up on it 64·T1 later', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    app.sip('INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n');
    app.nextResponse();
    peer.respond(peer.nextRequest('INVITE'), 180);
    app.nextSip();
    bench.clock.advance(185_000);
    peer.respond(peer.nextRequest('CANCEL'), 200);
    bench.clock.advance(32_000);
    expect(app.nextSip().parsed).toMatchObject({ status: 408 });
    expect(bench.engine.load.dialogs).toBe(0);
  });

  test.each([
    ['refused' as const, 503, 'Service Unavailable'],
    ['unreachable' as const, 503, 'Service Unavailable'],
    ['closed' as const, 410, 'Gone'],
  ])('behaviour 37: %s becomes %i', (why, status, reason) => {
    const bench = new Bench();
    const app = bench.app();
    app.sip('OPTIONS sip:bob@127.0.0.1:5999 SIP/2.0\n\n');
    app.nextResponse();
    bench.net.peer('udp', 5999).next().fail(why);
    expect(app.nextSip()).toMatchObject({ afterEcho: true, parsed: { status, reason } });
  });

  test('behaviour 37: a name nobody knows becomes 503 DNS Error, after the echo', async () => {
    const bench = new Bench();
    const app = bench.app();
    app.sip('INVITE sip:bob@nowhere.example SIP/2.0\n\n');
    expect(app.waiting).toBe(0);
    await bench.settle();
    const echo = app.nextResponse();
    expect(echo.fields.slice(0, 3)).toEqual(['OK', 'application', '0']);
    expect(app.nextSip()).toMatchObject({
      transactionId: echo.fields[7],
      parsed: { status: 503, reason: 'DNS Error' },
    });
  });

  test('a known name is resolved before the echo', async () => {
    const bench = new Bench();
    bench.net.names.set('bob.example', ['127.0.0.1']);
    const app = bench.app();
    app.sip('OPTIONS sip:bob@bob.example:5999 SIP/2.0\n\n');
    await bench.settle();
    expect(app.nextResponse().fields[0]).toBe('OK');
    expect(parseNameAddr(headerOf(bench.net.peer('udp', 5999).nextRequest('OPTIONS'), 'To'))?.uri).toBe(
      'sip:bob@bob.example:5999',
    );
  });
});

test('behaviour 37: a UDP address that refuses is told of after the first retransmission', () => {
  const bench = new Bench();
  const app = bench.app();
  bench.net.refusing.add('127.0.0.1:5999');
  app.sip(`INVITE sip:bob@127.0.0.1:5999 SIP/2.0\n\n${SDP}`);
  app.nextResponse();
  bench.clock.advance(500);
  expect(app.nextSip().parsed).toMatchObject({ status: 503 });
  bench.clock.advance(64_000);
  expect(bench.engine.load).toEqual({ serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 });
});
