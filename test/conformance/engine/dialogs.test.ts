/** Behaviours 20–23 and 32–34 of drachtio-protocol §12: requests inside dialogs, both ways; and the B2BUA they make possible. */
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../support/engine-suite.ts';
import {
  isRequest,
  isResponse,
  type Match,
  offerSdp,
  openUdpPeer,
  type PeerMessage,
  type SipPeer,
  unique,
} from '../../support/sip-peer.ts';
import { type App, type AppDialog, type AppRequest, brings, realEngine } from '../../support/test-engine.ts';

const suite = useEngine();
const { keep } = suite;
let peer: SipPeer;

const openPeer = async (): Promise<SipPeer> => (peer = keep(await openUdpPeer(suite.engine.udp)));
const pause = async (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const uriOf = (contact: string): string => /<([^>]+)>/.exec(contact)?.[1] ?? '';
const cseqOf = (message: PeerMessage): number => parseInt(message.header('CSeq'), 10);

/** What the calling peer needs to go on in the dialog. */
interface Caller {
  readonly callId: string;
  readonly tag: string;
  readonly to: string;
  readonly uri: string;
}

interface Established {
  readonly app: App;
  readonly dialog: AppDialog;
  readonly caller: Caller;
}

/** The peer calls, the application answers with createUAS. */
async function answered(): Promise<Established> {
  await openPeer();
  let created: (dialog: AppDialog) => void = () => {};
  const dialog = new Promise<AppDialog>((resolve) => {
    created = resolve;
  });
  const app = keep(
    await suite.engine.app((srf) =>
      srf.invite((request, response) => {
        srf.createUAS(request, response, { localSdp: offerSdp(5000) }).then(created, () => {});
      }),
    ),
  );
  const call = { callId: unique('call'), tag: unique('ft') };
  peer.request('INVITE', { ...call, body: offerSdp() });
  const ok = await peer.wait(isResponse(200, 'INVITE'));
  const caller = { ...call, to: ok.header('To'), uri: uriOf(ok.header('Contact')) };
  peer.request('ACK', caller);
  return { app, dialog: await dialog, caller };
}

/** The application calls with createUAC, the peer answers. */
async function called(): Promise<{ app: App; dialog: AppDialog; invite: PeerMessage }> {
  await openPeer();
  const app = keep(await suite.engine.app());
  const call = app.createUAC(`sip:bob@${peer.address}`, { localSdp: offerSdp() });
  const invite = await peer.wait(isRequest('INVITE'));
  peer.reply(invite, 200, { body: offerSdp(7000) });
  const dialog = await call;
  await peer.wait(isRequest('ACK'));
  return { app, dialog, invite };
}

describe('requests of the peer inside a dialog', () => {
  test('behaviour 20: they come with a transaction of their own and the dialog', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp('invite'));
    const call = { callId: unique('call'), tag: unique('ft') };
    peer.request('INVITE', { ...call, body: offerSdp() });
    const invite = await app.wait(brings('INVITE'));
    await app.command(`sip|${invite.fields[8]}|\nSIP/2.0 200 OK\n\n${offerSdp()}`);
    const ok = await peer.wait(isResponse(200));
    const caller = { ...call, to: ok.header('To'), uri: uriOf(ok.header('Contact')) };
    peer.request('ACK', caller);
    let cseq = 1;
    for (const method of ['INFO', 'MESSAGE', 'OPTIONS', 'NOTIFY', 'REFER', 'UPDATE']) {
      peer.request(method, { ...caller, cseq: (cseq += 1) });
      const frame = await app.wait(brings(method));
      expect(frame.fields[9]).toBe(`${call.callId};from-tag=${call.tag}`);
      expect(frame.fields.slice(10)).toEqual(['']);
      expect(frame.fields[8]).not.toBe(invite.fields[8]);
      const echo = await app.command(`sip|${frame.fields[8]}|\nSIP/2.0 200 OK\n\n`);
      expect(echo[8]).toBe(frame.fields[9]);
      await peer.wait(isResponse(200, method));
    }
  });

  test('behaviour 20: drachtio-srf raises them on the dialog', async () => {
    const { dialog, caller } = await answered();
    const seen: string[] = [];
    dialog.on('info', (request, response) => {
      seen.push(`${request.method} ${request.body}`);
      response.send(200, { headers: { 'X-Heard': 'yes' } });
    });
    dialog.on('refer', (_request, response) => response.send(202));
    peer.request('INFO', { ...caller, cseq: 2, body: 'Signal=5', contentType: 'application/dtmf-relay' });
    expect((await peer.wait(isResponse(200, 'INFO'))).header('X-Heard')).toBe('yes');
    peer.request('REFER', { ...caller, cseq: 3, headers: ['Refer-To: <sip:x@y>'] });
    await peer.wait(isResponse(202, 'REFER'));
    expect(seen).toEqual(['INFO Signal=5']);
  });

  test('behaviour 20 and 21: a re-INVITE gets 100 at once, its answer has a Contact, its ACK is delivered', async () => {
    const { dialog, caller } = await answered();
    const isSecond = (cseq: string): boolean => cseq.startsWith('2 ');
    const acks: AppRequest[] = [];
    dialog.on('ack', (message) => acks.push(message));
    dialog.on('modify', (request, response) => {
      setTimeout(() => response.send(200, { body: request.body }), 30);
    });
    peer.request('INVITE', { ...caller, cseq: 2, body: offerSdp(41_000) });
    // The 200 of the first INVITE may have been sent again.
    const answer =
      (status: number): Match =>
      (message) =>
        message.status === status && isSecond(message.header('CSeq'));
    await peer.wait(answer(100));
    const ok = await peer.wait(answer(200));
    expect(ok.header('Contact')).toBe(`<sip:127.0.0.1:${suite.engine.udp.port}>`);
    expect(ok.body).toContain('m=audio 41000');
    expect(ok.header('To')).toBe(caller.to);
    peer.request('ACK', { ...caller, cseq: 2 });
    const delivered = (): number => acks.filter((ack) => isSecond(ack.get('CSeq'))).length;
    await expect.poll(delivered).toBe(1);
    await pause(suite.engine.t1 * 4);
    expect(delivered()).toBe(1);
    expect(dialog.remote.sdp).toContain('m=audio 41000');
  });

  test('behaviour 21: a re-INVITE refused is acknowledged hop by hop and the dialog lives on', async () => {
    const { dialog, caller } = await answered();
    dialog.on('modify', (_request, response) => response.send(488));
    const branch = unique('z9hG4bK');
    peer.request('INVITE', { ...caller, cseq: 2, branch, body: offerSdp(41_000) });
    await peer.wait(isResponse(488));
    peer.request('ACK', { ...caller, cseq: 2, branch });
    peer.request('OPTIONS', { ...caller, cseq: 3 });
    await peer.wait(isResponse(200, 'OPTIONS'));
    expect(dialog.connected).toBe(true);
  });

  test('behaviour 22: BYE is delivered, answered by the application, and the dialog is gone', async () => {
    const { dialog, caller } = await answered();
    const destroyed = new Promise<string>((resolve) => dialog.on('destroy', (_message, reason) => resolve(reason)));
    peer.request('BYE', { ...caller, cseq: 2, headers: ['Reason: Q.850;cause=16'] });
    await peer.wait(isResponse(200, 'BYE'));
    expect(await destroyed).toBe('normal release');
    peer.request('BYE', { ...caller, cseq: 3 });
    await peer.wait(isResponse(481, 'BYE'));
  });

  test('behaviour 22: the echo of the answer to BYE has no dialog; a retransmitted BYE gets the same 200', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp('invite'));
    const call = { callId: unique('call'), tag: unique('ft') };
    peer.request('INVITE', { ...call, body: offerSdp() });
    const invite = await app.wait(brings('INVITE'));
    await app.command(`sip|${invite.fields[8]}|\nSIP/2.0 200 OK\n\n${offerSdp()}`);
    const ok = await peer.wait(isResponse(200));
    const caller = { ...call, to: ok.header('To'), uri: uriOf(ok.header('Contact')) };
    peer.request('ACK', caller);
    const bye = peer.request('BYE', { ...caller, cseq: 2 });
    const delivered = await app.wait(brings('BYE'));
    expect(delivered.fields[9]).toBe(`${call.callId};from-tag=${call.tag}`);
    const echo = await app.command(`sip|${delivered.fields[8]}|\nSIP/2.0 200 OK\n\n`);
    expect(echo.slice(0, 1)).toEqual(['OK']);
    expect(echo.slice(7, 9)).toEqual([delivered.fields[8], '']);
    const first = await peer.wait(isResponse(200, 'BYE'));
    peer.sendRaw(bye);
    expect((await peer.wait(isResponse(200, 'BYE'))).raw).toBe(first.raw);
    expect(app.frames.filter(brings('BYE'))).toHaveLength(1);
  });

  test('behaviour 23: BYE, UPDATE and INVITE in an unknown dialog are answered 481, a stray ACK with nothing', async () => {
    await openPeer();
    keep(await suite.engine.rawApp('invite', 'bye', 'update'));
    const to = '<sip:svc@127.0.0.1>;tag=unknown';
    for (const method of ['BYE', 'UPDATE', 'INVITE']) {
      const branch = unique('z9hG4bK');
      peer.request(method, { to, branch });
      await peer.wait(isResponse(481, method));
    }
    const before = peer.received.length;
    peer.request('ACK', { to });
    await pause(40);
    expect(peer.received.slice(before).filter((message) => message.header('CSeq').endsWith('ACK'))).toEqual([]);
  });
});

describe('requests of the application inside a dialog', () => {
  test('behaviour 32: placeholder becomes the remote target; tags, Call-ID and CSeq are those of the dialog', async () => {
    const { dialog, invite } = await called();
    const asked = dialog.request({
      method: 'INFO',
      headers: { 'Content-Type': 'application/x-test', 'X-Custom': 'v1' },
      body: 'abc',
    });
    const info = await peer.wait(isRequest('INFO'));
    expect(info.uri).toBe(`sip:peer@${peer.address}`);
    expect(info.header('From')).toBe(invite.header('From'));
    expect(info.header('To')).toBe(`${invite.header('To')};tag=peertag`);
    expect(info.header('Call-ID')).toBe(invite.header('Call-ID'));
    expect(cseqOf(info)).toBe(cseqOf(invite) + 1);
    expect([info.header('X-Custom'), info.body]).toEqual(['v1', 'abc']);
    peer.reply(info, 200, { contact: false, headers: ['X-Reply: r'] });
    const response = await asked;
    expect([response.status, response.get('x-reply'), response.stackDialogId]).toEqual([200, 'r', dialog.id]);
  });

  test('behaviour 32: the route set is the Record-Route of the answer, reversed', async () => {
    await openPeer();
    const app = keep(await suite.engine.app());
    const call = app.createUAC('sip:bob@far.example.invalid', { localSdp: offerSdp(), proxy: `sip:${peer.address}` });
    const headers = ['Record-Route: <sip:192.0.2.9;lr>', `Record-Route: <sip:${peer.address};lr>`];
    peer.reply(await peer.wait(isRequest('INVITE')), 200, {
      contact: '<sip:far@192.0.2.1:5060>',
      headers,
      body: offerSdp(),
    });
    const dialog = await call;
    const acked = await peer.wait(isRequest('ACK'));
    const asked = dialog.request({ method: 'INFO' });
    const info = await peer.wait(isRequest('INFO'));
    for (const message of [acked, info]) {
      expect(message.uri).toBe('sip:far@192.0.2.1:5060');
      expect(message.headers('Route').join(', ')).toBe(`<sip:${peer.address};lr>, <sip:192.0.2.9;lr>`);
    }
    peer.reply(info, 200, { contact: false });
    await asked;
  });

  test('behaviour 32: as UAS the route set is the Record-Route in order, and the target the Contact', async () => {
    await openPeer();
    const routes = [`Record-Route: <sip:${peer.address};lr>`, 'Record-Route: <sip:192.0.2.9;lr>'];
    const app = keep(await suite.engine.app());
    const dialog = new Promise<AppDialog>((resolve) => {
      app.invite(
        (request, response) => void app.createUAS(request, response, { localSdp: offerSdp(5000) }).then(resolve),
      );
    });
    await app.settled();
    const call = { callId: unique('call'), tag: unique('ft') };
    peer.request('INVITE', { ...call, body: offerSdp(), contact: '<sip:far@192.0.2.1:5060>', headers: routes });
    const ok = await peer.wait(isResponse(200));
    expect(ok.headers('Record-Route')).toEqual([`<sip:${peer.address};lr>`, '<sip:192.0.2.9;lr>']);
    peer.request('ACK', { ...call, to: ok.header('To') });
    const asked = (await dialog).request({ method: 'INFO' });
    const info = await peer.wait(isRequest('INFO'));
    expect(info.uri).toBe('sip:far@192.0.2.1:5060');
    expect(info.headers('Route').join(', ')).toBe(`<sip:${peer.address};lr>, <sip:192.0.2.9;lr>`);
    peer.reply(info, 200);
    await asked;
  });

  test('behaviour 32: modify sends a re-INVITE, which is acknowledged with its own CSeq', async () => {
    const { dialog, invite } = await called();
    const modified = dialog.modify(offerSdp(42_000));
    const again = await peer.wait(isRequest('INVITE'));
    expect(cseqOf(again)).toBe(cseqOf(invite) + 1);
    expect(again.body).toContain('m=audio 42000');
    expect(again.header('Contact')).toBe(invite.header('Contact'));
    peer.reply(again, 200, { body: offerSdp(7002) });
    expect(await modified).toContain('m=audio 7002');
    const acked = await peer.wait(isRequest('ACK'));
    expect(cseqOf(acked)).toBe(cseqOf(again));
  });

  test.skipIf(realEngine !== undefined)(
    'behaviour 32: a 1xx to an in-dialog request does not lose the final response (it does there, §6.4)',
    async () => {
      const { dialog } = await called();
      const asked = dialog.request({ method: 'INFO' });
      const info = await peer.wait(isRequest('INFO'));
      peer.reply(info, 182, { contact: false });
      await pause(20);
      peer.reply(info, 200, { contact: false });
      expect([182, 200]).toContain((await asked).status);
    },
  );

  test('behaviour 33: an unknown dialog is refused with the text behind ENODIALOG', async () => {
    const { app, dialog } = await called();
    const raw = keep(await suite.engine.rawApp());
    expect(await raw.command('sip||no;from-tag=such\nINFO sip:placeholder SIP/2.0\n\n')).toEqual([
      'NOK',
      'Server error: unable to find dialog for dialog id provided',
    ]);
    const ended = dialog.destroy();
    peer.reply(await peer.wait(isRequest('BYE')), 200);
    await ended;
    await expect(dialog.request({ method: 'INFO' })).rejects.toMatchObject({ code: 'ENODIALOG' });
    expect(app.findDialogById(dialog.id)).toBeUndefined();
  });

  test('behaviour 33: a 200 without Contact leaves no way to send anything', async () => {
    await openPeer();
    const app = keep(await suite.engine.app());
    const call = app.createUAC(`sip:bob@${peer.address}`, { localSdp: offerSdp() });
    peer.reply(await peer.wait(isRequest('INVITE')), 200, { contact: false, body: offerSdp() });
    await expect(call).rejects.toMatchObject({ status: 500 });
  });

  test('behaviour 34: a BYE answered 401 keeps the dialog for the retry with credentials', async () => {
    const { dialog } = await called();
    const ended = dialog.destroy({ auth: { username: 'gw', password: 'secret' } });
    const bye = await peer.wait(isRequest('BYE'));
    peer.reply(bye, 401, { headers: ['WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'] });
    const again = await peer.wait(isRequest('BYE'));
    expect(cseqOf(again)).toBe(cseqOf(bye) + 1);
    expect(again.header('Authorization')).toContain('username="gw"');
    peer.reply(again, 200);
    await ended;
    await expect(dialog.request({ method: 'INFO' })).rejects.toMatchObject({ code: 'ENODIALOG' });
  });

  test('behaviour 34: a BYE that nobody answers ends the dialog with 408', async () => {
    const { dialog } = await called();
    await dialog.destroy();
    await expect(dialog.request({ method: 'INFO' })).rejects.toMatchObject({ code: 'ENODIALOG' });
  });
});

/** When one leg ends, the other is ended. */
async function joinEnds(joined: Promise<{ uas: AppDialog; uac: AppDialog }>): Promise<void> {
  const { uas, uac } = await joined;
  uas.on('destroy', () => void uac.destroy());
  uac.on('destroy', () => void uas.destroy());
}

describe('createB2BUA', () => {
  test('behaviour 15, 20, 27, 32: a call through a B2BUA, from ringing to BYE, with both legs told', async () => {
    await openPeer();
    const callee = keep(await openUdpPeer(suite.engine.udp));
    let joined: Promise<{ uas: AppDialog; uac: AppDialog }> | undefined;
    keep(
      await suite.engine.app((srf) =>
        srf.invite((request, response) => {
          joined = srf.createB2BUA(request, response, `sip:bob@${callee.address}`, {
            localSdpB: request.body,
            proxyRequestHeaders: ['X-Through'],
            proxyResponseHeaders: ['X-Back'],
          });
          void joinEnds(joined);
        }),
      ),
    );
    const call = { callId: unique('call'), tag: unique('ft') };
    peer.request('INVITE', { ...call, body: offerSdp(40_100), headers: ['X-Through: in'] });
    const invite = await callee.wait(isRequest('INVITE'));
    expect(invite.header('Call-ID')).not.toBe(call.callId);
    expect([invite.body, invite.header('X-Through')]).toEqual([offerSdp(40_100), 'in']);
    expect(invite.header('From')).toContain('<sip:alice@127.0.0.1');
    callee.reply(invite, 180);
    await peer.wait(isResponse(180));
    callee.reply(invite, 200, { body: offerSdp(40_200), headers: ['X-Back: out'] });
    const ok = await peer.wait(isResponse(200));
    expect([ok.body, ok.header('X-Back')]).toEqual([offerSdp(40_200), 'out']);
    await callee.wait(isRequest('ACK'));
    const caller = { ...call, to: ok.header('To'), uri: uriOf(ok.header('Contact')) };
    peer.request('ACK', caller);
    await joined;
    callee.request('BYE', {
      callId: invite.header('Call-ID'),
      from: `${invite.header('To')};tag=peertag`,
      to: invite.header('From'),
      uri: uriOf(invite.header('Contact')),
      cseq: 1,
    });
    await callee.wait(isResponse(200, 'BYE'));
    const bye = await peer.wait(isRequest('BYE'));
    expect(bye.header('Call-ID')).toBe(call.callId);
    peer.reply(bye, 200);
  });

  test('behaviour 18 and 30: a caller who gives up cancels the other leg', async () => {
    await openPeer();
    const callee = keep(await openUdpPeer(suite.engine.udp));
    let outcome: Promise<unknown> = Promise.resolve();
    keep(
      await suite.engine.app((srf) =>
        srf.invite((request, response) => {
          outcome = srf.createB2BUA(request, response, `sip:bob@${callee.address}`, { localSdpB: request.body });
          outcome.catch(() => {});
        }),
      ),
    );
    const call = { callId: unique('call'), tag: unique('ft'), branch: unique('z9hG4bK') };
    peer.request('INVITE', { ...call, body: offerSdp() });
    const invite = await callee.wait(isRequest('INVITE'));
    callee.reply(invite, 180);
    await peer.wait(isResponse(180));
    peer.request('CANCEL', call);
    const terminated = await peer.wait(isResponse(487, 'INVITE'));
    peer.request('ACK', { ...call, to: terminated.header('To') });
    const cancel = await callee.wait(isRequest('CANCEL'));
    callee.reply(cancel, 200);
    callee.reply(invite, 487);
    expect((await callee.wait(isRequest('ACK'))).header('Via')).toBe(invite.header('Via'));
    await expect(outcome).rejects.toMatchObject({ status: 487 });
  });
});
