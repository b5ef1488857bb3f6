/** TLS from end to end: trunks known by their certificate, sips URIs, calls out by TLS. RFC 3261 §26, RFC 5630, RFC 5922. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { RunningMediaPlane } from '../../../src/media/index.ts';
import { type Authority, createAuthority, type Pair } from '../../support/certificates.ts';
import { openTcpListenerPeer, openTlsPeer, openUdpPeer, type SipPeer } from '../../support/sip-peer.ts';
import { realEngine, startTestEngine, type TestEngine, testOptions } from '../../support/test-engine.ts';
import { DOMAIN, type Exchange, startExchange, startRealPlane, trunks } from './support/exchange.ts';
import { Party, rtpSdp } from './support/party.ts';

const CARRIER = 'sip.carrier.example';
let authority: Authority;
let carrierPair: Pair;
let plane: RunningMediaPlane;
let engine: TestEngine;
let exchange: Exchange;
let carrier: SipPeer;
const peers: SipPeer[] = [];

beforeAll(async () => {
  authority = await createAuthority();
  carrierPair = await authority.issue({ dns: [CARRIER], ip: ['127.0.0.1'] });
  const own = await authority.issue({ dns: ['gw.example'], ip: ['127.0.0.1'] });
  carrier = await openTcpListenerPeer({
    cert: carrierPair.certificate,
    key: carrierPair.key,
    ca: authority.ca,
    requestCert: true,
  });
  [plane, engine] = await Promise.all([
    startRealPlane(),
    startTestEngine({
      listeners: [
        ...testOptions.listeners,
        { transport: 'tls', address: '127.0.0.1', port: 0, tls: { ...own, clientCa: authority.ca } },
      ],
      tlsPeers: [{ hosts: ['127.0.0.1'], verify: true, ca: authority.ca, serverName: CARRIER }],
    }),
  ]);
  exchange = await startExchange(engine, plane, {
    isEngineOurs: true,
    trunks: [
      {
        name: 'carrier',
        addresses: [],
        certificateNames: [CARRIER],
        target: carrier.address,
        transport: 'tls',
        profile: trunks,
      },
    ],
  });
});
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.close();
});
afterAll(async () => {
  await exchange.close();
  await engine.close();
  await plane.stop();
  await carrier.close();
});

const port = (): number => engine.server?.listeners.find(({ transport }) => transport === 'tls')?.port ?? 0;

async function overTls(user: string, pair?: Pair): Promise<Party> {
  const shown = pair === undefined ? {} : { cert: pair.certificate, key: pair.key };
  const peer = await openTlsPeer({ port: port() }, { ca: authority.ca, ...shown });
  peers.push(peer);
  return new Party(peer, user);
}

async function overUdp(user: string): Promise<Party> {
  const peer = await openUdpPeer(engine.udp);
  peers.push(peer);
  return new Party(peer, user);
}

it.skipIf(realEngine !== undefined)('a trunk is known by its certificate, and by no header that says so', async () => {
  const known = await overTls('+4930123', carrierPair);
  await (await known.call('echo', rtpSdp(41_000))).bye();
  expect(await exchange.nextRecord()).toMatchObject({ trunk: 'carrier' });
  const claims = { headers: [`X-Viaduct-Peer-Names: ${CARRIER}`] };
  const liar = await overUdp('+4930123');
  expect((await liar.invite('echo', rtpSdp(41_000), claims)).response.status).not.toBe(200);
  const foreign = await overTls('+4930123', await (await createAuthority('Other')).issue({ dns: [CARRIER] }));
  expect((await foreign.invite('echo', rtpSdp(41_000))).response.status).not.toBe(200);
});

it.skipIf(realEngine !== undefined)('calls to the trunk go by TLS to the one its certificate names', async () => {
  const alice = await overTls('alice');
  expect((await alice.register()).status).toBe(200);
  const calling = alice.invite('4930555', rtpSdp(41_000));
  const invite = await carrier.wait((message) => message.method === 'INVITE');
  expect(invite.header('Via')).toMatch(/^SIP\/2\.0\/TLS /);
  carrier.reply(invite, 486);
  expect((await calling).response.status).toBe(486);
});

it.skipIf(realEngine !== undefined)(
  'a sips URI is served over TLS alone, and rings only who is reached by TLS',
  async () => {
    const [alice, plain, bob] = [await overTls('alice'), await overUdp('carol'), await overTls('bob')];
    const sips = (user: string): { uri: string } => ({ uri: `sips:${user}@${DOMAIN}` });
    for (const party of [alice, plain, bob]) expect((await party.register()).status).toBe(200);
    expect((await plain.invite('echo', rtpSdp(41_000), sips('echo'))).response.status).toBe(416);
    const answered = await alice.invite('echo', rtpSdp(41_000), sips('echo'));
    expect(answered.response.header('Contact')).toMatch(/^<sips:/);
    answered.dialog?.ack();
    expect(await answered.dialog?.bye()).toBe(200);
    expect((await alice.invite('carol', rtpSdp(41_000), sips('carol'))).response.status).toBe(480);
    const calling = alice.invite('bob', rtpSdp(41_000), sips('bob'));
    bob.peer.reply(await bob.nextInvite(), 486);
    expect((await calling).response.status).toBe(486);
  },
);
