import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium, MICROPHONE_HZ, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { amplitudeOf, excerpt, longestGapMs, strongestHz } from '../support/sound.ts';
import { until } from '../support/until.ts';

let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;

beforeAll(async () => {
  [gateway, chromium] = await Promise.all([Gateway.start({ base: 28_000 }), Chromium.launch()]);
  alice = await chromium.softphone(gateway.origin);
});

afterAll(async () => {
  await chromium?.close();
  await gateway?.stop();
});

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

describe('the softphone in Chromium', () => {
  test('a wrong password is told in plain words', async () => {
    const wrong = { ...gateway.credentials('alice'), password: 'not-hers' };
    await expect(alice.register(wrong)).rejects.toThrow('wrong-password');
    expect(await alice.page.textContent('#trouble')).toBe('The user name or the password is wrong.');
  });

  test('S20: registers over WebSocket, calls echo and hears itself', async () => {
    await alice.register(gateway.credentials('alice'));
    expect(await gateway.registrations()).toMatchObject([{ transport: 'ws', isFlowLost: false }]);
    await alice.call('echo');
    await alice.callIs('active');
    await until(async () => ((await alice.quality())?.packetsReceived ?? 0) > 10, {
      within: 5_000,
      what: 'media to come back',
    });
    const heard = excerpt(await alice.hear(5), 0.5, 5);
    expect(strongestHz(heard)).toBeGreaterThan(MICROPHONE_HZ - 5);
    expect(strongestHz(heard)).toBeLessThan(MICROPHONE_HZ + 5);
    // The microphone says 0.3; Opus keeps the level within a few dB.
    expect(amplitudeOf(heard, MICROPHONE_HZ)).toBeGreaterThan(0.15);
    expect(amplitudeOf(heard, MICROPHONE_HZ)).toBeLessThan(0.6);
    expect(longestGapMs(heard, MICROPHONE_HZ)).toBeLessThanOrEqual(40);
    expect((await alice.quality())?.codec?.toLowerCase()).toBe('opus');
  });

  test('muting silences the echo, and unmuting brings it back', async () => {
    await alice.mute(true);
    await alice.page.waitForTimeout(600);
    expect(amplitudeOf(await alice.hear(0.5), MICROPHONE_HZ)).toBeLessThan(0.005);
    await alice.mute(false);
    await alice.page.waitForTimeout(600);
    expect(amplitudeOf(await alice.hear(0.5), MICROPHONE_HZ)).toBeGreaterThan(0.15);
  });

  test('hanging up leaves no media behind, and a record with its reason', async () => {
    await alice.hangUp();
    await alice.callIs('ended');
    await until(async () => (await gateway.metric('viaduct_media_web_rtc_transports_open')) === 0, {
      within: 2_000,
      what: 'the transport to close',
    });
    expect(await gateway.metric('viaduct_media_ports_open')).toBe(0);
    expect(await gateway.metric('viaduct_calls_active')).toBe(0);
    expect((await gateway.calls())[0]).toMatchObject({ endReason: 'hangup-caller' });
  });

  test('tone is 440 Hz', async () => {
    await alice.call('tone');
    await alice.callIs('active');
    await alice.page.waitForTimeout(500);
    const heard = await alice.hear(1.5);
    expect(Math.abs(strongestHz(heard) - 440)).toBeLessThanOrEqual(2);
    expect(longestGapMs(heard, 440)).toBeLessThanOrEqual(40);
    await alice.hangUp();
  });

  test('a number that nobody has is told in plain words', async () => {
    await alice.call('nobody-here');
    await expect(alice.callIs('active', 3_000)).rejects.toThrow('not-found');
    expect(await alice.page.textContent('#call-text')).toBe('Nobody has this number or name.');
  });

  test('P5: click → INVITE at most 50 ms, click → 200 at most 170 ms, in the median of nine calls', async () => {
    const toInvite: number[] = [];
    const toAnswer: number[] = [];
    for (let i = 0; i < 9; i++) {
      await alice.call('echo');
      await alice.callIs('active');
      const log = await alice.log();
      const at = (name: string): number => log.findLast((event) => event.name === name)?.at ?? Number.NaN;
      toInvite.push(at('invite-sent') - at('click'));
      toAnswer.push(at('answered') - at('click'));
      await alice.hangUp();
      await alice.callIs('ended');
    }
    expect(median(toInvite)).toBeLessThanOrEqual(50);
    expect(median(toAnswer)).toBeLessThanOrEqual(170);
  });

  test('works over HTTPS and WSS with the generated certificate', async () => {
    const bob = await chromium.softphone(`https://127.0.0.1:${gateway.httpsPort}`);
    await bob.register(gateway.credentials('bob'));
    await bob.call('echo');
    await bob.callIs('active');
    await until(async () => ((await bob.quality())?.packetsReceived ?? 0) > 10, {
      within: 5_000,
      what: 'media to come back',
    });
    expect(bob.errors).toEqual([]);
    await bob.close();
  });

  test('two browsers call each other, decline and are busy', async () => {
    const bob = await chromium.softphone(gateway.origin);
    await bob.register(gateway.credentials('bob'));
    await alice.call('bob');
    await bob.callIs('incoming');
    await alice.callIs('ringing');
    await bob.decline();
    await expect(alice.callIs('active', 3_000)).rejects.toThrow('declined');
    await bob.call('alice');
    await alice.callIs('incoming');
    await alice.answer();
    await bob.callIs('active');
    await until(async () => ((await bob.quality())?.packetsReceived ?? 0) > 10, { within: 5_000, what: 'media' });
    const heard = await bob.hear(1);
    expect(Math.abs(strongestHz(heard) - MICROPHONE_HZ)).toBeLessThanOrEqual(5);
    await bob.hangUp();
    await alice.callIs('ended', 1_000);
    await bob.close();
    expect(alice.errors).toEqual([]);
  });
});
