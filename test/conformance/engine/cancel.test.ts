/** Behaviours 18, 30 and 31 of drachtio-protocol §12: CANCEL, both ways. */
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../support/engine-suite.ts';
import { isRequest, isResponse, offerSdp, openUdpPeer, type SipPeer, unique } from '../../support/sip-peer.ts';
import { type AppRequest, type AppText, brings, hasRealFaults } from '../../support/test-engine.ts';

const suite = useEngine();
const { keep } = suite;
let peer: SipPeer;

const openPeer = async (): Promise<SipPeer> => (peer = keep(await openUdpPeer(suite.engine.udp)));
const call = (): { callId: string; tag: string; branch: string } => ({
  callId: unique('call'),
  tag: unique('ft'),
  branch: unique('z9hG4bK'),
});
const pause = async (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('CANCEL from the network', () => {
  test('behaviour 18: 200 and 487 at once, and the application hears cancel', async () => {
    await openPeer();
    const cancelled: AppText[] = [];
    let arrived = 0;
    keep(
      await suite.engine.app((srf) =>
        srf.invite((request, response) => {
          arrived += 1;
          request.on('cancel', (message) => cancelled.push(message));
          response.send(180);
        }),
      ),
    );
    const one = call();
    peer.request('INVITE', { ...one, body: offerSdp() });
    await peer.wait(isResponse(180));
    peer.request('CANCEL', { ...one, headers: ['Reason: SIP;cause=200;text="Call completed elsewhere"'] });
    await peer.wait(isResponse(200, 'CANCEL'));
    const terminated = await peer.wait(isResponse(487, 'INVITE'));
    peer.request('ACK', { ...one, to: terminated.header('To') });
    await expect.poll(() => cancelled.length).toBe(1);
    expect(cancelled[0]?.get('reason')).toContain('elsewhere');
    expect(arrived).toBe(1);
  });

  test('behaviour 18: CANCEL is delivered with the transaction of the INVITE, and the dialog once there is one', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp('invite'));
    for (const ringing of [false, true]) {
      const one = call();
      peer.request('INVITE', { ...one, body: offerSdp() });
      const invite = await app.wait(brings('INVITE'));
      if (ringing) await app.command(`sip|${invite.fields[8]}|\nSIP/2.0 180 Ringing\n\n`);
      peer.request('CANCEL', one);
      const cancel = await app.wait(brings('CANCEL'));
      expect(cancel.fields[8]).toBe(invite.fields[8]);
      expect(cancel.fields[9]).toBe(ringing ? `${one.callId};from-tag=${one.tag}` : '');
      const terminated = await peer.wait(isResponse(487));
      peer.request('ACK', { ...one, to: terminated.header('To') });
      expect(await app.command(`sip|${invite.fields[8]}|\nSIP/2.0 487 Request Terminated\n\n`)).toEqual([
        'NOK',
        'Response not sent due to unknown transaction',
      ]);
    }
  });

  test('behaviour 18: createUAS rejects with 487 when the caller gave up meanwhile', async () => {
    await openPeer();
    let outcome: Promise<unknown> = Promise.resolve();
    const app = keep(
      await suite.engine.app((srf) =>
        srf.invite((request, response) => {
          request.on('cancel', () => {
            outcome = app.createUAS(request, response, { localSdp: offerSdp() });
            outcome.catch(() => {});
          });
        }),
      ),
    );
    const one = call();
    peer.request('INVITE', { ...one, body: offerSdp() });
    await peer.wait(isResponse(100));
    await pause(30);
    peer.request('CANCEL', one);
    const terminated = await peer.wait(isResponse(487));
    peer.request('ACK', { ...one, to: terminated.header('To') });
    await pause(50);
    await expect(outcome).rejects.toBeTruthy();
    await peer.expectNone(isResponse(200, 'INVITE'), 50);
  });

  test('behaviour 18: CANCEL after the 200, or for nothing, is answered 481 and changes nothing', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp('invite'));
    const one = call();
    peer.request('INVITE', { ...one, body: offerSdp() });
    const invite = await app.wait(brings('INVITE'));
    await app.command(`sip|${invite.fields[8]}|\nSIP/2.0 200 OK\n\n${offerSdp()}`);
    const ok = await peer.wait(isResponse(200));
    peer.request('ACK', { ...one, branch: unique('z9hG4bK'), to: ok.header('To') });
    await app.wait(brings('ACK'));
    peer.request('CANCEL', one);
    await peer.wait(isResponse(481, 'CANCEL'));
    peer.request('CANCEL', call());
    await peer.wait(isResponse(481, 'CANCEL'));
    expect(app.frames.filter(brings('CANCEL'))).toEqual([]);
    const bye = await app.command(`sip||${one.callId};from-tag=${one.tag}\nBYE sip:placeholder SIP/2.0\n\n`);
    expect(bye[0]).toBe('OK');
    peer.reply(await peer.wait(isRequest('BYE')), 200);
  });
});

describe('CANCEL by the application', () => {
  /** createUAC in the background: the request once sent, and how it ended. */
  async function dial(): Promise<{ request: AppRequest; outcome: Promise<unknown> }> {
    const app = keep(await suite.engine.app());
    let outcome: Promise<unknown> = Promise.resolve();
    const request = await new Promise<AppRequest>((resolve) => {
      outcome = app.createUAC(
        `sip:bob@${peer.address}`,
        { localSdp: offerSdp() },
        { cbRequest: (_error, sent) => resolve(sent) },
      );
      outcome.catch(() => {});
    });
    return { request, outcome };
  }

  test('behaviour 30: CANCEL goes out after ringing, with the Via and CSeq number of the INVITE and the headers given', async () => {
    await openPeer();
    const { request, outcome } = await dial();
    const invite = await peer.wait(isRequest('INVITE'));
    peer.reply(invite, 180);
    await pause(30);
    request.cancel({ headers: { Reason: 'SIP;cause=200;text="elsewhere"', 'X-R': 'y' } });
    const cancel = await peer.wait(isRequest('CANCEL'));
    expect(cancel.uri).toBe(invite.uri);
    expect(cancel.headers('Via')).toEqual([invite.header('Via')]);
    expect(cancel.header('CSeq')).toBe(`${parseInt(invite.header('CSeq'), 10)} CANCEL`);
    expect([cancel.header('From'), cancel.header('To'), cancel.header('Call-ID')]).toEqual([
      invite.header('From'),
      invite.header('To'),
      invite.header('Call-ID'),
    ]);
    expect([cancel.header('Reason'), cancel.header('X-R')]).toEqual(['SIP;cause=200;text="elsewhere"', 'y']);
    peer.reply(cancel, 200);
    peer.reply(invite, 487);
    const acked = await peer.wait(isRequest('ACK'));
    expect(acked.header('Via')).toBe(invite.header('Via'));
    await expect(outcome).rejects.toMatchObject({ status: 487 });
  });

  test('behaviour 30: without any provisional the CANCEL is held until the first', async () => {
    await openPeer();
    const { request, outcome } = await dial();
    const invite = await peer.wait(isRequest('INVITE'));
    const echoed = new Promise<Error | null>((resolve) => request.cancel({ headers: {} }, (error) => resolve(error)));
    expect(await echoed).toBeNull();
    await peer.expectNone(isRequest('CANCEL'), 60);
    peer.reply(invite, 100);
    const cancel = await peer.wait(isRequest('CANCEL'));
    peer.reply(cancel, 200);
    peer.reply(invite, 487);
    await expect(outcome).rejects.toMatchObject({ status: 487 });
  });

  test('behaviour 30: the echo has a transaction of its own, and the 200 to CANCEL is not passed up', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp());
    const invite = await app.command(`sip||\nINVITE sip:bob@${peer.address} SIP/2.0\n\n${offerSdp()}`);
    const request = await peer.wait(isRequest('INVITE'));
    peer.reply(request, 180);
    await app.wait(brings('SIP/2.0 180'));
    const cancel = await app.command(
      `sip|${invite[7]}|\nCANCEL sip:bob@${peer.address} SIP/2.0\nReason: SIP;cause=200\nContent-Length: 0\n\n`,
    );
    expect(cancel[0]).toBe('OK');
    expect(cancel[7]).not.toBe(invite[7]);
    peer.reply(await peer.wait(isRequest('CANCEL')), 200);
    peer.reply(request, 487);
    const final = await app.wait(brings('SIP/2.0 487'));
    expect(final.fields[8]).toBe(invite[7]);
    expect(app.frames.filter(brings('SIP/2.0 200'))).toEqual([]);
  });

  test('behaviour 30: CANCEL of an unknown transaction is refused', async () => {
    const app = keep(await suite.engine.rawApp());
    expect(await app.command('sip|no-such|\nCANCEL sip:bob@127.0.0.1:9 SIP/2.0\n\n')).toEqual([
      'NOK',
      'unable to cancel unknown transaction id: no-such',
    ]);
  });

  test('behaviour 31: when the 200 wins the race the call is ended by BYE, and the application told', async () => {
    await openPeer();
    const app = keep(await suite.engine.app());
    let sentRequest: AppRequest | undefined;
    const dialog = app.createUAC(
      `sip:bob@${peer.address}`,
      { localSdp: offerSdp() },
      { cbRequest: (_error, sent) => (sentRequest = sent) },
    );
    const invite = await peer.wait(isRequest('INVITE'));
    peer.reply(invite, 180);
    await pause(30);
    sentRequest?.cancel();
    await peer.wait(isRequest('CANCEL'));
    peer.reply(invite, 200, { body: offerSdp() });
    const uac = await dialog;
    const destroyed = new Promise<string>((resolve) => uac.on('destroy', (_message, reason) => resolve(reason)));
    await peer.wait(isRequest('ACK'));
    const bye = await peer.wait(isRequest('BYE'));
    expect(bye.header('Reason')).toContain('ACK-BYE due to cancel race condition');
    peer.reply(bye, 200);
    expect(await destroyed).toBe('ACK-BYE due to cancel race condition');
  });

  test.skipIf(hasRealFaults)(
    'behaviour 30: a peer that never sends its 487 cannot hang the call (the real server never tells, §11)',
    async () => {
      await openPeer();
      const { request, outcome } = await dial();
      const invite = await peer.wait(isRequest('INVITE'));
      peer.reply(invite, 180);
      await pause(30);
      request.cancel();
      peer.reply(await peer.wait(isRequest('CANCEL')), 200);
      await expect(outcome).rejects.toMatchObject({ status: 487 });
    },
  );
});
