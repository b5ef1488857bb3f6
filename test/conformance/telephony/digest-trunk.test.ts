/** A2: a trunk that is known by an account of ours, from anywhere or from its addresses. Its server is a scripted party. */
import { describe, expect, it } from 'vitest';
import type { Trunk } from '../../../src/telephony/index.ts';
import { trunks as profile } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { type Party, rtpSdp } from './support/party.ts';

const hall = useHall();
const OFFER = rtpSdp(41_000);
const trunk = (password: string, addresses: readonly string[] = []): Trunk => ({
  name: 'pbx',
  addresses,
  // Where calls to it would go says nothing about who may call as it.
  target: '127.0.0.1:9',
  transport: 'udp',
  profile,
  inboundAuth: { username: 'office', password },
});
/** As the scripted party does for every user. */
const PASSWORD = 'secret-of-office';
const BANS = { failures: 3, accounts: 10, windowMs: 60_000, banMs: 60_000 };

const office = async (options: Parameters<typeof hall.restart>[0]): Promise<Party> => {
  await hall.restart(options);
  return hall.open('office');
};
const failures = (): number => hall.exchange.eventsOf('auth-failed').length;

describe('A2 a trunk that proves itself by digest', () => {
  it('may call under any number, and is the trunk: its record names it', async () => {
    const pbx = await office({ trunks: [trunk(PASSWORD)] });
    const alice = await hall.join('alice');
    const calling = pbx.invite('alice', OFFER, { from: '<sip:+4930123456@pbx.test>;tag=y' });
    alice.peer.reply(await alice.nextInvite(), 486);
    expect((await calling).response.status).toBe(486);
    const [started] = hall.exchange.eventsOf('call-started');
    expect([started?.trunk, started?.from]).toEqual(['pbx', 'sip:+4930123456@exchange.test']);
    expect(failures()).toBe(0);
  });

  it('is challenged, even from its addresses; without the password it is nobody, as any unknown account is', async () => {
    const pbx = await office({ trunks: [trunk('another one', ['127.0.0.1'])] });
    const stranger = await hall.open('nobody');
    const [known, unknown] = [await pbx.invite('alice', OFFER), await stranger.invite('alice', OFFER)];
    expect([known.response.status, unknown.response.status]).toEqual([407, 407]);
    const shape = (text: string): string => text.replaceAll(/nonce="[^"]*"/g, '');
    expect(shape(known.response.header('Proxy-Authenticate'))).toBe(
      shape(unknown.response.header('Proxy-Authenticate')),
    );
    expect(failures()).toBe(2);
  });

  it('with addresses must come from there as well', async () => {
    const pbx = await office({ trunks: [trunk(PASSWORD, ['192.0.2.1'])] });
    expect((await pbx.invite('alice', OFFER)).response.status).toBe(407);
    expect(failures()).toBe(1);
    await hall.restart({ trunks: [trunk(PASSWORD, ['127.0.0.0/8'])] });
    // Nobody is registered as alice: it was let in.
    expect((await pbx.invite('alice', OFFER)).response.status).toBe(480);
  });

  it('is banned for wrong passwords like everybody, though calls come from its addresses', async () => {
    const pbx = await office({ trunks: [trunk('another one', ['127.0.0.1'])], bans: BANS });
    for (let attempt = 0; attempt < 3; attempt++) await pbx.invite('alice', OFFER);
    expect(hall.exchange.telephony.bans()).toMatchObject([{ address: '127.0.0.1', user: 'office' }]);
    expect((await pbx.invite('alice', OFFER)).response.status).toBe(403);
  });

  it('cannot register with it: it has no address of record', async () => {
    const pbx = await office({ trunks: [trunk(PASSWORD)] });
    expect((await pbx.register()).status).toBe(403);
  });
});
