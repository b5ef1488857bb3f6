/** Behaviour 41 of drachtio-protocol §12 with drachtio-srf: it sees nothing of our refreshes, and learns of an expiry. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isRequest, isResponse, offerSdp, openUdpPeer, type SipPeer, unique } from '../../support/sip-peer.ts';
import {
  type App,
  type AppDialog,
  type AppRequest,
  type AppResponse,
  realEngine,
  startTestEngine,
  type TestEngine,
  testOptions,
} from '../../support/test-engine.ts';

let engine: TestEngine;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  engine = await startTestEngine({ engine: { ...testOptions.engine, minSessionSec: 1 } });
});
afterEach(async () => {
  for (const thing of opened.splice(0).toReversed()) await thing.close();
});
afterAll(async () => engine.close());

const createUas = async (srf: App, request: AppRequest, response: AppResponse): Promise<AppDialog> =>
  srf.createUAS(request, response, { localSdp: offerSdp(41_000) });

/** An answered call with these lines in its INVITE; `seen` collects what the application's dialog is told. */
async function call(headers: string[]): Promise<{ peer: SipPeer; seen: string[]; dialog: AppDialog }> {
  const peer = await openUdpPeer(engine.udp);
  opened.push(peer);
  const seen: string[] = [];
  let made: (dialog: AppDialog) => void = () => {};
  const dialog = new Promise<AppDialog>((resolve) => {
    made = resolve;
  });
  const answer = async (...[srf, request, response]: Parameters<typeof createUas>): Promise<void> => {
    const uas = await createUas(srf, request, response);
    uas.on('destroy', (_bye, reason) => seen.push(`destroy ${reason}`));
    uas.on('refresh', () => seen.push('refresh'));
    uas.on('modify', (_request, modified) => {
      seen.push('modify');
      modified.send(200, { body: offerSdp(41_000) });
    });
    made(uas);
  };
  opened.push(
    await engine.app((srf) =>
      srf.invite((request, response) => {
        void answer(srf, request, response);
      }),
    ),
  );
  const ids = { callId: unique('call'), tag: unique('ft') };
  peer.request('INVITE', { ...ids, headers, body: offerSdp() });
  const ok = await peer.wait(isResponse(200));
  peer.request('ACK', { ...ids, to: ok.header('To') });
  return { peer, seen, dialog: await dialog };
}

// A real drachtio-server takes no interval below 90 s.
describe.skipIf(realEngine !== undefined)('session timers', () => {
  test('behaviour 41: our refreshes pass the application by', async () => {
    const { peer, seen, dialog } = await call(['Session-Expires: 1;refresher=uas', 'Supported: timer']);
    for (let turn = 0; turn < 2; turn++) {
      const refresh = await peer.wait(isRequest('INVITE'));
      expect(refresh.body).toContain('41000');
      peer.reply(refresh, 200, { body: offerSdp(), headers: ['Session-Expires: 1;refresher=uac'] });
      await peer.wait(isRequest('ACK'));
    }
    expect(seen).toEqual([]);
    expect(dialog.connected).toBe(true);
  });

  test('behaviour 41: when the peer does not refresh, the call ends on both sides', async () => {
    const { peer, seen } = await call(['Session-Expires: 1;refresher=uac', 'Supported: timer']);
    const bye = await peer.wait(isRequest('BYE'));
    expect(bye.header('Reason')).toContain('Session timer expired');
    peer.reply(bye, 200);
    await expect.poll(() => seen).toEqual(['destroy Session timer expired']);
  });
});
