import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BARESIP_HZ, Baresip } from '../support/baresip.ts';
import { Chromium, MICROPHONE_HZ, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { amplitudeOf, durationSec, excerpt, longestGapMs, type Sound, strongestHz } from '../support/sound.ts';
import { hearUndisturbed } from '../support/stalls.ts';
import { until } from '../support/until.ts';

const TALK_SEC = 20;
const GAP_MS = 40;
let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;
let phone: Baresip;

beforeAll(async () => {
  [gateway, chromium] = await Promise.all([Gateway.start({ base: 28_100 }), Chromium.launch()]);
  alice = await chromium.softphone(gateway.origin);
  await alice.register(gateway.credentials('alice'));
  phone = await Baresip.start({ ...gateway.credentials('bob'), proxy: gateway.sipAddress, base: 28_200 });
});

afterAll(async () => {
  await phone?.stop();
  await chromium?.close();
  await gateway?.stop();
});

/** The tone is there from end to end, at that frequency, loud enough. */
function expectTone(sound: Sound, hz: number, atLeastSec: number): void {
  expect(durationSec(sound)).toBeGreaterThanOrEqual(atLeastSec);
  expect(Math.abs(strongestHz(sound) - hz)).toBeLessThanOrEqual(3);
  expect(amplitudeOf(excerpt(sound, 1, 2), hz)).toBeGreaterThan(0.05);
  expect(longestGapMs(sound, hz)).toBeLessThanOrEqual(GAP_MS);
}

/** Both ends are measured while the call lasts; the phone's recording is complete after it. */
async function talkToEachOther(): Promise<Sound> {
  await until(async () => ((await alice.quality())?.packetsReceived ?? 0) > 10, {
    within: 5_000,
    what: 'media in the browser',
  });
  // The jitter buffer's first half second is its own.
  await alice.page.waitForTimeout(500);
  return hearUndisturbed(async () => alice.hear(TALK_SEC), { hz: BARESIP_HZ, gapMs: GAP_MS });
}

/** Of the whole call's recording: what the phone heard while the last talk was measured. */
function lastTalk(recording: Sound): Sound {
  const end = durationSec(recording) - 0.2;
  return excerpt(recording, Math.max(0, end - TALK_SEC + 0.5), end);
}

async function nothingIsLeft(): Promise<void> {
  await until(
    async () => {
      const metrics = await gateway.metrics();
      const names = [
        'viaduct_calls_active',
        'viaduct_media_ports_open',
        'viaduct_media_routers_open',
        'viaduct_media_web_rtc_transports_open',
      ];
      return names.every((name) => metrics.get(name) === 0);
    },
    { within: 2_000, what: 'everything of the call to be closed' },
  );
}

describe('baresip over UDP with digest, and Chromium', () => {
  test('baresip calls the browser: both hear each other, and baresip hangs up', async () => {
    phone.dial(`sip:alice@${gateway.domain}`);
    await alice.callIs('incoming');
    await alice.answer();
    await alice.callIs('active');
    expectTone(await talkToEachOther(), BARESIP_HZ, TALK_SEC);
    const since = performance.now();
    phone.command('hangup');
    await alice.callIs('ended', 2_000);
    expect(performance.now() - since).toBeLessThanOrEqual(500);
    await phone.waitFor('CALL_CLOSED', { since });
    expectTone(lastTalk(await phone.heard()), MICROPHONE_HZ, TALK_SEC - 1);
    await nothingIsLeft();
  });

  test('the browser calls baresip: both hear each other, and the browser hangs up', async () => {
    await alice.call('bob');
    await alice.callIs('active');
    expectTone(await talkToEachOther(), BARESIP_HZ, TALK_SEC);
    const since = performance.now();
    await alice.hangUp();
    const closed = await phone.waitFor('CALL_CLOSED', { since });
    expect(closed.at - since).toBeLessThanOrEqual(500);
    expectTone(lastTalk(await phone.heard()), MICROPHONE_HZ, TALK_SEC - 1);
    await nothingIsLeft();
  });

  test('nothing was transcoded', async () => {
    expect(await gateway.metric('transcoded_seconds_total')).toBe(0);
  });
});
