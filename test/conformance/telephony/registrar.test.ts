import { describe, expect, it } from 'vitest';
import { silentLogger, systemClock } from '../../../src/kernel/index.ts';
import { openEmbeddedStore } from '../../../src/store/index.ts';
import { recoverCallRecords } from '../../../src/telephony/index.ts';
import { isRequest, isResponse } from '../../support/sip-peer.ts';
import { until } from '../../support/until.ts';
import { browsers, DOMAIN, phones } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { credentialsFor, rtpSdp, webSdp } from './support/party.ts';

const hall = useHall();
const uri = `sip:${DOMAIN}`;

describe('registrations', () => {
  it('are challenged, kept, listed, refreshed and removed', async () => {
    const alice = await hall.open('alice');
    const response = await alice.register();
    expect(response.header('Contact')).toMatch(/;expires=300$/);
    expect(await hall.exchange.telephony.registrations()).toMatchObject([
      { aor: `sip:alice@${DOMAIN}`, transport: 'udp', isFlowLost: false },
    ]);
    await alice.register();
    expect(hall.exchange.telephony.bindingCount).toBe(1);
    expect((await alice.register({ expires: 5 })).status).toBe(423);
    expect((await alice.register({ contact: '*', expires: 0 })).status).toBe(200);
    expect(hall.exchange.telephony.bindingCount).toBe(0);
    await until(() => hall.exchange.eventsOf('unregistered').length === 1, { within: 1_000, what: 'unregistered' });
    expect(hall.exchange.eventsOf('registered').map(({ isNew }) => isNew)).toEqual([true, false]);
  });

  it('with Path lead calls over it', async () => {
    const [alice, bob, edge] = [await hall.join('alice'), await hall.open('bob'), await hall.open('edge')];
    const registered = await bob.register({
      contact: '<sip:bob@192.0.2.7:5060>',
      headers: [`Path: <sip:${edge.peer.address};lr>`, 'Supported: path'],
    });
    expect(registered.header('Path')).toBe(`<sip:${edge.peer.address};lr>`);
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const invite = await edge.nextInvite();
    expect(invite.uri).toBe('sip:bob@192.0.2.7:5060');
    edge.peer.reply(invite, 486);
    expect((await inviting).response.status).toBe(486);
  });

  it('from behind NAT are called at the source address', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.open('bob')];
    await bob.register({ contact: '<sip:bob@192.0.2.9:5060>' });
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    expect(invite.uri).toBe('sip:bob@192.0.2.9:5060');
    bob.peer.reply(invite, 486);
    expect((await inviting).response.status).toBe(486);
  });

  it('survive a restart: UDP is called at once, WS waits for its client to come back', async () => {
    const store = await openEmbeddedStore(':memory:', { clock: systemClock, logger: silentLogger });
    await hall.restart({ store });
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob', 'ws'), await hall.join('carol')];
    await hall.restart({ store });
    const lost = (await hall.exchange.telephony.registrations()).filter(({ isFlowLost }) => isFlowLost);
    expect(lost).toMatchObject([{ aor: `sip:bob@${DOMAIN}`, transport: 'ws' }]);
    const atOnce = alice.invite('carol', rtpSdp(41_000));
    carol.peer.reply(await carol.nextInvite(300), 486);
    expect((await atOnce).response.status).toBe(486);
    const calling = alice.call('bob', rtpSdp(41_000));
    await bob.peer.expectNone(isRequest('INVITE'), 150);
    await bob.register();
    const b = await bob.accept(await bob.nextInvite(), webSdp({ setup: 'active', formats: ['0 PCMU/8000'] }));
    const a = await calling;
    await a.bye();
    await b.awaitBye();
    await hall.restart({});
    await store.close();
  });

  it('whose connection is gone are waited for, then 480', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob', 'ws')];
    await bob.peer.close();
    const started = performance.now();
    expect((await alice.invite('bob', rtpSdp(41_000))).response.status).toBe(480);
    expect(performance.now() - started).toBeGreaterThan(450);
  });

  /** Alice calls bob while he comes back under a new Contact: he is called there. */
  async function callWhileComingBack(): Promise<void> {
    const calling = (await hall.join('alice')).call('bob', rtpSdp(41_000));
    const back = await hall.join('bob', 'ws');
    const b = await back.accept(await back.nextInvite(), webSdp({ setup: 'active', formats: ['0 PCMU/8000'] }));
    const a = await calling;
    await a.bye();
    await b.awaitBye();
  }
  // Time enough to come back even on a busy machine.
  const patient = { timers: { reregisterWaitMs: 10_000 } };

  it('whose connection is known to be gone are called where they come back', async () => {
    const store = await openEmbeddedStore(':memory:', { clock: systemClock, logger: silentLogger });
    await hall.restart({ store });
    await hall.join('bob', 'ws');
    await hall.restart({ store, ...patient });
    await callWhileComingBack();
    await hall.restart({});
    await store.close();
  });

  it('whose connection a call finds gone are called where they come back, be it in that moment', async () => {
    await hall.restart(patient);
    await (await hall.join('bob', 'ws')).peer.close();
    await callWhileComingBack();
  });

  it('call records of a run that was cut off end as gateway-restart', async () => {
    const store = await openEmbeddedStore(':memory:', { clock: systemClock, logger: silentLogger });
    await hall.restart({ store });
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const calling = alice.call('bob', rtpSdp(41_000));
    const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000));
    const a = await calling;
    // Records are written in portions, a few milliseconds later.
    const kept = async (): Promise<string> => JSON.stringify(await store.list('record/'));
    await expect.poll(kept, { timeout: 1_000 }).toContain('"answeredAt":1');
    // What the store has now is what a killed process would leave.
    expect(await recoverCallRecords(store, systemClock, 60_000)).toBe(1);
    const [record] = await store.list('record/');
    expect(record?.value).toMatchObject({ endReason: 'gateway-restart', answeredAt: expect.any(Number) });
    expect(await recoverCallRecords(store, systemClock, 60_000)).toBe(0);
    await a.bye();
    await b.awaitBye();
    await hall.restart({});
    await store.close();
  });
});

describe('who may do what', () => {
  it('T12: a wrong password and an unknown user get the same answer', async () => {
    const [alice, mallory] = [await hall.open('alice'), await hall.open('mallory')];
    const answers: string[] = [];
    for (const party of [alice, mallory]) {
      party.peer.request('REGISTER', {
        uri,
        to: `<${party.aor}>`,
        from: `<${party.aor}>;tag=x`,
        callId: `c-${party.user}`,
        cseq: 1,
      });
      const first = await party.peer.wait(isResponse(401));
      const wrong = credentialsFor(first.header('WWW-Authenticate'), {
        user: party.user,
        password: 'wrong',
        method: 'REGISTER',
        uri,
      });
      party.peer.request('REGISTER', {
        uri,
        to: `<${party.aor}>`,
        from: `<${party.aor}>;tag=x`,
        callId: `c-${party.user}`,
        cseq: 2,
        headers: [`Authorization: ${wrong}`],
      });
      const second = await party.peer.wait(isResponse(401));
      answers.push(
        second.raw.replaceAll(/nonce="[^"]*"|tag=\w+|branch=\w+|127\.0\.0\.1:\d+|rport=\d+|c-\w+|alice|mallory/g, '_'),
      );
    }
    expect(answers[0]).toBe(answers[1]);
    expect(hall.exchange.eventsOf('auth-failed').map(({ why }) => why)).toEqual(['credentials', 'credentials']);
  });

  it('T13: a replayed nonce count is stale, credentials without qop are malformed', async () => {
    const alice = await hall.open('alice');
    const ask = async (cseq: number, headers: string[]) => {
      alice.peer.request('REGISTER', {
        uri,
        to: `<${alice.aor}>`,
        from: `<${alice.aor}>;tag=x`,
        callId: 'replay',
        cseq,
        contact: alice.contact,
        headers,
      });
      return alice.peer.wait((message) => message.header('CSeq') === `${cseq} REGISTER`);
    };
    const challenge = (await ask(1, [])).header('WWW-Authenticate');
    const credentials = credentialsFor(challenge, { user: 'alice', method: 'REGISTER', uri });
    expect((await ask(2, [`Authorization: ${credentials}`])).status).toBe(200);
    const replayed = await ask(3, [`Authorization: ${credentials}`]);
    expect(replayed.header('WWW-Authenticate')).toContain('stale=true');
    const next = credentialsFor(challenge, { user: 'alice', method: 'REGISTER', uri, nc: 2 });
    expect((await ask(4, [`Authorization: ${next}`])).status).toBe(200);
    const bare = credentialsFor(challenge, { user: 'alice', method: 'REGISTER', uri, withoutQop: true });
    expect((await ask(5, [`Authorization: ${bare}`])).status).toBe(401);
    expect(hall.exchange.eventsOf('auth-failed').map(({ why }) => why)).toEqual(['replay', 'malformed']);
  });

  it('T10: a user neither registers nor calls under another name', async () => {
    const alice = await hall.join('alice');
    const { response } = await alice.invite('bob', rtpSdp(41_000), { from: `<sip:bob@${DOMAIN}>;tag=z` });
    expect(response.status).toBe(403);
    expect((await alice.register({ to: `<sip:bob@${DOMAIN}>` })).status).toBe(403);
  });

  it('T10: nobody unknown gets past the challenge, and an anonymous call never reaches a trunk', async () => {
    const stranger = await hall.open('stranger');
    expect((await stranger.invite('49301234', rtpSdp(41_000))).response.status).toBe(407);
    const { address } = hall.carrier.peer;
    const openTo = { ...phones, auth: { ...phones.auth, required: false } };
    await hall.restart({
      profiles: { browsers, phones: openTo },
      trunks: [{ name: 'carrier', addresses: [address], target: address, transport: 'udp', profile: openTo }],
    });
    const { response } = await stranger.invite('49301234', rtpSdp(41_000));
    expect([403, 404]).toContain(response.status);
    await hall.carrier.peer.expectNone(isRequest('INVITE'), 200);
  });

  it('offers SHA-256 first and MD5 last, and takes either', async () => {
    const both = { ...phones, auth: { ...phones.auth, algorithms: ['MD5', 'SHA-256'] as const } };
    await hall.restart({ profiles: { browsers, phones: both } });
    const alice = await hall.open('alice');
    const ask = async (cseq: number, headers: string[]) => {
      alice.peer.request('REGISTER', {
        uri,
        to: `<${alice.aor}>`,
        from: `<${alice.aor}>;tag=x`,
        callId: 'sha',
        cseq,
        contact: alice.contact,
        headers,
      });
      return alice.peer.wait((message) => message.header('CSeq') === `${cseq} REGISTER`);
    };
    const challenges = (await ask(1, [])).headers('WWW-Authenticate');
    expect(challenges.map((challenge) => /algorithm=([\w-]+)/.exec(challenge)?.[1])).toEqual(['SHA-256', 'MD5']);
    const strong = credentialsFor(challenges[0] ?? '', {
      user: 'alice',
      method: 'REGISTER',
      uri,
      algorithm: 'SHA-256',
    });
    expect((await ask(2, [`Authorization: ${strong}`])).status).toBe(200);
    const weak = credentialsFor(challenges[1] ?? '', { user: 'alice', method: 'REGISTER', uri, nc: 2 });
    expect((await ask(3, [`Authorization: ${weak}`])).status).toBe(200);
  });

  it.each([
    ['OPTIONS', 200, 'Allow', 'INVITE'],
    ['MESSAGE', 407, 'Proxy-Authenticate', DOMAIN],
    ['SUBSCRIBE', 489, 'Allow-Events', 'refer'],
    ['PUBLISH', 489, 'Allow-Events', 'refer'],
    ['NOTIFY', 405, 'Allow', 'INVITE'],
  ])('%s of a stranger outside a dialog is answered %i', async (method, status, header, value) => {
    const stranger = await hall.open('stranger');
    stranger.peer.request(method);
    const answer = await stranger.peer.wait((message) => message.status >= 200);
    expect(answer.status).toBe(status);
    expect(answer.header(header)).toContain(value);
  });
});
