import { describe, expect, test } from 'vitest';
import { Bench, incomingCall, outgoingCall } from './engine-rig.ts';

describe('the first complete path', () => {
  test('a call comes in, is answered, acknowledged and ended by the caller', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 5999);
    const { invite, echo, localTag } = incomingCall(peer, app);
    expect(invite.dialogId).toBe('');
    expect(invite.receivedOn).toEqual({ address: '127.0.0.1', port: 5060 });
    expect(echo.fields[0]).toBe('OK');
    expect(echo.fields[7]).toBe(invite.transactionId);
    expect(echo.fields[8]).toBe('call-1;from-tag=alice1');
    peer.request('BYE', { to: `<sip:service@example.com>;tag=${localTag}`, cseq: 2 });
    const bye = app.nextSip();
    expect(bye.dialogId).toBe('call-1;from-tag=alice1');
    expect(app.answer(bye, 200).fields[8]).toBe('');
    peer.nextResponse(200);
    bench.clock.advance(64_000);
    expect(bench.engine.load).toEqual({ serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 });
  });

  test('the application calls, the call is answered, acknowledged and ended by the application', () => {
    const bench = new Bench();
    const app = bench.app();
    const peer = bench.net.peer('udp', 5999);
    const { dialogId, echo, transactionId } = outgoingCall(peer, app);
    expect(echo.fields[7]).toBe(transactionId);
    app.sip('BYE sip:placeholder SIP/2.0\n\n', { dialogId });
    app.nextResponse();
    const bye = peer.nextRequest('BYE');
    expect(bye.uri).toBe('sip:bob@127.0.0.1:5999');
    peer.respond(bye, 200);
    const answered = app.nextSip();
    expect(answered.parsed).toMatchObject({ status: 200 });
    expect(answered.dialogId).toBe(dialogId);
    bench.clock.advance(64_000);
    expect(bench.engine.load).toEqual({ serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 });
  });
});
