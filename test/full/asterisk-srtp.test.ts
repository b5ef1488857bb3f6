/** SDES-SRTP with Asterisk 22, whose SRTP is libsrtp: called and calling as a trunk that takes nothing else. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Asterisk, DESK, PBX_TONE_HZ } from '../support/asterisk.ts';
import { BARESIP_HZ, Baresip } from '../support/baresip.ts';
import { Gateway } from '../support/gateway.ts';
import { durationSec, excerpt, type Sound, strongestHz } from '../support/sound.ts';

const PBX = { address: '127.0.0.3', port: 28_460 };

let gateway: Gateway;
let pbx: Asterisk;
let desk: Baresip;
let phone: Baresip;

beforeAll(async () => {
  gateway = await Gateway.start({
    base: 28_400,
    trunks: [{ name: 'pbx', address: `${PBX.address}:${PBX.port}` }],
    profiles: { trunks: { srtp: 'required', srtpKeysInClear: true } },
    users: ['exchange'],
  });
  pbx = await Asterisk.start({
    ...PBX,
    rtpBase: 28_500,
    gateway: gateway.sipAddress,
    account: gateway.credentials('exchange'),
    hasSrtp: true,
  });
  phone = await Baresip.start({ ...gateway.credentials('alice'), proxy: gateway.sipAddress, base: 28_700 });
  desk = await Baresip.start({
    ...DESK,
    domain: PBX.address,
    proxy: `${PBX.address}:${PBX.port}`,
    base: 28_600,
    answers: true,
  });
});

afterAll(async () => {
  await Promise.all([desk?.stop(), phone?.stop()]);
  await pbx?.stop();
  await gateway?.stop();
});

const hzOf = (sound: Sound): number => strongestHz(excerpt(sound, 0.8, Math.min(1.8, durationSec(sound))));

async function converse(caller: Baresip, target: string): Promise<void> {
  const since = performance.now();
  caller.dial(target);
  await caller.waitFor('CALL_ESTABLISHED', { since });
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  caller.command('hangup');
  await caller.waitFor('CALL_CLOSED', { since });
}

test('is called, and what it plays is heard', async () => {
  await converse(phone, `sip:609@${gateway.domain}`);
  expect(Math.abs(hzOf(await phone.heard()) - PBX_TONE_HZ)).toBeLessThanOrEqual(5);
  expect(await gateway.metric('viaduct_srtp_packets_failed_total')).toBe(0);
});

test('calls, and both phones hear each other', async () => {
  const since = performance.now();
  await converse(desk, `sip:alice@${PBX.address}:${PBX.port}`);
  await phone.waitFor('CALL_CLOSED', { since });
  expect(Math.abs(hzOf(await phone.heard()) - BARESIP_HZ)).toBeLessThanOrEqual(5);
  expect(Math.abs(hzOf(await desk.heard()) - BARESIP_HZ)).toBeLessThanOrEqual(5);
  expect(await gateway.metric('viaduct_srtp_packets_failed_total')).toBe(0);
});
