import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseDialplan } from '../../../src/dialplan/index.ts';
import { createRouteHook } from '../../../src/hooks/index.ts';
import { silentLogger, systemClock, systemRandom } from '../../../src/kernel/index.ts';
import { type HookServer, startHookServer } from '../../support/http-server.ts';
import { isRequest, isResponse, type PeerMessage, type RequestParts } from '../../support/sip-peer.ts';
import { until } from '../../support/until.ts';
import { browsers, passwordOf, phones, trunks } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { type Party, rtpPortIn, rtpSdp } from './support/party.ts';

const hall = useHall();
const rule = (route: object, when: object = {}) => ({ name: 'the-rule', why: 'a test', when, route });
const office = (route: object) => hall.restart({ rules: [rule(route, { to: 'office' })] });

/** Ends the ringing of a phone as a phone does. */
async function stopRinging(party: Party, invite: PeerMessage): Promise<PeerMessage> {
  const cancel = await party.peer.wait(isRequest('CANCEL'));
  party.peer.reply(cancel, 200);
  party.peer.reply(invite, 487);
  return cancel;
}

describe('a hunt', () => {
  it('rings one after another; the record shows every stage and who won', async () => {
    await office({ hunt: [{ user: 'bob', ringSec: 1 }, { fork: [{ user: 'carol' }, { user: 'nobody' }] }] });
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const calling = alice.call('office', rtpSdp(41_000));
    const atBob = await bob.nextInvite();
    bob.peer.reply(atBob, 180);
    const cancel = await stopRinging(bob, atBob);
    expect(cancel.header('Reason')).toContain('No answer');
    const c = await carol.accept(await carol.nextInvite(), rtpSdp(42_000));
    const a = await calling;
    expect(alice.peer.count(isResponse(180, 'INVITE'))).toBe(1);
    await a.bye();
    await c.awaitBye();
    const { legs, answeredBy } = await hall.exchange.nextRecord();
    expect(legs.map(({ stage, sipStatus, legId }) => [stage, sipStatus, legId === answeredBy])).toEqual([
      [undefined, 200, false],
      [0, 487, false],
      [1, 200, true],
    ]);
  });

  it.each([486, 600, 603])('ends with a person’s %i: nobody else is rung', async (status) => {
    await office({ hunt: [{ user: 'bob' }, { user: 'carol' }] });
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const inviting = alice.invite('office', rtpSdp(41_000));
    bob.peer.reply(await bob.nextInvite(), status);
    expect((await inviting).response.status).toBe(status);
    await hall.exchange.nextRecord();
    expect(carol.peer.count(isRequest('INVITE'))).toBe(0);
  });

  it('goes on after busy where the rule says so, and at once after 503', async () => {
    await office({ hunt: [{ user: 'bob', on: ['busy'] }, { user: 'carol' }, { agent: 'echo' }] });
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const calling = alice.call('office', rtpSdp(41_000));
    bob.peer.reply(await bob.nextInvite(), 486);
    carol.peer.reply(await carol.nextInvite(), 503);
    await (await calling).bye();
    const { legs } = await hall.exchange.nextRecord();
    expect(legs.map(({ kind, sipStatus }) => [kind, sipStatus])).toEqual([
      ['sip', 200],
      ['sip', 486],
      ['sip', 503],
      ['agent', 200],
    ]);
  });

  it('passes over a user who is not registered', async () => {
    await office({ hunt: [{ user: 'bob' }, { user: 'carol' }] });
    const [alice, carol] = [await hall.join('alice'), await hall.join('carol')];
    const calling = alice.call('office', rtpSdp(41_000));
    await carol.accept(await carol.nextInvite(), rtpSdp(42_000));
    await (await calling).bye();
    carol.peer.reply(await carol.peer.wait(isRequest('BYE')), 200);
  });

  it('keeps one answer for a caller who has heard early media of the stage before', async () => {
    await office({ hunt: [{ user: 'bob' }, { user: 'carol' }] });
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const calling = alice.call('office', rtpSdp(41_000));
    const atBob = await bob.nextInvite();
    bob.peer.reply(atBob, 183, { body: rtpSdp(42_000) });
    const early = await alice.peer.wait(isResponse(183, 'INVITE'));
    bob.peer.reply(atBob, 480);
    const atCarol = await carol.nextInvite();
    carol.peer.reply(atCarol, 180);
    await alice.peer.wait(isResponse(180, 'INVITE'));
    const c = await carol.accept(atCarol, rtpSdp(43_000));
    const a = await calling;
    expect(rtpPortIn(a.sdp)).toBe(rtpPortIn(early.body));
    const bridged = hall.exchange.media.bridges.at(-1) ?? [];
    expect(bridged).not.toEqual(hall.exchange.media.bridges[0]);
    await a.bye();
    await c.awaitBye();
  });

  it('hands over to the fallback of the cause', async () => {
    await office({
      user: 'bob',
      fallback: [
        { on: ['declined'], user: 'carol' },
        { on: ['busy', 'unavailable'], agent: 'tone' },
      ],
    });
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const calling = alice.call('office', rtpSdp(41_000));
    bob.peer.reply(await bob.nextInvite(), 486);
    await (await calling).bye();
    expect(carol.peer.count(isRequest('INVITE'))).toBe(0);
    expect((await hall.exchange.nextRecord()).legs.map(({ kind }) => kind)).toEqual(['sip', 'sip', 'agent']);
  });

  it('takes a redirection for a failure, and rings nobody that it names', async () => {
    await office({ hunt: [{ user: 'bob' }, { user: 'carol' }] });
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const named = await hall.open('named');
    const inviting = alice.invite('office', rtpSdp(41_000));
    for (const phone of [bob, carol])
      phone.peer.reply(await phone.nextInvite(), 302, { contact: `<sip:elsewhere@${named.peer.address}>` });
    const { response } = await inviting;
    expect(response.status).toBe(480);
    expect(response.header('Reason')).toContain('SIP;cause=302');
    expect(response.header('Contact')).not.toContain('elsewhere');
    const { legs } = await hall.exchange.nextRecord();
    expect(legs.map(({ sipStatus }) => sipStatus)).toEqual([480, 302, 302]);
    expect(named.peer.count(isRequest('INVITE'))).toBe(0);
  });

  it('ends when the caller hangs up in a later stage', async () => {
    await office({ hunt: [{ user: 'bob' }, { user: 'carol' }] });
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const inviting = alice.invite('office', rtpSdp(41_000));
    bob.peer.reply(await bob.nextInvite(), 500);
    const atCarol = await carol.nextInvite();
    carol.peer.reply(atCarol, 180);
    await alice.peer.wait(isResponse(180, 'INVITE'));
    cancelLastInvite(alice);
    await stopRinging(carol, atCarol);
    expect((await inviting).response.status).toBe(487);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'cancelled' });
  });
});

/** CANCEL is the INVITE again, as far as its transaction goes (RFC 3261 §9.1). */
function cancelLastInvite(party: Party): void {
  const sent = party.peer.log.findLast((line) => line.startsWith('--> INVITE')) ?? '';
  const cancel = sent
    .slice(4)
    .replace(/^INVITE/, 'CANCEL')
    .replace(/CSeq: (\d+) INVITE/, 'CSeq: $1 CANCEL')
    .replace(/\r\nContent-Type:[^]*$/, '');
  party.peer.sendRaw(`${cancel}\r\nContent-Length: 0\r\n\r\n`);
}

describe('a caller id of the rule', () => {
  it('is what the called party sees', async () => {
    await office({ user: 'bob', callerId: '4930${from.0}' });
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('office', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    expect(invite.header('From')).toContain('<sip:4930alice@');
    bob.peer.reply(invite, 486);
    await inviting;
  });
});

describe('an emergency call', () => {
  it('goes its own way, with the place of the caller, and past every phone that is busy', async () => {
    const { address } = hall.carrier.peer;
    await hall.restart({
      trunks: [{ name: 'carrier', addresses: [address], target: address, transport: 'udp', profile: trunks }],
      emergencyNumbers: ['112'],
      rules: [rule({ reject: { status: 403, reason: 'Forbidden' } })],
      dialplan: { emergencyRoute: { hunt: [{ user: 'bob' }, { trunk: 'carrier', number: '${0}' }] } },
    });
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const place = '<https://location.example/alice>';
    const calling = alice.call('112', rtpSdp(41_000), { headers: [`Geolocation: ${place}`] });
    const atBob = await bob.nextInvite();
    expect(atBob.header('Geolocation')).toBe(place);
    bob.peer.reply(atBob, 603);
    const c = await hall.carrier.accept(await hall.carrier.nextInvite(), rtpSdp(42_000));
    await (await calling).bye();
    await c.awaitBye();
    expect(await hall.exchange.nextRecord()).toMatchObject({ route: 'emergency' });
  });

  describe('with the place in its body', () => {
    const multipart = (sdp: string): string => {
      const place = '--b1\r\nContent-Type: application/pidf+xml\r\nContent-ID: <at@alice>\r\n\r\n<presence/>\r\n';
      return `${place}--b1\r\nContent-Type: application/sdp\r\n\r\n${sdp}\r\n--b1--\r\n`;
    };
    const calling = (alice: Party, target: string, more: RequestParts = {}) =>
      alice.invite(target, multipart(rtpSdp(41_000)), {
        contentType: 'multipart/mixed;boundary=b1',
        headers: ['Geolocation: <cid:at%40alice>, <cid:gone@alice>, <https://location.example/alice>'],
        ...more,
      });
    const helpers = () =>
      hall.restart({
        emergencyNumbers: ['112'],
        rules: [rule({ user: 'bob' })],
        dialplan: { emergencyRoute: { user: 'bob' } },
      });

    it('passes both on; without the body where it is not taken', async () => {
      await helpers();
      const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
      const call = calling(alice, '112');
      const first = await bob.nextInvite();
      expect(first.header('Geolocation')).toBe('<cid:at%40alice>, <https://location.example/alice>');
      const [, boundary = '?'] = /^multipart\/mixed;boundary=(\w+)$/.exec(first.header('Content-Type')) ?? [];
      const parts = first.body.split(`--${boundary}`);
      expect(parts).toHaveLength(4);
      expect(parts[1]).toMatch(/Content-Type: application\/sdp\r\n\r\nv=0\r\n/);
      expect(parts[2]).toMatch(/Content-ID: <at@alice>\r\n[^]*\r\n\r\n<presence\/>\r\n/);
      bob.peer.reply(first, 415);
      const second = await bob.peer.wait((message) => isRequest('INVITE')(message) && message.body.startsWith('v=0'));
      expect(second.header('Geolocation')).toBe('<https://location.example/alice>');
      const b = await bob.accept(second, rtpSdp(42_000));
      const { dialog } = await call;
      dialog?.ack();
      await dialog?.bye();
      await b.awaitBye();
      expect(await hall.exchange.nextRecord()).toMatchObject({ route: 'emergency' });
    });

    it('is one too when it asks for a service instead of a number', async () => {
      await helpers();
      const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
      const uri = 'urn:service:sos.police';
      const call = calling(alice, '', { uri, to: `<${uri}>` });
      const invite = await bob.nextInvite();
      expect(invite.header('Content-Type')).toContain('multipart/mixed');
      bob.peer.reply(invite, 486);
      expect((await call).response.status).toBe(486);
      expect(await hall.exchange.nextRecord()).toMatchObject({ route: 'emergency', to: uri });
      const other = 'urn:service:counseling';
      expect((await calling(alice, '', { uri: other, to: `<${other}>` })).response.status).toBe(416);
    });

    it('keeps it to itself when it is no emergency', async () => {
      await helpers();
      const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
      const call = calling(alice, 'bob');
      const invite = await bob.nextInvite();
      expect([invite.header('Geolocation'), invite.header('Content-Type')]).toEqual(['', 'application/sdp']);
      expect(invite.body).not.toContain('presence');
      bob.peer.reply(invite, 486);
      await call;
    });
  });

  it('is taken when its offer stands beside the place of the caller', async () => {
    await hall.restart({ emergencyNumbers: ['112'], rules: [], dialplan: { emergencyRoute: { agent: 'echo' } } });
    const alice = await hall.join('alice');
    const place = '--b1\r\nContent-Type: application/pidf+xml\r\n\r\n<presence/>\r\n';
    const body = `${place}--b1\r\nContent-Type: application/sdp\r\n\r\n${rtpSdp(41_000)}\r\n--b1--\r\n`;
    const call = await alice.call('112', body, { contentType: 'multipart/mixed;boundary=b1' });
    expect(rtpPortIn(call.sdp)).toBeGreaterThan(0);
    await call.bye();
  });

  it('is not made of a call that is none', async () => {
    await hall.restart({ rules: [rule({ user: 'bob' })], emergencyNumbers: ['112'] });
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('113', rtpSdp(41_000), {
      headers: ['Geolocation: <https://location.example/alice>'],
    });
    const invite = await bob.nextInvite();
    expect(invite.header('Geolocation')).toBe('');
    bob.peer.reply(invite, 486);
    await inviting;
  });
});

describe('an HTTP hook', () => {
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const routeHook = createRouteHook({
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    concurrency: 10,
  });
  let server: HookServer;
  const useHook = (hook: object, ...more: object[]) =>
    hall.restart({ routeHook, rules: [rule({ hook: { url: server.url, secret, retries: 0, ...hook } }), ...more] });
  const last = { name: 'last', why: 'the next rule', route: { user: 'carol' } };

  beforeEach(async () => {
    server = await startHookServer();
  });
  afterEach(async () => {
    await server.close();
  });

  it('decides; it is told who calls whom, and the headers asked for', async () => {
    await useHook({ headers: ['X-Customer'] });
    server.answer = () => ({ status: 200, body: '{"hunt":[{"user":"bob","on":["busy"]},{"agent":"echo"}]}' });
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const calling = alice.call('support', rtpSdp(41_000), { headers: ['X-Customer: 42', 'X-Other: 7'] });
    bob.peer.reply(await bob.nextInvite(), 486);
    await (await calling).bye();
    const [asked] = server.asked;
    const { callId } = await hall.exchange.nextRecord();
    expect((JSON.parse(asked?.body ?? '') as { data: object }).data).toMatchObject({
      callId,
      from: 'alice',
      to: 'support',
      source: 'user',
      trunk: null,
      headers: { 'X-Customer': '42' },
    });
    expect(asked?.body).not.toContain('X-Other');
  });

  it.each([
    ['has no opinion', 204, ''],
    ['fails', 500, ''],
    ['names a trunk that is not there', 200, '{"trunk":"none","number":"1"}'],
  ])('that %s leaves it to the next rule', async (_, status, body) => {
    await useHook({}, last);
    server.answer = () => ({ status, body });
    const [alice, carol] = [await hall.join('alice'), await hall.join('carol')];
    const inviting = alice.invite('support', rtpSdp(41_000));
    carol.peer.reply(await carol.nextInvite(), 486);
    await inviting;
    expect(await hall.exchange.nextRecord()).toMatchObject({ route: 'last' });
  });

  it('is told of in the metrics', async () => {
    await useHook({}, last);
    server.answer = () => ({ status: 404 });
    const [alice, carol] = [await hall.join('alice'), await hall.join('carol')];
    const inviting = alice.invite('support', rtpSdp(41_000));
    carol.peer.reply(await carol.nextInvite(), 486);
    await inviting;
    expect(hall.exchange.eventsOf('hook-asked')).toMatchObject([{ rule: 'the-rule', result: 'failed' }]);
  });

  it('that hangs is followed by its fallback in time', async () => {
    await useHook({ timeoutMs: 200, fallback: { user: 'bob' } }, last);
    server.answer = () => new Promise(() => {});
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('support', rtpSdp(41_000));
    bob.peer.reply(await bob.nextInvite(), 486);
    expect((await inviting).response.status).toBe(486);
  });

  it('does not hold a caller who hangs up', async () => {
    await useHook({ timeoutMs: 10_000 }, last);
    server.answer = () => new Promise(() => {});
    const [alice, carol] = [await hall.join('alice'), await hall.join('carol')];
    const inviting = alice.invite('support', rtpSdp(41_000));
    await until(() => server.asked.length > 0, { within: 3_000, what: 'the question' });
    cancelLastInvite(alice);
    expect((await inviting).response.status).toBe(487);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'cancelled', sipStatus: 487 });
    expect(carol.peer.count(isRequest('INVITE'))).toBe(0);
  });
});

describe('tenants', () => {
  it('do not see each other’s users', async () => {
    await hall.restart({ tenants: { carol: 'other' }, rules: [rule({ user: '${0}' })] });
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    await hall.join('carol');
    expect((await alice.invite('carol', rtpSdp(41_000))).response.status).toBe(404);
    const inviting = alice.invite('bob', rtpSdp(41_000));
    bob.peer.reply(await bob.nextInvite(), 486);
    expect((await inviting).response.status).toBe(486);
  });
});

describe('a reload', () => {
  it('changes users and rules for the next call, and touches no running one', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const calling = alice.call('bob', rtpSdp(41_000));
    const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000));
    const a = await calling;
    hall.exchange.telephony.reload({
      profiles: { browsers, phones },
      users: ['alice', 'dora'].map((name) => ({ name, secret: { password: passwordOf(name) } })),
      trunks: [],
      dialplan: parseDialplan({ rules: [rule({ user: 'dora' })] }, 'new.yaml'),
    });
    expect(hall.exchange.telephony.activeCalls).toBe(1);
    const dora = await hall.join('dora');
    const inviting = alice.invite('bob', rtpSdp(41_000));
    dora.peer.reply(await dora.nextInvite(), 486);
    expect((await inviting).response.status).toBe(486);
    expect((await bob.register()).status).toBe(401);
    await a.bye();
    await b.awaitBye();
  });

  it('with a malformed trunk is refused, and all stays as it was', async () => {
    const bad = { name: 'bad', addresses: ['192.0.2.1/99'], target: 'x', transport: 'udp' as const, profile: trunks };
    const options = {
      profiles: { browsers, phones },
      users: [],
      trunks: [bad],
      dialplan: parseDialplan({ rules: [] }, 'x'),
    };
    expect(() => hall.exchange.telephony.reload(options)).toThrow('192.0.2.1/99');
    await hall.join('alice');
  });
});
