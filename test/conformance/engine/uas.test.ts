/** Behaviours 7–19 of drachtio-protocol §12: requests from the network and what the application answers. */
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../support/engine-suite.ts';
import {
  isRequest,
  isResponse,
  offerSdp,
  openTcpPeer,
  openUdpPeer,
  type PeerMessage,
  type SipPeer,
  unique,
} from '../../support/sip-peer.ts';
import { type App, type AppRequest, type AppResponse, brings, hasRealFaults } from '../../support/test-engine.ts';

const suite = useEngine();
const { keep } = suite;
let peer: SipPeer;

const openPeer = async (): Promise<SipPeer> => (peer = keep(await openUdpPeer(suite.engine.udp)));
const tagOf = (value: string): string => /;tag=([^;>\s]+)/.exec(value)?.[1] ?? '';
const ack = (
  call: { callId: string; tag: string; cseq?: number },
  final: PeerMessage,
  branch = unique('z9hG4bK'),
): string =>
  peer.request('ACK', {
    callId: call.callId,
    tag: call.tag,
    to: final.header('To'),
    cseq: call.cseq ?? 1,
    branch,
    uri: uriOf(final.header('Contact')) || 'sip:svc@127.0.0.1',
  });
const uriOf = (contact: string): string => /<([^>]+)>/.exec(contact)?.[1] ?? '';
const ids = (): { callId: string; tag: string } => ({ callId: unique('call'), tag: unique('ft') });

/** Resolves with the application's first INVITE. */
async function appWithInvite(): Promise<{ app: App; invite: Promise<{ request: AppRequest; response: AppResponse }> }> {
  let arrived: (value: { request: AppRequest; response: AppResponse }) => void = () => {};
  const invite = new Promise<{ request: AppRequest; response: AppResponse }>((resolve) => {
    arrived = resolve;
  });
  const app = keep(await suite.engine.app((srf) => srf.invite((request, response) => arrived({ request, response }))));
  return { app, invite };
}

const sent = async (response: AppResponse, status: number, parts = {}): Promise<AppResponse> =>
  new Promise((resolve, reject) => {
    response.send(status, parts, (error, message) =>
      error ? reject(new Error('not sent', { cause: error })) : resolve(message as AppResponse),
    );
  });

describe('requests from the network', () => {
  test('behaviour 07: a new request comes with a transaction, no dialog, and where it was received', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp('options'));
    peer.request('OPTIONS', { headers: ['X-Custom: kept  as is'] });
    const { fields, message } = await app.wait(brings('OPTIONS'));
    expect(fields.slice(1, 3)).toEqual(['sip', 'network']);
    expect(Number(fields[3])).toBeGreaterThan(200);
    expect(fields.slice(4, 7)).toEqual(['udp', '127.0.0.1', String(peer.port)]);
    expect(fields[7]).toMatch(/^\d\d:\d\d:\d\d\.\d{6}$/);
    expect(fields[8]).not.toBe('');
    expect(fields.slice(9)).toEqual(['', '127.0.0.1', String(suite.engine.udp.port), '']);
    expect(message).toContain('X-Custom: kept  as is');
  });

  test('behaviour 07: drachtio-srf sees source, protocol and receivedOn', async () => {
    await openPeer();
    let seen: AppRequest | undefined;
    keep(
      await suite.engine.app((srf) =>
        srf.use('message', (request, response) => {
          seen = request;
          response.send(202);
        }),
      ),
    );
    peer.request('MESSAGE', { body: 'hello', contentType: 'text/plain' });
    await peer.wait(isResponse(202));
    expect(seen).toMatchObject({
      source_address: '127.0.0.1',
      source_port: peer.port,
      protocol: 'udp',
      receivedOn: `127.0.0.1:${suite.engine.udp.port}`,
    });
    expect(seen?.body).toBe('hello');
  });

  test('behaviour 07: every method outside a dialog reaches the application that routes it', async () => {
    await openPeer();
    const methods = [
      'REGISTER',
      'MESSAGE',
      'OPTIONS',
      'INFO',
      'NOTIFY',
      'SUBSCRIBE',
      'PUBLISH',
      ...(hasRealFaults ? [] : ['REFER']),
    ];
    const app = keep(await suite.engine.rawApp(...methods.map((method) => method.toLowerCase())));
    for (const method of methods) {
      peer.request(method, {
        headers: ['Expires: 60', 'Event: presence', 'Subscription-State: active', 'Refer-To: <sip:x@y>'],
      });
      const frame = await app.wait(brings(method));
      expect((await app.command(`sip|${frame.fields[8]}|\nSIP/2.0 200 OK\n\n`))[0]).toBe('OK');
      await peer.wait(isResponse(200, method));
    }
  });

  test('behaviour 07: compact header names arrive expanded', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp('refer', 'options'));
    const callId = unique('compact');
    peer.sendRaw(
      `OPTIONS sip:svc@127.0.0.1 SIP/2.0\nv: SIP/2.0/UDP ${peer.address};branch=${unique('z9hG4bK')}\nMax-Forwards: 70\nf: <sip:a@b>;tag=c1\nt: <sip:svc@127.0.0.1>\ni: ${callId}\nCSeq: 1 OPTIONS\nl: 0\n\n`,
    );
    const { message } = await app.wait(brings('OPTIONS'));
    const expanded = [`Call-ID: ${callId}`, 'From: <sip:a@b>;tag=c1'];
    expect(message.split('\r\n')).toEqual(expect.arrayContaining(suite.engine.isReal ? [] : expanded));
  });

  test('behaviour 08: the delivered Via has rport, and received when the sent-by is another', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp('options'));
    peer.request('OPTIONS', { via: `Via: SIP/2.0/UDP 192.0.2.7:5060;rport;branch=${unique('z9hG4bK')}` });
    const { message } = await app.wait(brings('OPTIONS'));
    const via = /^Via: (.*)$/m.exec(message)?.[1];
    expect(via).toContain(`rport=${peer.port}`);
    expect(via).toContain('received=127.0.0.1');
  });

  test('behaviour 08: answers go back to the source port when rport was asked for', async () => {
    await openPeer();
    keep(await suite.engine.app((srf) => srf.use('options', (_request, response) => response.send(200))));
    peer.request('OPTIONS', { via: `Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=${unique('z9hG4bK')}` });
    const answer = await peer.wait(isResponse(200));
    expect(answer.header('Via')).toContain(`rport=${peer.port}`);
  });

  test('behaviour 09: 503 when no application routes the method', async () => {
    await openPeer();
    for (const method of ['INVITE', 'OPTIONS', 'REGISTER', 'MESSAGE']) {
      peer.request(method);
      expect((await peer.wait(isResponse(503, method))).header('To')).toContain(';tag=');
    }
  });

  test('behaviour 09: 100 at once for INVITE, without a tag, and for nothing else', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp('invite', 'options'));
    peer.request('INVITE', { body: offerSdp() });
    const trying = await peer.wait(isResponse(100, 'INVITE'));
    expect(tagOf(trying.header('To'))).toBe('');
    await app.wait(brings('INVITE'));
    peer.request('OPTIONS');
    await app.wait(brings('OPTIONS'));
    await peer.expectNone(isResponse(100, 'OPTIONS'), 50);
  });

  test('behaviour 10: retransmitted requests are absorbed and the last response replayed', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp('invite', 'options'));
    const invite = peer.request('INVITE', { body: offerSdp() });
    const frame = await app.wait(brings('INVITE'));
    await app.command(`sip|${frame.fields[8]}|\nSIP/2.0 180 Ringing\n\n`);
    await peer.wait(isResponse(180));
    peer.sendRaw(invite);
    await peer.wait(isResponse(180));
    const options = peer.request('OPTIONS');
    const other = await app.wait(brings('OPTIONS'));
    peer.sendRaw(options);
    await app.command(`sip|${other.fields[8]}|\nSIP/2.0 200 OK\n\n`);
    await peer.wait(isResponse(200, 'OPTIONS'));
    peer.sendRaw(options);
    await peer.wait(isResponse(200, 'OPTIONS'));
    expect(app.frames.filter(brings('INVITE'))).toHaveLength(1);
    expect(app.frames.filter(brings('OPTIONS'))).toHaveLength(1);
  });

  test('behaviour 11: the echo of a response has the transaction at 10, the dialog at 11 and the message as sent', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp('invite', 'options'));
    const call = ids();
    peer.request('INVITE', { ...call, body: offerSdp() });
    const { fields } = await app.wait(brings('INVITE'));
    const ringing = await app.commandFrame(`sip|${fields[8]}|\nSIP/2.0 180 Ringing\nX-App: one\n\n`);
    const arrived = await peer.wait(isResponse(180));
    expect(ringing.fields.slice(3, 9)).toEqual([
      'OK',
      'application',
      String(Buffer.byteLength(arrived.raw)),
      'udp',
      '127.0.0.1',
      String(peer.port),
    ]);
    expect(ringing.fields[9]).toMatch(/^\d\d:\d\d:\d\d\.\d{6}$/);
    expect(ringing.fields.slice(10, 14)).toEqual([fields[8], `${call.callId};from-tag=${call.tag}`, '', 'Msg sent:']);
    expect(ringing.message).toBe(arrived.raw);
    expect(arrived.header('X-App')).toBe('one');

    peer.request('OPTIONS');
    const options = await app.wait(brings('OPTIONS'));
    const ok = await app.commandFrame(`sip|${options.fields[8]}|\nSIP/2.0 200 OK\n\n`);
    expect(ok.fields.slice(10, 12)).toEqual([options.fields[8], '']);
  });

  test('behaviour 12: the To tag is the same from the first response on, and absent from 100', async () => {
    await openPeer();
    const { app, invite } = await appWithInvite();
    const call = ids();
    peer.request('INVITE', { ...call, body: offerSdp() });
    const { request, response } = await invite;
    await sent(response, 180);
    await sent(response, 183, { body: offerSdp() });
    const dialog = await app.createUAS(request, response, { localSdp: offerSdp(5000) });
    const [ringing, progress, ok] = [
      await peer.wait(isResponse(180)),
      await peer.wait(isResponse(183)),
      await peer.wait(isResponse(200)),
    ];
    const tag = tagOf(ringing.header('To'));
    expect(tag).not.toBe('');
    expect([tagOf(progress.header('To')), tagOf(ok.header('To')), dialog.sip.localTag]).toEqual([tag, tag, tag]);
    ack(call, ok);
  });

  test('behaviour 12: the application may choose the To tag', async () => {
    await openPeer();
    const { invite } = await appWithInvite();
    const call = ids();
    peer.request('INVITE', { ...call, body: offerSdp() });
    const { response } = await invite;
    await sent(response, 180, { headers: { To: '<sip:svc@127.0.0.1>;tag=chosen1' } });
    expect(tagOf((await peer.wait(isResponse(180))).header('To'))).toBe('chosen1');
    await sent(response, 486);
    const busy = await peer.wait(isResponse(486));
    expect(tagOf(busy.header('To'))).toBe('chosen1');
    ack(call, busy);
  });

  test("behaviour 13: Contact in the 2xx to INVITE and SUBSCRIBE, not in a plain 1xx; the application's own wins", async () => {
    await openPeer();
    const { app, invite } = await appWithInvite();
    app.use('subscribe', (request, response) => void app.createUAS(request, response, { localSdp: '' }));
    await app.settled();
    const call = ids();
    peer.request('INVITE', { ...call, body: offerSdp() });
    const { request, response } = await invite;
    await sent(response, 180);
    const dialog = await app.createUAS(request, response, { localSdp: offerSdp(5000) });
    expect((await peer.wait(isResponse(180))).headers('Contact')).toEqual([]);
    const ok = await peer.wait(isResponse(200));
    expect(ok.header('Contact')).toBe(`<sip:127.0.0.1:${suite.engine.udp.port}>`);
    expect(dialog.local.contact).toBe(ok.header('Contact'));
    ack(call, ok);
    peer.request('SUBSCRIBE', { headers: ['Event: presence', 'Expires: 60'] });
    expect((await peer.wait(isResponse(202))).header('Contact')).toBe(`<sip:127.0.0.1:${suite.engine.udp.port}>`);
  });

  test("behaviour 13: the application's Contact wins, with localhost replaced", async () => {
    await openPeer();
    const { app, invite } = await appWithInvite();
    const call = ids();
    peer.request('INVITE', { ...call, body: offerSdp() });
    const { request, response } = await invite;
    await app.createUAS(request, response, { localSdp: offerSdp(5000), headers: { Contact: '<sip:me@localhost>' } });
    const ok = await peer.wait(isResponse(200));
    expect(ok.headers('Contact')).toEqual([`<sip:me@127.0.0.1:${suite.engine.udp.port}>`]);
    ack(call, ok);
  });

  test("behaviour 14: the dialog id is Call-ID and the caller's tag, and drachtio-srf finds the dialog by it", async () => {
    await openPeer();
    const { app, invite } = await appWithInvite();
    const call = ids();
    peer.request('INVITE', { ...call, body: offerSdp() });
    const { request, response } = await invite;
    const dialog = await app.createUAS(request, response, { localSdp: offerSdp(5000) });
    expect(dialog.id).toBe(`${call.callId};from-tag=${call.tag}`);
    expect(app.findDialogByCallIDAndFromTag(call.callId, call.tag)).toBe(dialog);
    ack(call, await peer.wait(isResponse(200)));
  });

  test('behaviour 15: the 200 is retransmitted until the ACK, which is delivered once, with the dialog', async () => {
    await openPeer();
    const { app, invite } = await appWithInvite();
    const call = ids();
    peer.request('INVITE', { ...call, body: offerSdp() });
    const { request, response } = await invite;
    const dialog = await app.createUAS(request, response, { localSdp: offerSdp(5000) });
    const acks: AppRequest[] = [];
    dialog.on('ack', (message) => acks.push(message));
    const ok = await peer.wait(isResponse(200));
    await peer.wait(isResponse(200), suite.engine.t1 * 10);
    await peer.wait(isResponse(200), suite.engine.t1 * 10);
    const branch = unique('z9hG4bK');
    ack(call, ok, branch);
    await expect.poll(() => acks.length, { timeout: 2_000 }).toBe(1);
    const after = peer.count(isResponse(200));
    ack(call, ok, branch);
    await new Promise((resolve) => setTimeout(resolve, suite.engine.t1 * 12));
    expect(peer.count(isResponse(200))).toBeLessThanOrEqual(after + 1);
    expect(acks).toHaveLength(1);
    expect(acks[0]?.stackDialogId).toBe(dialog.id);
  });

  test('behaviour 15: the ACK names the transaction of the INVITE; its proto is empty', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp('invite'));
    const call = ids();
    peer.request('INVITE', { ...call, body: offerSdp() });
    const invite = await app.wait(brings('INVITE'));
    await app.command(`sip|${invite.fields[8]}|\nSIP/2.0 200 OK\n\n${offerSdp()}`);
    ack(call, await peer.wait(isResponse(200)));
    const { fields } = await app.wait(brings('ACK'));
    expect(fields[4]).toBe('');
    expect(fields.slice(8, 10)).toEqual([invite.fields[8], `${call.callId};from-tag=${call.tag}`]);
  });

  test('behaviour 15: over TCP the 200 is sent once', async () => {
    peer = keep(await openTcpPeer(suite.engine.tcp));
    const { app, invite } = await appWithInvite();
    const call = ids();
    peer.request('INVITE', { ...call, body: offerSdp() });
    const { request, response } = await invite;
    await app.createUAS(request, response, { localSdp: offerSdp(5000) });
    const ok = await peer.wait(isResponse(200));
    await peer.expectNone(isResponse(200), suite.engine.t1 * 10);
    ack(call, ok);
    expect(peer.count(isResponse(200))).toBe(1);
  });

  test('behaviour 16: without an ACK for 64·T1 the peer gets a BYE and the application an unsolicited one', async () => {
    await openPeer();
    const { app, invite } = await appWithInvite();
    const call = ids();
    peer.request('INVITE', { ...call, body: offerSdp() });
    const { request, response } = await invite;
    const dialog = await app.createUAS(request, response, { localSdp: offerSdp(5000) });
    const destroyed = new Promise<string>((resolve) => dialog.on('destroy', (_message, reason) => resolve(reason)));
    const bye = await peer.wait(isRequest('BYE'), suite.engine.t1 * 64 + 3_000);
    expect(bye.header('Reason')).toContain('text="ACK timeout"');
    expect(bye.uri).toBe(`sip:peer@${peer.address}`);
    peer.reply(bye, 200);
    expect(await destroyed).toBe('ACK timeout');
  });

  test('behaviour 17: a final response of 300 and above is retransmitted until its ACK, which is swallowed', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp('invite'));
    const call = { ...ids(), branch: unique('z9hG4bK') };
    peer.request('INVITE', { ...call, body: offerSdp() });
    const invite = await app.wait(brings('INVITE'));
    await app.command(`sip|${invite.fields[8]}|\nSIP/2.0 486 Busy Here\n\n`);
    const busy = await peer.wait(isResponse(486));
    await peer.wait(isResponse(486), suite.engine.t1 * 10);
    ack(call, busy, call.branch);
    await new Promise((resolve) => setTimeout(resolve, suite.engine.t1 * 3));
    const count = peer.count(isResponse(486));
    await new Promise((resolve) => setTimeout(resolve, suite.engine.t1 * 12));
    expect(peer.count(isResponse(486))).toBe(count);
    expect(app.frames.filter(brings('ACK'))).toEqual([]);
  });

  test('behaviour 19: an answer after the final one is refused with the text drachtio-srf expects', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp('invite', 'options'));
    const call = { ...ids(), branch: unique('z9hG4bK') };
    peer.request('INVITE', { ...call, body: offerSdp() });
    const invite = await app.wait(brings('INVITE'));
    await app.command(`sip|${invite.fields[8]}|\nSIP/2.0 486 Busy Here\n\n`);
    ack(call, await peer.wait(isResponse(486)), call.branch);
    const refused = ['NOK', 'Response not sent due to unknown transaction'];
    for (const transaction of [invite.fields[8], 'never-was']) {
      expect(await app.command(`sip|${transaction}|\nSIP/2.0 480 Gone\n\n`)).toEqual(refused);
    }
  });

  test.skipIf(hasRealFaults)(
    'behaviour 19: an application that stays silent: the caller gets a final answer (the real server stays silent, §11)',
    async () => {
      await openPeer();
      keep(await suite.engine.rawApp('invite'));
      const call = { ...ids(), branch: unique('z9hG4bK') };
      peer.request('INVITE', { ...call, body: offerSdp() });
      const final = await peer.wait((message) => message.status >= 300, suite.engine.t1 * 64 * 3);
      expect(final.status).toBe(480);
      ack(call, final, call.branch);
    },
  );
});
