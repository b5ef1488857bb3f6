import { describe, expect, it } from 'vitest';
import type { ProfilePolicy } from '../../../src/telephony/index.ts';
import { DOMAIN, trunks } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { rtpSdp } from './support/party.ts';

const hall = useHall();

/** Starts the exchange anew, with a carrier of that kind. */
async function carrierWith(profile: Partial<ProfilePolicy>, more: object = {}, options: object = {}): Promise<void> {
  const { address } = hall.carrier.peer;
  const carrier = { name: 'carrier', addresses: [address], target: address, transport: 'udp' as const, ...more };
  await hall.restart({ trunks: [{ ...carrier, profile: { ...trunks, ...profile } }], ...options });
}

describe('numbers in the words of a trunk', () => {
  const german = { country: '49', area: '30', userPhone: true } as const;
  const numbers = { ...german, called: { format: 'digits', prefix: '99' }, calling: { format: 'national' } } as const;

  it('are written its way: called, calling, and ;user=phone', async () => {
    await carrierWith({ numbers }, { callerId: '+4930123456' });
    const alice = await hall.join('alice');
    const calling = alice.call('0044207946000', rtpSdp(41_000));
    const invite = await hall.carrier.nextInvite();
    const { address } = hall.carrier.peer;
    expect(invite.uri).toBe(`sip:9944207946000@${address};user=phone`);
    expect(invite.header('To')).toBe(`<sip:9944207946000@${address};user=phone>`);
    expect(invite.header('From')).toMatch(new RegExp(`<sip:030123456@${DOMAIN};user=phone>;tag=`));
    const c = await hall.carrier.accept(invite, rtpSdp(42_000), { contact: hall.carrier.peer.contact });
    await (await calling).bye();
    await c.awaitBye();
  });

  it('are read before the dialplan sees them, and recorded so', async () => {
    const when = { source: 'trunk', to: '+4930123456', from: '+4989123456' };
    const rules = [{ name: 'reception', why: 'the number of the house', when, route: { user: 'bob' } }];
    await carrierWith({ numbers }, {}, { rules });
    const bob = await hall.join('bob');
    const calling = hall.carrier.call('994930123456', rtpSdp(42_000), {
      from: '<sip:089123456@carrier.example>;tag=c1',
    });
    const invite = await bob.nextInvite();
    expect(invite.header('From')).toMatch(new RegExp(`<sip:\\+4989123456@${DOMAIN}>;tag=`));
    const b = await bob.accept(invite, rtpSdp(41_000));
    const c = await calling;
    await b.bye();
    await c.awaitBye();
    const { from, to } = await hall.exchange.nextRecord();
    expect([from, /^sip:([^@]+)@/.exec(to)?.[1]]).toEqual([`sip:+4989123456@${DOMAIN}`, '+4930123456']);
  });

  it('T14 do not hide a dear one from the toll-fraud breaker', async () => {
    const tollFraud = {
      rules: [{ prefix: '+881', deny: true, unitsPerMinute: 1 }],
      exitCodes: [],
      unitsPerMinute: 1,
      userCallsPerMinute: 100,
      userConcurrentCalls: 100,
      budget: {},
      budgets: {},
    };
    await carrierWith({ numbers: { called: { format: 'e164' } } }, {}, { tollFraud });
    const alice = await hall.join('alice');
    // One after another: one party has one call.
    // oxlint-disable-next-line eslint/no-await-in-loop
    for (const dialed of ['88112345678', '0088112345678', '%38%3812345678'])
      expect((await alice.invite(dialed, rtpSdp(41_000))).response.status).not.toBe(200);
    expect(hall.exchange.eventsOf('toll-refused').map(({ why }) => why)).toEqual(['prefix', 'prefix']);
    expect(hall.carrier.peer.count((message) => message.method === 'INVITE')).toBe(0);
  });
});
