/** Behaviour 47 of drachtio-protocol §12: several applications. */
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../support/engine-suite.ts';
import { isResponse, offerSdp, openUdpPeer, type SipPeer, unique } from '../../support/sip-peer.ts';
import { brings, realEngine } from '../../support/test-engine.ts';

const suite = useEngine();
const { keep } = suite;
let peer: SipPeer;

describe('several applications', () => {
  test('behaviour 47: requests of one method go round robin over those that route it', async () => {
    peer = keep(await openUdpPeer(suite.engine.udp));
    const counts = [0, 0, 0];
    for (const index of counts.keys()) {
      keep(
        await suite.engine.app((srf) =>
          srf.use(index === 2 ? 'message' : 'options', (_request, response) => {
            counts[index] = (counts[index] ?? 0) + 1;
            response.send(200);
          }),
        ),
      );
    }
    for (let turn = 0; turn < 6; turn += 1) {
      peer.request('OPTIONS');
      await peer.wait(isResponse(200));
    }
    peer.request('MESSAGE', { body: 'x', contentType: 'text/plain' });
    await peer.wait(isResponse(200, 'MESSAGE'));
    expect(counts).toEqual([3, 3, 1]);
  });

  test('behaviour 47: requests inside a dialog go to the application that has it', async () => {
    peer = keep(await openUdpPeer(suite.engine.udp));
    const apps = [keep(await suite.engine.rawApp('invite', 'info')), keep(await suite.engine.rawApp('invite', 'info'))];
    const call = { callId: unique('call'), tag: unique('ft') };
    peer.request('INVITE', { ...call, body: offerSdp() });
    const owner = await Promise.any(
      apps.map(async (app) => {
        const { fields } = await app.wait(brings('INVITE'), 500);
        await app.command(`sip|${fields[8]}|\nSIP/2.0 200 OK\n\n${offerSdp()}`);
        return app;
      }),
    );
    const ok = await peer.wait(isResponse(200));
    const caller = { ...call, to: ok.header('To') };
    peer.request('ACK', caller);
    await owner.wait(brings('ACK'));
    for (let cseq = 2; cseq < 6; cseq += 1) {
      peer.request('INFO', { ...caller, cseq });
      const { fields } = await owner.wait(brings('INFO'));
      await owner.command(`sip|${fields[8]}|\nSIP/2.0 200 OK\n\n`);
      await peer.wait(isResponse(200, 'INFO'));
    }
    const other = apps.find((app) => app !== owner);
    expect(other?.frames.filter((frame) => frame.fields[1] === 'sip')).toEqual([]);
  });

  test('behaviour 47: dialogs of an application that is gone are answered 481, its routes are forgotten, others go on', async () => {
    peer = keep(await openUdpPeer(suite.engine.udp));
    const gone = await suite.engine.rawApp('invite');
    const call = { callId: unique('call'), tag: unique('ft') };
    peer.request('INVITE', { ...call, body: offerSdp() });
    const invite = await gone.wait(brings('INVITE'));
    await gone.command(`sip|${invite.fields[8]}|\nSIP/2.0 200 OK\n\n${offerSdp()}`);
    const ok = await peer.wait(isResponse(200));
    const caller = { ...call, to: ok.header('To') };
    peer.request('ACK', caller);
    await gone.wait(brings('ACK'));
    const stays = keep(await suite.engine.rawApp('options', 'info'));
    await gone.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    peer.request('INFO', { ...caller, cseq: 2 });
    await peer.wait(isResponse(481, 'INFO'));
    peer.request('BYE', { ...caller, cseq: 3 });
    await peer.wait(isResponse(481, 'BYE'));
    peer.request('INVITE', { body: offerSdp() });
    await peer.wait(isResponse(503, 'INVITE'));
    peer.request('OPTIONS');
    const { fields } = await stays.wait(brings('OPTIONS'));
    await stays.command(`sip|${fields[8]}|\nSIP/2.0 200 OK\n\n`);
    expect((await peer.wait(isResponse(200, 'OPTIONS'))).header('CSeq')).toBe('1 OPTIONS');
  });

  test('behaviour 47: an application that comes back does not get the old dialogs', async () => {
    peer = keep(await openUdpPeer(suite.engine.udp));
    const first = await suite.engine.rawApp('invite');
    const call = { callId: unique('call'), tag: unique('ft') };
    peer.request('INVITE', { ...call, body: offerSdp() });
    const invite = await first.wait(brings('INVITE'));
    await first.command(`sip|${invite.fields[8]}|\nSIP/2.0 200 OK\n\n${offerSdp()}`);
    const ok = await peer.wait(isResponse(200));
    peer.request('ACK', { ...call, to: ok.header('To') });
    await first.wait(brings('ACK'));
    await first.close();
    const second = keep(await suite.engine.rawApp('invite'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    peer.request('BYE', { ...call, to: ok.header('To'), cseq: 2 });
    await peer.wait(isResponse(481));
    expect(await second.command(`sip||${call.callId};from-tag=${call.tag}\nBYE sip:placeholder SIP/2.0\n\n`)).toEqual([
      'NOK',
      'Server error: unable to find dialog for dialog id provided',
    ]);
  });

  test.skipIf(realEngine !== undefined)(
    'behaviour 47: an application that goes while its caller rings: the caller gets a final answer',
    async () => {
      peer = keep(await openUdpPeer(suite.engine.udp));
      const app = await suite.engine.rawApp('invite');
      peer.request('INVITE', { body: offerSdp() });
      await app.wait(brings('INVITE'));
      await app.close();
      const final = await peer.wait((message) => message.status >= 400);
      expect([480, 500, 503]).toContain(final.status);
    },
  );
});
