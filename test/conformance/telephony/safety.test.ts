/** Toll fraud, guessed passwords and enumeration against the whole exchange: T12, T14, B14. */
import { describe, expect, it } from 'vitest';
import { isRequest, isResponse, type PeerMessage, unique } from '../../support/sip-peer.ts';
import { until } from '../../support/until.ts';
import { DOMAIN, trunks } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { credentialsFor, type Party, rtpSdp } from './support/party.ts';

const hall = useHall();
const uri = `sip:${DOMAIN}`;
const OFFER = rtpSdp(41_000);

const policy = {
  rules: [{ prefix: '+882', deny: true, unitsPerMinute: 1 }],
  exitCodes: ['00'],
  unitsPerMinute: 1,
  userCallsPerMinute: 100,
  userConcurrentCalls: 10,
  budget: {},
  budgets: {},
};

/** The exchange with a carrier, under that policy. */
async function underPolicy(change: Partial<typeof policy> & { tenants?: Record<string, string> } = {}): Promise<void> {
  const { tenants = {}, ...rest } = change;
  const { address } = hall.carrier.peer;
  const carrier = {
    name: 'carrier',
    addresses: [address],
    target: address,
    transport: 'udp',
    profile: trunks,
  } as const;
  await hall.restart({ trunks: [{ ...carrier, tenant: '*' }], tenants, tollFraud: { ...policy, ...rest } });
}

describe('T14 toll fraud', () => {
  it('a denied number is refused to whoever dials it, and the carrier hears nothing', async () => {
    await underPolicy();
    const alice = await hall.join('alice');
    expect((await alice.invite('008821234', OFFER)).response.status).toBe(403);
    expect(hall.exchange.eventsOf('toll-refused')).toMatchObject([{ why: 'prefix', tenant: 'default' }]);
    await hall.carrier.peer.expectNone(isRequest('INVITE'), 200);
    const calling = alice.call('0301234', OFFER);
    const a = await hall.carrier.accept(await hall.carrier.nextInvite(), rtpSdp(42_000));
    await (await calling).bye();
    await a.awaitBye();
  });

  it('nor is it reached by a transfer, nor by the carrier’s redirection', async () => {
    await underPolicy();
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const calling = alice.call('bob', OFFER);
    const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000));
    const a = await calling;
    expect((await a.request('REFER', { headers: [`Refer-To: <sip:008829999@${DOMAIN}>`] })).status).toBe(202);
    const told = async (): Promise<PeerMessage> => a.take('NOTIFY');
    let last = await told();
    while (!last.header('Subscription-State').startsWith('terminated')) last = await told();
    expect(last.body).toContain('SIP/2.0 403');
    await a.bye();
    await b.awaitBye();

    const dialing = alice.invite('0301234', OFFER);
    const invite = await hall.carrier.nextInvite();
    hall.carrier.peer.reply(invite, 302, { headers: [`Contact: <sip:+88212345@${hall.carrier.peer.address}>`] });
    expect((await dialing).response.status).toBeGreaterThanOrEqual(400);
    await hall.carrier.peer.expectNone((message) => isRequest('INVITE')(message) && message.uri.includes('882'), 200);
  });

  it('B14 a budget that runs out ends the live calls of its tenant, says why, and leaves others alone', async () => {
    // 600 units a minute are ten a second.
    await underPolicy({
      unitsPerMinute: 600,
      budget: {},
      budgets: { poor: { unitsPerHour: 8 } },
      tenants: { alice: 'poor' },
    });
    const [alice, carol] = [await hall.join('alice'), await hall.join('carol')];
    const talk = async (user: Party, port: number) => {
      const calling = user.call('0301234', OFFER);
      const far = await hall.carrier.accept(await hall.carrier.nextInvite(), rtpSdp(port));
      return { near: await calling, far };
    };
    const hers = await talk(alice, 42_000);
    const other = await talk(carol, 42_010);
    const [bye] = await Promise.all([hers.near.awaitBye(5_000), hers.far.awaitBye(5_000)]);
    expect(bye.header('Reason')).toMatch(/Q\.850;cause=21/);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'fraud', q850: 21 });
    expect(hall.exchange.eventsOf('toll-tripped')).toMatchObject([{ tenant: 'poor', calls: 1 }]);
    expect((await alice.invite('0301234', OFFER)).response.status).toBe(403);
    hall.exchange.telephony.resetToll('poor');
    expect(hall.exchange.telephony.tolls().map(({ tenant }) => tenant)).not.toContain('poor');
    await other.near.bye();
    await other.far.awaitBye();
    await until(() => hall.exchange.telephony.tolls().some(({ tenant }) => tenant === 'default'), {
      within: 1_000,
      what: "the other tenant's minutes to be counted",
    });
  });
});

describe('T12 who guesses', () => {
  const bans = { failures: 3, accounts: 3, windowMs: 60_000, banMs: 60_000 };

  async function guess(party: Party, user: string): Promise<number> {
    const parts = { uri, to: `<sip:${user}@${DOMAIN}>`, from: `<sip:${user}@${DOMAIN}>;tag=g`, contact: party.contact };
    const callId = unique('guess');
    party.peer.request('REGISTER', { ...parts, callId, cseq: 1 });
    const isAnswer = (message: PeerMessage): boolean => message.status >= 200 && message.header('Call-ID') === callId;
    const first = await party.peer.wait(isAnswer);
    if (first.status !== 401) return first.status;
    const challenge = first.headers('WWW-Authenticate').at(-1) ?? '';
    const wrong = credentialsFor(challenge, { user, method: 'REGISTER', uri, password: 'guess' });
    party.peer.request('REGISTER', { ...parts, callId, cseq: 2, headers: [`Authorization: ${wrong}`] });
    return (await party.peer.wait((message) => isAnswer(message) && message.header('CSeq').startsWith('2'))).status;
  }

  it('one account’s password is not heard any more, the others at that address are', async () => {
    await hall.restart({ bans });
    const alice = await hall.open('alice');
    for (let i = 0; i < 3; i++) expect(await guess(alice, 'alice')).toBe(401);
    expect((await alice.register()).status).toBe(403);
    expect((await (await hall.open('bob')).register()).status).toBe(200);
    expect(hall.exchange.telephony.bans()).toMatchObject([{ user: 'alice', address: '127.0.0.1' }]);
    expect(hall.exchange.telephony.liftBan('127.0.0.1')).toBe(true);
    expect((await alice.register()).status).toBe(200);
  });

  it('an address that tries one account after another is not heard at all', async () => {
    await hall.restart({ bans });
    const mallory = await hall.open('mallory');
    for (const user of ['100', '101', '102']) expect(await guess(mallory, user)).toBe(401);
    expect(await guess(mallory, 'bob')).toBe(403);
    hall.exchange.telephony.liftBan('127.0.0.1');
  });

  it.each(['REGISTER', 'INVITE', 'OPTIONS', 'MESSAGE', 'SUBSCRIBE'])(
    '%s to an account that exists and to one that does not is answered alike',
    async (method) => {
      await hall.restart({});
      const stranger = await hall.open('stranger');
      const answerFor = async (user: string): Promise<string> => {
        const callId = unique('probe');
        stranger.peer.request(method, {
          uri: method === 'REGISTER' ? uri : `sip:${user}@${DOMAIN}`,
          to: `<sip:${user}@${DOMAIN}>`,
          from: `<sip:${method === 'REGISTER' ? user : 'stranger'}@${DOMAIN}>;tag=p`,
          contact: stranger.contact,
          callId,
          ...(method === 'INVITE' ? { body: OFFER } : {}),
        });
        const answer = await stranger.peer.wait(
          (message) =>
            isResponse(message.status)(message) && message.status >= 200 && message.header('Call-ID') === callId,
        );
        return [answer.startLine, ...answer.headers('WWW-Authenticate'), ...answer.headers('Proxy-Authenticate')]
          .join('\n')
          .replaceAll(/nonce="[^"]*"/g, 'nonce');
      };
      expect(await answerFor('alice')).toBe(await answerFor('nobody'));
    },
  );
});
