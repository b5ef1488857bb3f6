/** CDR leaders: behaviour 49 of drachtio-protocol §12. */
import { expect, test } from 'vitest';
import { Bench, incomingCall, outgoingCall, SDP } from './engine-rig.ts';

const CDRS = ['cdr:attempt', 'cdr:start', 'cdr:stop'];

test('behaviour 49: a call that came in, was answered and ended by its caller', () => {
  const bench = new Bench();
  const app = bench.app('invite', ...CDRS);
  const peer = bench.net.peer('udp', 5999);
  const { localTag } = incomingCall(peer, app);
  peer.request('BYE', { to: `<sip:service@example.com>;tag=${localTag}`, cseq: 2 });
  expect(bench.apps.reports).toEqual([
    'cdr:attempt|network|INVITE sip:service@127.0.0.1:5060 SIP/2.0',
    'cdr:start|application|uas|SIP/2.0 200 Answer',
    'cdr:stop|network|normal-release|BYE sip:service@127.0.0.1:5060 SIP/2.0',
  ]);
});

test('behaviour 49: a call of the application, ended by it', () => {
  const bench = new Bench();
  const app = bench.app(...CDRS);
  const peer = bench.net.peer('udp', 5999);
  const { dialogId } = outgoingCall(peer, app);
  app.sip('BYE sip:placeholder SIP/2.0\n\n', { dialogId });
  expect(bench.apps.reports).toEqual([
    'cdr:attempt|application|INVITE sip:bob@127.0.0.1:5999 SIP/2.0',
    'cdr:start|network|uac|SIP/2.0 200 Reason',
    'cdr:stop|application|normal-release|BYE sip:bob@127.0.0.1:5999 SIP/2.0',
  ]);
});

test('behaviour 49: rejected and canceled calls, in both directions', () => {
  const bench = new Bench();
  const app = bench.app('invite', 'cdr:stop');
  const peer = bench.net.peer('udp', 5999);
  peer.request('INVITE', { callId: 'one', body: SDP });
  app.answer(app.nextSip(), 486);
  peer.request('INVITE', { callId: 'two', branch: 'z9hG4bKtwo', body: SDP });
  app.nextSip();
  peer.request('CANCEL', { callId: 'two', branch: 'z9hG4bKtwo', contact: '' });
  peer.drain();
  for (const isCanceled of [false, true]) {
    app.sip(`INVITE sip:bob@${peer.hostPort} SIP/2.0\n\n${SDP}`);
    if (!isCanceled) app.nextSip();
    const echo = app.nextResponse();
    const invite = peer.nextRequest('INVITE');
    peer.respond(invite, 180);
    app.nextSip();
    if (isCanceled) app.sip('CANCEL sip:bob@example.com SIP/2.0\n\n', { transactionId: echo.fields[7] ?? '' });
    if (isCanceled) peer.nextRequest('CANCEL');
    peer.respond(invite, isCanceled ? 487 : 603);
    peer.nextRequest('ACK');
    if (!isCanceled) app.nextSip();
  }
  expect(bench.apps.reports.map((line) => line.split('|').slice(1, 3).join(' '))).toEqual([
    'application call-rejected',
    'network call-canceled',
    'network call-rejected',
    'network call-canceled',
  ]);
});

test('behaviour 49: an expired session; and no end for a call that was never acknowledged', () => {
  const bench = new Bench();
  const app = bench.app('invite', 'cdr:stop');
  const peer = bench.net.peer('udp', 5999);
  peer.request('INVITE', { body: SDP, lines: ['Session-Expires: 90;refresher=uac', 'Supported: timer'] });
  app.answer(app.nextSip(), 200, [], SDP);
  bench.clock.advance(40_000);
  expect(bench.apps.reports).toEqual([]);
  const other = bench.net.peer('udp', 5998);
  other.request('INVITE', {
    callId: 'two',
    body: SDP,
    lines: ['Session-Expires: 90;refresher=uac', 'Supported: timer'],
  });
  app.nextSip();
  app.answer(app.nextSip(), 200, [], SDP);
  other.nextResponse(100);
  const to = other.nextResponse(200).headers.find(({ name }) => name === 'To')?.value ?? '';
  other.request('ACK', { callId: 'two', to, contact: '' });
  bench.clock.advance(90_000);
  expect(bench.apps.reports).toEqual([expect.stringMatching(/^cdr:stop\|application\|session-expired\|BYE /)]);
});

test('behaviour 49: a proxied call has two roles', () => {
  const bench = new Bench();
  const app = bench.app('invite', ...CDRS);
  const [alice, bob] = [bench.net.peer('udp', 5999), bench.net.peer('udp', 6001)];
  alice.request('INVITE', { body: SDP });
  app.proxy(app.nextSip(), ['', 'fullResponse', '', 'serial', '', '', 'sip:bob@127.0.0.1:6001']);
  bob.respond(bob.nextRequest('INVITE'), 200, { body: SDP });
  expect(bench.apps.reports.map((line) => line.split('|').slice(0, 3).join(' '))).toEqual([
    'cdr:attempt network INVITE sip:service@127.0.0.1:5060 SIP/2.0',
    'cdr:attempt application INVITE sip:bob@127.0.0.1:6001 SIP/2.0',
    'cdr:start network proxy-uac',
    'cdr:start application proxy-uas',
  ]);
});
