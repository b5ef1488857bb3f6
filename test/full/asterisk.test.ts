/** Asterisk 22 as a PBX: registered with the gateway, and a trunk of it, with a phone of its own; Chromium on the other side. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Asterisk, DESK, HOLD_MUSIC_HZ, PBX_TONE_HZ, SUBSCRIBER } from '../support/asterisk.ts';
import { BARESIP_HZ, Baresip } from '../support/baresip.ts';
import { Chromium, MICROPHONE_HZ, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { durationSec, excerpt, strongestHz } from '../support/sound.ts';
import { until } from '../support/until.ts';

const PBX = { address: '127.0.0.3', port: 29_460 };

let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;
let pbx: Asterisk;
let desk: Baresip;

beforeAll(async () => {
  const address = `${PBX.address}:${PBX.port}`;
  const trunk = {
    name: 'pbx',
    addresses: [address],
    target: address,
    health: { intervalSec: 1 },
    auth: { username: SUBSCRIBER.user, password: SUBSCRIBER.password },
    // Who calls the account of the PBX reaches this user.
    register: { contactUser: 'alice', expiresSec: 30, retrySec: 1 },
  };
  [gateway, chromium] = await Promise.all([
    Gateway.start({ base: 29_400, settings: { trunks: [trunk] }, users: ['exchange'] }),
    Chromium.launch(),
  ]);
  pbx = await Asterisk.start({
    ...PBX,
    rtpBase: 29_500,
    gateway: gateway.sipAddress,
    account: gateway.credentials('exchange'),
    sessionExpiresSec: 90,
  });
  desk = await Baresip.start({
    ...DESK,
    domain: PBX.address,
    proxy: `${PBX.address}:${PBX.port}`,
    base: 29_600,
    answers: true,
  });
  alice = await chromium.softphone(gateway.origin);
  await alice.register(gateway.credentials('alice'));
});

afterAll(async () => {
  await desk?.stop();
  await chromium?.close();
  await pbx?.stop();
  await gateway?.stop();
});

async function aliceHears(hz: number): Promise<void> {
  // Until the first media the page still shows the track of the call before, which is over.
  const heard = async (): Promise<number | undefined> => alice.hear(1).then(strongestHz, () => undefined);
  await until(async () => Math.abs(((await heard()) ?? 0) - hz) <= 5, {
    within: 10_000,
    what: `${hz} Hz in the browser`,
  });
}

/** What the PBX's phone heard at the end of its last call. */
async function deskHeard(): Promise<number> {
  const heard = await desk.heard();
  const end = durationSec(heard);
  return strongestHz(excerpt(heard, Math.max(0, end - 1.5), end - 0.5));
}

describe('Asterisk as a PBX', () => {
  test('registers with the gateway and is called at its registration', async () => {
    await pbx.registered();
    await alice.call('exchange');
    await alice.callIs('active');
    await aliceHears(MICROPHONE_HZ);
    await alice.hangUp();
    await alice.callIs('ended');
  });

  test('is called as a trunk', async () => {
    await alice.call('609');
    await alice.callIs('active');
    await aliceHears(PBX_TONE_HZ);
    await alice.hangUp();
    await alice.callIs('ended');
  });

  test('plays early media, which the browser hears before the answer', async () => {
    await alice.call('608');
    await aliceHears(PBX_TONE_HZ);
    expect((await gateway.calls())[0]?.answeredAt).toBeUndefined();
    await alice.callIs('active', 10_000);
    await alice.hangUp();
    await alice.callIs('ended');
  });

  test('says busy as busy', async () => {
    await alice.call('607');
    await alice.callIs('ended', 10_000);
    expect((await gateway.calls())[0]).toMatchObject({ endReason: 'busy', sipStatus: 486 });
  });

  test('calls the browser, and the PBX’s hold music is heard there', async () => {
    await alice.answerAll();
    desk.dial('alice');
    await alice.callIs(['incoming', 'active'], 10_000);
    await alice.callIs('active');
    await aliceHears(BARESIP_HZ);
    desk.command('hold');
    await aliceHears(HOLD_MUSIC_HZ);
    desk.command('resume');
    await aliceHears(BARESIP_HZ);
    desk.command('hangup');
    await alice.callIs('ended', 5_000);
    expect(Math.abs((await deskHeard()) - MICROPHONE_HZ)).toBeLessThanOrEqual(5);
    expect((await gateway.calls())[0]).toMatchObject({ trunk: 'pbx', endReason: 'hangup-caller' });
  });

  test('sends digits, which arrive in the browser as events, and hears those of the browser', async () => {
    const before = await gateway.metric('viaduct_digits_total');
    await alice.call('602');
    await alice.callIs('ended', 15_000);
    expect((await gateway.metric('viaduct_digits_total')) - before).toBe(5);
    await alice.call('603');
    await alice.callIs('active');
    await alice.page.waitForTimeout(500);
    expect(await alice.sendDigits('7*0#')).toBe(true);
    await alice.callIs('ended', 15_000);
    expect(await pbx.command('dialplan show globals')).toMatch(/DIALED=7\*0/);
  });

  test('takes our registration, calls us where it lives, and has it no more when the gateway stops', async () => {
    const contacts = (): Promise<string> => pbx.command('pjsip show contacts');
    await until(async () => (await contacts()).includes(`${SUBSCRIBER.user}/sip:alice@`), {
      within: 15_000,
      every: 200,
      what: 'our registration with the PBX',
    });
    expect((await gateway.metrics()).get('viaduct_trunk_registered{trunk="pbx"}')).toBe(1);
    await alice.answerAll();
    desk.dial(SUBSCRIBER.user);
    await alice.callIs(['incoming', 'active'], 10_000);
    await alice.callIs('active');
    await aliceHears(BARESIP_HZ);
    desk.command('hangup');
    await alice.callIs('ended', 5_000);
    expect((await gateway.calls())[0]).toMatchObject({ trunk: 'pbx', endReason: 'hangup-caller' });
    await gateway.interrupt();
    await until(async () => !(await contacts()).includes(`${SUBSCRIBER.user}/sip:`), {
      within: 10_000,
      every: 200,
      what: 'the end of our registration',
    });
  });
});
