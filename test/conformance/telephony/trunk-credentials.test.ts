/** A1, T9: what we prove ourselves with towards trunks, and who never gets it. The servers are scripted parties. */
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Trunk } from '../../../src/telephony/index.ts';
import { isRequest, openUdpPeer, type PeerMessage, type SipPeer } from '../../support/sip-peer.ts';
import { until } from '../../support/until.ts';
import { trunks as profile } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { type Party, type PartyDialog, rtpSdp } from './support/party.ts';

const hall = useHall();
const OFFER = rtpSdp(41_000);
const ANSWER = rtpSdp(41_100);
const REALM = 'carrier.test';
const ACCOUNT = { username: 'gateway', password: 'of the gateway' };

let evil: SipPeer | undefined;
afterEach(async () => {
  await evil?.close();
  evil = undefined;
});
const openEvil = async (): Promise<SipPeer> => {
  evil = await openUdpPeer(hall.engine.udp, '127.0.0.2');
  return evil;
};

const trunkTo = (server: Party, auth: Trunk['auth'] = ACCOUNT): Trunk => ({
  name: 'carrier',
  addresses: ['192.0.2.1'],
  target: server.peer.address,
  transport: 'udp',
  profile,
  auth,
});
const challenge = (parts: { realm?: string; nonce?: string; algorithm?: string; stale?: boolean } = {}): string =>
  `Digest realm="${parts.realm ?? REALM}", nonce="${parts.nonce ?? 'n1'}", qop="auth"${
    parts.stale === true ? ', stale=true' : ''
  }, algorithm=${parts.algorithm ?? 'MD5'}`;
const proxied = (...parts: readonly Parameters<typeof challenge>[0][]) => ({
  headers: (parts.length === 0 ? [{}] : parts).map((each) => `Proxy-Authenticate: ${challenge(each)}`),
});
const field = (credentials: string, name: string): string =>
  new RegExp(`[ ,]${name}="?([^",]*)`).exec(credentials)?.[1] ?? '';

/** Whether the password stands behind the credentials. */
const isRight = (credentials: string, method: string): boolean => {
  const algorithm = field(credentials, 'algorithm') === 'SHA-256' ? 'sha256' : 'md5';
  const hash = (text: string): string => createHash(algorithm).update(text).digest('hex');
  const of = (name: string): string => field(credentials, name);
  const ha1 = hash(`${ACCOUNT.username}:${of('realm')}:${ACCOUNT.password}`);
  const ha2 = hash(`${method}:${of('uri')}`);
  return of('response') === hash(`${ha1}:${of('nonce')}:${of('nc')}:${of('cnonce')}:auth:${ha2}`);
};
const refusals = (): readonly string[] => hall.exchange.eventsOf('challenge-refused').map(({ why }) => why);
const tagOf = (message: PeerMessage): string => /tag=[^;]+/.exec(message.header('From'))?.[0] ?? '';

/** A call that the server challenges once and takes then. */
async function talkThrough(alice: Party, server: Party) {
  const calling = alice.call('555', OFFER);
  server.peer.reply(await server.nextInvite(), 407, proxied());
  const far = await server.accept(await server.nextInvite(), ANSWER);
  return { near: await calling, far };
}

async function start(auth?: Trunk['auth']): Promise<{ alice: Party; server: Party }> {
  const [alice, server] = [await hall.open('alice'), await hall.open('carrier')];
  await hall.restart({ trunks: [trunkTo(server, auth)] });
  return { alice, server };
}

/** Alice hangs up; who is asked for the BYE challenges it. Gives the BYEs that came. */
async function challengeBye(
  talk: { near: PartyDialog },
  peer: SipPeer,
  headers: { readonly headers: readonly string[] },
): Promise<number> {
  const hanging = talk.near.bye();
  const bye = await peer.wait(isRequest('BYE'));
  peer.reply(bye, 407, headers);
  expect(await hanging).toBe(200);
  await hall.exchange.nextRecord();
  await peer.expectNone(isRequest('BYE'), 200);
  return peer.count(isRequest('BYE'));
}

describe('A1 a challenge of the trunk', () => {
  it('to an INVITE is answered in the same dialog under the next number, with the strongest algorithm', async () => {
    const { alice, server } = await start();
    const calling = alice.call('555', OFFER);
    const first = await server.nextInvite();
    server.peer.reply(first, 407, proxied({ algorithm: 'MD5' }, { algorithm: 'SHA-256' }));
    await server.peer.wait(isRequest('ACK'));
    const second = await server.nextInvite();
    expect([second.header('Call-ID'), tagOf(second)]).toEqual([first.header('Call-ID'), tagOf(first)]);
    expect(Number.parseInt(second.header('CSeq'), 10)).toBe(Number.parseInt(first.header('CSeq'), 10) + 1);
    expect(second.body).toBe(first.body);
    const credentials = second.header('Proxy-Authorization');
    expect(field(credentials, 'algorithm')).toBe('SHA-256');
    expect(field(credentials, 'uri')).toBe(second.uri);
    expect(isRight(credentials, 'INVITE')).toBe(true);
    const far = await server.accept(second, ANSWER);
    const near = await calling;
    const hanging = near.bye();
    const bye = await far.next('BYE');
    server.peer.reply(bye, 401, { headers: [`WWW-Authenticate: ${challenge({ nonce: 'n1' })}`] });
    const again = await far.next('BYE');
    server.peer.reply(again, 200);
    expect(await hanging).toBe(200);
    expect(isRight(again.header('Authorization'), 'BYE')).toBe(true);
    // The nonce is the same, so its count goes on (RFC 7616 §3.4).
    expect(field(again.header('Authorization'), 'nc')).toBe('00000002');
    expect(refusals()).toEqual([]);
    const record = await hall.exchange.nextRecord();
    expect(record.legs).toHaveLength(2);
  });

  it('is answered once more when the nonce was stale, and not a third time', async () => {
    const { alice, server } = await start();
    const calling = alice.invite('555', OFFER);
    server.peer.reply(await server.nextInvite(), 407, proxied());
    server.peer.reply(await server.nextInvite(), 407, proxied({ nonce: 'n2', stale: true }));
    const third = await server.nextInvite();
    expect(field(third.header('Proxy-Authorization'), 'nonce')).toBe('n2');
    server.peer.reply(third, 407, proxied({ nonce: 'n3', stale: true }));
    expect((await calling).response.status).toBe(403);
    expect(refusals()).toEqual(['repeated']);
    expect(server.peer.countNew('INVITE')).toBe(3);
  });

  it('that repeats itself means a wrong password: the call fails and nobody is asked for another', async () => {
    const { alice, server } = await start();
    const calling = alice.invite('555', OFFER);
    server.peer.reply(await server.nextInvite(), 401, { headers: [`WWW-Authenticate: ${challenge()}`] });
    server.peer.reply(await server.nextInvite(), 401, { headers: [`WWW-Authenticate: ${challenge({ nonce: 'n2' })}`] });
    expect((await calling).response.status).toBe(403);
    expect(refusals()).toEqual(['repeated']);
  });

  it('without an account is a refusal like any other', async () => {
    const { alice, server } = await start();
    await hall.restart({ trunks: [{ ...trunkTo(server), auth: undefined }] });
    const calling = alice.invite('555', OFFER);
    server.peer.reply(await server.nextInvite(), 407, proxied());
    expect((await calling).response.status).toBe(403);
    expect(server.peer.countNew('INVITE')).toBe(1);
  });

  it('can be cancelled after it was answered', async () => {
    const { alice, server } = await start();
    const branch = 'z9hG4bK-cancel-after';
    const callId = 'cancel-after';
    const from = '<sip:alice@exchange.test>;tag=ca';
    const calling = alice.invite('555', OFFER, { branch, callId, from });
    server.peer.reply(await server.nextInvite(), 407, proxied());
    const second = await server.nextInvite();
    server.peer.reply(second, 180);
    await hall.exchange.telephony.close();
    const cancel = await server.peer.wait(isRequest('CANCEL'));
    expect(cancel.header('CSeq').split(' ')[0]).toBe(second.header('CSeq').split(' ')[0]);
    server.peer.reply(cancel, 200);
    server.peer.reply(second, 487);
    expect((await calling).response.status).toBeGreaterThanOrEqual(480);
  });
});

describe('T9 a challenge is not answered', () => {
  it('for another realm than the one that is set, though it comes from the trunk', async () => {
    const { alice, server } = await start({ ...ACCOUNT, realm: REALM });
    const calling = alice.invite('555', OFFER);
    server.peer.reply(await server.nextInvite(), 407, proxied({ realm: 'evil.test' }));
    expect((await calling).response.status).toBe(403);
    expect(refusals()).toEqual(['foreign-realm']);
    expect(server.peer.countNew('INVITE')).toBe(1);
  });

  it('for another realm than the one that the trunk took us in first, not after a restart either', async () => {
    const { alice, server } = await start();
    const { store } = hall.exchange;
    const talk = await talkThrough(alice, server);
    const hanging = talk.near.bye();
    await talk.far.awaitBye();
    expect(await hanging).toBe(200);
    await until(async () => (await store.list('trunk-realms/')).length === 1, { within: 2_000, what: 'realm kept' });
    const calling = alice.invite('555', OFFER);
    server.peer.reply(await server.nextInvite(), 407, proxied({ realm: 'evil.test' }));
    expect((await calling).response.status).toBe(403);
    expect(refusals()).toEqual(['foreign-realm']);
  });

  it('to an INVITE when it comes from another address, though for the right realm', async () => {
    const { alice, server } = await start({ ...ACCOUNT, realm: REALM });
    const stranger = await openEvil();
    const calling = alice.invite('555', OFFER);
    const invite = await server.nextInvite();
    stranger.reply(invite, 407, proxied());
    expect((await calling).response.status).toBe(403);
    expect(refusals()).toEqual(['foreign-address']);
    await server.peer.expectNone(isRequest('INVITE'), 200);
  });

  it('to a BYE that a malicious UAS got, for the right realm', async () => {
    const { alice, server } = await start();
    const stranger = await openEvil();
    const calling = alice.call('555', OFFER);
    server.peer.reply(await server.nextInvite(), 407, proxied());
    // Without a route the engine would send where the 200 came from.
    const headers = [`Record-Route: <sip:${stranger.address};lr>`];
    server.peer.reply(await server.nextInvite(), 200, { contact: stranger.contact, headers, body: ANSWER });
    await stranger.wait(isRequest('ACK'));
    expect(await challengeBye({ near: await calling }, stranger, proxied())).toBe(1);
    expect(refusals()).toEqual(['foreign-address']);
    expect(stranger.received.some(({ raw }) => /authorization/i.test(raw))).toBe(false);
  });

  it('to a BYE at the right address, for another realm', async () => {
    const { alice, server } = await start();
    const talk = await talkThrough(alice, server);
    expect(await challengeBye(talk, server.peer, proxied({ realm: 'evil.test' }))).toBe(1);
    expect(refusals()).toEqual(['foreign-realm']);
  });

  it('inside a dialog whose INVITE the trunk took without one', async () => {
    const { alice, server } = await start({ ...ACCOUNT, realm: REALM });
    const calling = alice.call('555', OFFER);
    await server.accept(await server.nextInvite(), ANSWER);
    expect(await challengeBye({ near: await calling }, server.peer, proxied())).toBe(1);
    expect(refusals()).toEqual(['unchallenged-dialog']);
  });
});
