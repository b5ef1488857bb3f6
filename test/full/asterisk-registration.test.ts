/** A1: the gateway is a phone of Asterisk 22: it registers there by digest, calls with it, and is called. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Asterisk, DESK } from '../support/asterisk.ts';
import { Gateway } from '../support/gateway.ts';
import { audioSdp, SipPhone } from '../support/sip-phone.ts';
import { until } from '../support/until.ts';

const PBX = { address: '127.0.0.3', port: 29_660 };
const SDP = audioSdp(40_000, ['0 PCMU/8000']);

let gateway: Gateway;
let pbx: Asterisk;
let alice: SipPhone;
let bob: SipPhone;

beforeAll(async () => {
  gateway = await Gateway.start({
    base: 29_560,
    users: ['exchange'],
    dialplan: {
      numbers: {},
      rules: [
        {
          name: 'out',
          why: 'to the PBX',
          when: { source: 'user', to: '9(#*)' },
          route: { trunk: 'pbx', number: '${1}' },
        },
        {
          name: 'open',
          why: 'as anybody',
          when: { source: 'user', to: '8' },
          route: { trunk: 'open', number: DESK.user },
        },
        { name: 'desk', why: 'our phone there', when: { source: 'trunk', to: DESK.user }, route: { user: 'alice' } },
        { name: 'back', why: 'the PBX calls on', when: { source: 'trunk', to: '2600' }, route: { user: 'bob' } },
      ],
    },
    settings: {
      trunks: [
        {
          name: 'pbx',
          target: `${PBX.address}:${PBX.port}`,
          auth: { username: DESK.user, password: DESK.password },
          register: { retrySec: 0.5 },
          // Asterisk knows its phones by the user in From.
          callerId: DESK.user,
        },
        // The same PBX as one sees it that has no account there.
        { name: 'open', target: `${PBX.address}:${PBX.port}`, addresses: ['192.0.2.1'] },
      ],
    },
  });
  pbx = await Asterisk.start({
    ...PBX,
    rtpBase: 29_700,
    gateway: gateway.sipAddress,
    account: gateway.credentials('exchange'),
  });
  const open = async (user: string): Promise<SipPhone> => {
    const phone = await SipPhone.open({ ...gateway.credentials(user), gatewayPort: gateway.sipPort });
    await phone.register();
    return phone;
  };
  [alice, bob] = [await open('alice'), await open('bob')];
});
afterAll(async () => {
  await alice?.close();
  await bob?.close();
  await pbx?.stop();
  await gateway?.stop();
});

describe('A1 as a phone of Asterisk', () => {
  test('registers, and Asterisk knows the Contact', async () => {
    await until(async () => (await gateway.metric('viaduct_trunk_registered{trunk="pbx"}')) === 1, {
      within: 30_000,
      every: 200,
      what: 'registration at Asterisk',
    });
    expect(await pbx.command('pjsip show contacts')).toContain(`sip:${DESK.user}@${gateway.sipAddress}`);
  });

  test('calls out with its credentials: Asterisk challenges the INVITE and takes the call further', async () => {
    const ringing = bob.answer(() => SDP);
    const [near, far] = await Promise.all([alice.call('92600', SDP), ringing]);
    const ended = far.awaitBye();
    expect(await near.bye()).toBe(200);
    await ended;
    // Only who has proven to be the phone gets into the part of the dialplan that calls back.
  });

  test('is called at its Contact', async () => {
    const ringing = alice.answer(() => SDP);
    const [near, far] = await Promise.all([bob.call('8', SDP), ringing]);
    const ended = near.awaitBye();
    expect(await far.bye()).toBe(200);
    await ended;
    const trunks = (await gateway.calls()).map(({ trunk }) => trunk);
    expect(trunks.slice(0, 2)).toContain('pbx');
  });

  test('is gone from Asterisk when the gateway stops', async () => {
    expect(await gateway.interrupt()).toBe(0);
    expect(await pbx.command('pjsip show contacts')).not.toContain(
      gateway.sipAddress.replace('127', `${DESK.user}@127`),
    );
  });
});
