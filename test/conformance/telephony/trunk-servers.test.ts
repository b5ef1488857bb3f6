/** B13: trunks with several servers: who is tried, who is watched, who is refused. The servers are scripted parties. */
import { describe, expect, it } from 'vitest';
import { parseDialplan } from '../../../src/dialplan/index.ts';
import type { Trunk } from '../../../src/telephony/index.ts';
import { DEFAULT_HEALTH } from '../../../src/telephony/trunk-health.ts';
import { isRequest } from '../../support/sip-peer.ts';
import { until } from '../../support/until.ts';
import { browsers, phones, trunks as profile } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { type Party, rtpSdp } from './support/party.ts';

const hall = useHall();
const OFFER = rtpSdp(41_000);

/** A trunk that nobody here calls from. */
const trunkTo = (parties: readonly Party[], more: Partial<Trunk> = {}): Trunk => ({
  name: 'carrier',
  addresses: ['192.0.2.1'],
  target: parties.map(({ peer }) => peer.address),
  transport: 'udp',
  profile,
  hunt: { tryTimeoutMs: 300, failoverOn: [500, 502, 503, 504] },
  ...more,
});

const view = () => {
  const [trunk] = hall.exchange.telephony.trunks();
  if (trunk === undefined) throw new Error('no trunk');
  return trunk;
};
const standings = (): readonly string[] => view().servers.map(({ standing }) => standing);

/** Answers every OPTIONS with a status, or with nothing. */
const answerOptions = (party: Party): { status: number | undefined } => {
  const behavior: { status: number | undefined } = { status: 200 };
  const loop = async (): Promise<void> => {
    for (;;) {
      const options = await party.peer.wait(isRequest('OPTIONS'), 60_000);
      if (behavior.status !== undefined) party.peer.reply(options, behavior.status);
    }
  };
  loop().catch(() => {});
  return behavior;
};

describe('B13 a call through a trunk with several servers', () => {
  it('leaves a silent server, acknowledges its late 200 and hangs up there; the second one keeps the call', async () => {
    const [alice, first, second] = [await hall.open('alice'), await hall.open('first'), await hall.open('second')];
    await hall.restart({ trunks: [trunkTo([first, second])] });
    const calling = alice.call('555', OFFER);
    const lost = await first.nextInvite();
    const invite = await second.nextInvite();
    second.peer.reply(invite, 180);
    const late = first.accept(lost, rtpSdp(41_100));
    const dialog = await late;
    await dialog.awaitBye();
    const kept = await second.accept(invite, rtpSdp(41_200));
    const talk = await calling;
    expect(await talk.bye()).toBe(200);
    await kept.awaitBye();
    const record = await hall.exchange.nextRecord();
    expect(record.endReason).toBe('hangup-caller');
    expect(record.legs).toHaveLength(2);
  });

  it('cancels a server that rings after it was left, and tries no third one', async () => {
    const [alice, first, second, third] = [
      await hall.open('alice'),
      await hall.open('first'),
      await hall.open('second'),
      await hall.open('third'),
    ];
    await hall.restart({ trunks: [trunkTo([first, second, third])] });
    const calling = alice.invite('555', OFFER);
    const lost = await first.nextInvite();
    const invite = await second.nextInvite();
    first.peer.reply(lost, 180);
    const cancel = await first.peer.wait(isRequest('CANCEL'));
    first.peer.reply(cancel, 200);
    first.peer.reply(lost, 487);
    second.peer.reply(invite, 503);
    expect((await calling).response.status).toBe(500);
    expect(third.peer.count(isRequest('INVITE'))).toBe(0);
  });

  it('sends nothing to a server that asked for peace with Retry-After, even when there is no other', async () => {
    const [alice, first] = [await hall.open('alice'), await hall.open('first')];
    await hall.restart({ trunks: [trunkTo([first])] });
    const calling = alice.invite('555', OFFER);
    first.peer.reply(await first.nextInvite(), 503, { headers: ['Retry-After: 60'] });
    expect((await calling).response.status).toBe(500);
    expect(standings()).toEqual(['resting']);
    expect((await alice.invite('555', OFFER)).response.status).toBe(500);
    expect(first.peer.countNew('INVITE')).toBe(1);
  });

  it('tries a server last for a while after a call found nobody there', async () => {
    const [alice, first, second] = [await hall.open('alice'), await hall.open('first'), await hall.open('second')];
    await hall.restart({ trunks: [trunkTo([first, second])] });
    const calling = alice.invite('555', OFFER);
    first.peer.reply(await first.nextInvite(), 503);
    second.peer.reply(await second.nextInvite(), 486);
    expect((await calling).response.status).toBe(486);
    expect(standings()).toEqual(['suspect', 'up']);
    const again = alice.invite('555', OFFER);
    second.peer.reply(await second.nextInvite(), 486);
    expect((await again).response.status).toBe(486);
    expect(first.peer.countNew('INVITE')).toBe(1);
  });

  it('called off by the caller while a server is silent, it tries no other', async () => {
    const [alice, first, second] = [await hall.open('alice'), await hall.open('first'), await hall.open('second')];
    await hall.restart({ trunks: [trunkTo([first, second], { hunt: { tryTimeoutMs: 400, failoverOn: [503] } })] });
    const calling = alice.invite('555', OFFER, { branch: 'z9hG4bK-off' });
    await first.nextInvite();
    const { events } = hall.exchange;
    await hall.exchange.telephony.close();
    expect((await calling).response.status).toBeGreaterThanOrEqual(480);
    expect(events.some(({ kind }) => kind === 'call-ended')).toBe(true);
    await second.peer.expectNone(isRequest('INVITE'), 600);
  });
});

describe('A3 the health of each address', () => {
  const health = { ...DEFAULT_HEALTH, intervalMs: 60, timeoutMs: 120, failures: 2, successes: 1 };

  it('follows OPTIONS, and calls follow health', async () => {
    const [alice, first, second] = [await hall.open('alice'), await hall.open('first'), await hall.open('second')];
    const [one, two] = [answerOptions(first), answerOptions(second)];
    one.status = undefined;
    two.status = 404;
    await hall.restart({ trunks: [trunkTo([first, second], { health })] });
    await until(() => standings().join() === 'down,up', { within: 5_000, what: 'first down, second up' });
    expect(view().servers[1]).toMatchObject({ lastStatus: 404 });
    const calling = alice.invite('555', OFFER);
    second.peer.reply(await second.nextInvite(), 486);
    expect((await calling).response.status).toBe(486);
    expect(first.peer.count(isRequest('INVITE'))).toBe(0);
    one.status = 200;
    two.status = 503;
    await until(() => standings().join() === 'up,down', { within: 5_000, what: 'first up, second down' });
  });

  it('when all are down, the last resort is tried or not, as configured', async () => {
    const [alice, first] = [await hall.open('alice'), await hall.open('first')];
    answerOptions(first).status = undefined;
    await hall.restart({ trunks: [trunkTo([first], { health })] });
    await until(() => standings().join() === 'down', { within: 5_000, what: 'down' });
    const calling = alice.invite('555', OFFER);
    first.peer.reply(await first.nextInvite(), 486);
    expect((await calling).response.status).toBe(486);
    await hall.restart({ trunks: [trunkTo([first], { health: { ...health, lastResort: false } })] });
    await until(() => standings().join() === 'down', { within: 5_000, what: 'down again' });
    expect((await alice.invite('555', OFFER)).response.status).toBe(500);
    expect(first.peer.countNew('INVITE')).toBe(1);
  });
});

describe('A3 the limits of a trunk', () => {
  it('refuse calls of either direction with 503 and Retry-After, but no emergency call, and end with the calls', async () => {
    const [alice, carrier] = [await hall.open('alice'), await hall.open('+4930')];
    const { address } = carrier.peer;
    await hall.restart({
      trunks: [trunkTo([carrier], { addresses: [address], limits: { calls: 1 } })],
      emergencyNumbers: ['112'],
    });
    const talk = await carrier.call('echo', OFFER);
    const { response } = await carrier.invite('echo', OFFER);
    expect([response.status, response.header('Retry-After')]).toEqual([503, '2']);
    expect((await alice.invite('555', OFFER)).response.status).toBe(500);
    expect(view()).toMatchObject({ inbound: 1, outbound: 0, refusedInbound: 1, refusedOutbound: 1 });
    const emergency = alice.invite('112', OFFER);
    const invite = await carrier.nextInvite();
    expect(view()).toMatchObject({ inbound: 1, outbound: 1 });
    carrier.peer.reply(invite, 486);
    expect((await emergency).response.status).toBe(486);
    await talk.bye();
    await until(() => view().inbound + view().outbound === 0, { within: 2_000, what: 'every place given back' });
    await (await carrier.call('echo', OFFER)).bye();
  });

  it('bound the rate of new calls', async () => {
    const carrier = await hall.open('+4930');
    const { address } = carrier.peer;
    await hall.restart({ trunks: [trunkTo([carrier], { addresses: [address], limits: { callsPerSec: 2 } })] });
    const statuses: number[] = [];
    for (let call = 0; call < 4; call++) {
      const { response, dialog } = await carrier.invite('echo', OFFER);
      statuses.push(response.status);
      dialog?.ack();
      await dialog?.bye();
    }
    expect(statuses.slice(0, 2)).toEqual([200, 200]);
    expect(statuses).toContain(503);
  });
});

describe('who a trunk is', () => {
  it.each([
    ['its target', { addresses: [], target: 'localhost:5999' }],
    ['a host name among its addresses', { addresses: ['192.0.2.1', 'localhost'], target: '192.0.2.1' }],
  ])('may follow from the addresses of %s', async (_, way) => {
    const carrier = await hall.open('+4930');
    await hall.restart({ trunks: [{ name: 'carrier', transport: 'udp', profile, ...way }] });
    // The first answer of the name server may still be on its way.
    await until(async () => (await carrier.invite('nobody', OFFER)).response.status === 404, {
      within: 3_000,
      what: 'calls from there to be taken without a challenge',
    });
    expect((await hall.exchange.nextRecord()).trunk).toBe('carrier');
  });
});

it('A3 other trunks may be put in force while calls run: what has not changed goes on', async () => {
  const [alice, first, second] = [await hall.open('alice'), await hall.open('first'), await hall.open('second')];
  await hall.restart({ trunks: [trunkTo([first], { limits: { calls: 1 } })] });
  const calling = alice.call('555', OFFER);
  const callee = await first.accept(await first.nextInvite(), rtpSdp(41_100));
  const talk = await calling;
  const common = {
    profiles: { browsers, phones },
    users: [{ name: 'alice', secret: { password: 'secret-of-alice' } }],
    dialplan: parseDialplan(
      {
        numbers: {},
        rules: [
          { name: 'out', why: 'out', when: { source: 'user', to: '#*' }, route: { trunk: 'carrier', number: '${0}' } },
        ],
      },
      'next.yaml',
    ),
  };
  const { telephony } = hall.exchange;
  expect(() => telephony.reload({ ...common, trunks: [trunkTo([first], { target: 'sip:x@y' })] })).toThrow(
    expect.objectContaining({ code: 'LOCATE_BAD_TARGET' }),
  );
  expect(view().targets).toEqual([first.peer.address]);
  telephony.reload({ ...common, trunks: [trunkTo([second], { limits: { calls: 2 } })] });
  expect(view()).toMatchObject({ targets: [second.peer.address], outbound: 1 });
  const next = alice.invite('555', OFFER);
  second.peer.reply(await second.nextInvite(), 486);
  expect((await next).response.status).toBe(486);
  expect(await talk.bye()).toBe(200);
  await callee.awaitBye();
  await until(() => view().outbound === 0, { within: 2_000, what: 'the place given back' });
});
