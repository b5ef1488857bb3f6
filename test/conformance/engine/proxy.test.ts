/** Behaviour 45 of drachtio-protocol §12: srf.proxyRequest, and what it reports. */
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../support/engine-suite.ts';
import { isRequest, isResponse, offerSdp, openUdpPeer, type SipPeer, unique } from '../../support/sip-peer.ts';

const suite = useEngine();
const { keep } = suite;

interface ProxyResults {
  readonly connected: boolean;
  readonly finalStatus: number;
  readonly responses: readonly { readonly msgs: readonly { readonly status: number }[] }[];
}

interface Proxying {
  proxyRequest(request: object, targets: string[], options: object): Promise<ProxyResults>;
}

const openPeer = async (): Promise<SipPeer> => keep(await openUdpPeer(suite.engine.udp));

describe('drachtio-srf proxies', () => {
  test('behaviour 45: a call passes through and its later requests follow the route', async () => {
    const [alice, bob] = [await openPeer(), await openPeer()];
    const ids = { callId: unique('call'), tag: unique('ft') };
    const results = { later: undefined as Promise<ProxyResults> | undefined };
    keep(
      await suite.engine.app((srf) =>
        srf.invite((request) => {
          const options = { recordRoute: true, headers: { 'X-P': '1' } };
          results.later = (srf as unknown as Proxying).proxyRequest(request, [`sip:bob@${bob.address}`], options);
        }),
      ),
    );
    const uri = `sip:svc@127.0.0.1:${suite.engine.udp.port}`;
    alice.request('INVITE', { ...ids, uri, body: offerSdp() });
    const onward = await bob.wait(isRequest('INVITE'));
    expect([onward.uri, onward.header('X-P')]).toEqual([`sip:bob@${bob.address}`, '1']);
    bob.reply(onward, 180);
    await alice.wait(isResponse(180));
    bob.reply(onward, 200, { body: offerSdp() });
    const ok = await alice.wait(isResponse(200));
    expect(await results.later).toMatchObject({ connected: true, finalStatus: 200 });
    const inDialog = {
      ...ids,
      to: ok.header('To'),
      uri: `sip:peer@${bob.address}`,
      headers: [`Route: ${ok.header('Record-Route')}`],
    };
    alice.request('ACK', inDialog);
    await bob.wait(isRequest('ACK'));
    alice.request('BYE', { ...inDialog, cseq: 2 });
    bob.reply(await bob.wait(isRequest('BYE')), 200);
    await alice.wait(isResponse(200, 'BYE'));
  });

  test('behaviour 45: it is told of every final answer on the way', async () => {
    const [alice, bob, carol] = [await openPeer(), await openPeer(), await openPeer()];
    const results = { later: undefined as Promise<ProxyResults> | undefined };
    keep(
      await suite.engine.app((srf) =>
        srf.invite((request) => {
          const targets = [`sip:bob@${bob.address}`, `sip:carol@${carol.address}`];
          results.later = (srf as unknown as Proxying).proxyRequest(request, targets, {});
        }),
      ),
    );
    alice.request('INVITE', { body: offerSdp() });
    bob.reply(await bob.wait(isRequest('INVITE')), 480);
    carol.reply(await carol.wait(isRequest('INVITE')), 486);
    await alice.wait((message) => message.status >= 300);
    const { connected, responses } = (await results.later) ?? { connected: true, responses: [] };
    expect(connected).toBe(false);
    expect(responses.flatMap(({ msgs }) => msgs.map(({ status }) => status))).toEqual([480, 486]);
  });
});
