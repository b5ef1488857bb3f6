/** Chromium ⇄ media plane ⇄ plain RTP, with real workers and real packets: tones, payloads and digits at both ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodeG711 } from '../../src/audio/index.ts';
import { BrowserPeers } from '../media/support/browser-peer.ts';
import {
  browserCalls,
  callBrowser,
  formatOf,
  opus,
  owner,
  type PhoneLeg,
  pcmu,
  phoneLeg,
  startTestPlane,
  type TestPlane,
} from '../media/support/test-plane.ts';
import { digitsIn, type HeardPacket } from '../support/rtp-peer.ts';
import { amplitudeOf, excerpt, longestGapMs, rmsOf, type Sound, sine, strongestHz } from '../support/sound.ts';
import { until } from '../support/until.ts';

const browserHz = 1000;
const phoneHz = 440;
/** A second of 440 Hz: a whole number of periods, so that it repeats without a seam. */
const phoneTone = toMuLawPackets(sine(phoneHz, 1, { rateHz: 8000, amplitude: 0.3 }));

function toMuLawPackets(sound: Sound): Buffer[] {
  const bytes = Buffer.from(
    encodeG711(
      'PCMU',
      Int16Array.from(sound.samples, (sample) => sample * 32_767),
    ),
  );
  return Array.from({ length: bytes.length / 160 }, (_, index) => bytes.subarray(index * 160, index * 160 + 160));
}

/** G.711 µ-law by its definition, not by the code under test. */
function muLawSample(byte: number): number {
  const value = ~byte & 0xff;
  const magnitude = ((((value & 15) << 3) + 132) << ((value & 0x70) >> 4)) - 132;
  return ((value & 0x80) !== 0 ? -magnitude : magnitude) / 32_768;
}

function soundOf(packets: readonly HeardPacket[]): Sound {
  const bytes = Buffer.concat(packets.filter(({ payloadType }) => payloadType === 0).map(({ payload }) => payload));
  return { rateHz: 8000, samples: Float32Array.from(bytes, muLawSample) };
}

function expectTone(sound: Sound, hz: number): void {
  expect(strongestHz(sound)).toBeGreaterThan(hz - 10);
  expect(strongestHz(sound)).toBeLessThan(hz + 10);
  // Nearly all of the energy is in the tone.
  expect(amplitudeOf(sound, hz) / (rmsOf(sound) * Math.SQRT2)).toBeGreaterThan(0.8);
}

let browser: BrowserPeers;
let media: TestPlane;
let phones: PhoneLeg[] = [];
const open: string[] = [];

beforeAll(async () => {
  browser = await BrowserPeers.start();
  media = await startTestPlane(44_500);
});

afterAll(async () => {
  await media?.plane.stop();
  await browser?.stop();
});

afterEach(async () => {
  for (const { peer } of phones.splice(0)) await peer.close();
  for (const id of open.splice(0)) {
    await media.plane.close(owner(id).portId);
    await browser.hangUp(id).catch(() => {});
  }
  media.events.length = 0;
  const counters = await media.plane.counters();
  expect(counters).toMatchObject({ portsOpen: 0, routersOpen: 0, webRtcTransportsOpen: 0 });
});

async function phone(id: string, format = formatOf(pcmu)): Promise<PhoneLeg> {
  const leg = await phoneLeg(media, id, format);
  phones.push(leg);
  open.push(id);
  return leg;
}

const isUp = (id: string): Promise<unknown> =>
  until(() => media.events.some((event) => event.kind === 'port-up' && event.portId === owner(id).portId), {
    within: 5000,
    what: `${id} to be up`,
  });

describe('a browser and a phone', () => {
  it('exchange PCMU when the browser calls: both tones arrive without a gap', async () => {
    const leg = await browserCalls(media, browser, 'browser', { codec: 'PCMU' });
    open.push('browser');
    const { peer, target } = await phone('phone');
    await media.plane.bridge(owner('browser').portId, owner('phone').portId);
    await leg.connect();
    peer.play(phoneTone, target);
    await Promise.all([isUp('browser'), isUp('phone')]);
    await sleep(500);
    const heard = await browser.hear('browser', 3);
    expectTone(excerpt(heard, 0.5, 3), phoneHz);
    expect(longestGapMs(excerpt(heard, 0.5, 3), phoneHz)).toBeLessThanOrEqual(40);
    const arrived = soundOf(peer.heard);
    expectTone(excerpt(arrived, 1, 3), browserHz);
    expect(new Set(peer.heard.map(({ ssrc }) => ssrc)).size).toBe(1);
    expect(new Set(peer.heard.map(({ payloadType }) => payloadType))).toEqual(new Set([0]));
  });

  it.each(['PCMU', 'opus'] as const)('exchange %s payloads byte for byte (passthrough)', async (codec) => {
    const leg = await browserCalls(media, browser, 'browser', { codec });
    open.push('browser');
    const format = codec === 'PCMU' ? formatOf(pcmu) : formatOf({ ...opus, payloadType: 96 });
    const { peer, target } = await phone('phone', format);
    await media.plane.bridge(owner('browser').portId, owner('phone').portId);
    await leg.connect();
    await isUp('browser');
    await until(() => peer.heard.length > 100, { within: 5000, what: 'the browser to send' });
    // The phone returns what it heard, so the browser hears itself and every payload went both ways.
    const returned = peer.heard.slice(20, 100).map(({ payload }) => payload);
    peer.play(returned, target);
    await sleep(2500);
    const sent = await browser.frames('browser', 'sent');
    const got = peer.heard.map(({ payload }) => payload.toString('hex'));
    const start = sent.indexOf(got[20] ?? '');
    expect(start).toBeGreaterThanOrEqual(0);
    expect(got.slice(20, 80)).toEqual(sent.slice(start, start + 60));
    const received = await browser.frames('browser', 'received');
    expect(received.length).toBeGreaterThan(50);
    const texts = new Set(returned.map((payload) => payload.toString('hex')));
    expect(received.filter((payload) => !texts.has(payload))).toEqual([]);
    expectTone(await browser.hear('browser', 1), browserHz);
    expect((await media.plane.counters()).transcodedSeconds).toBe(0);
  });

  it('exchange PCMU when we call the browser, bridged before it answers', async () => {
    const { peer, target } = await phone('phone');
    open.push('browser');
    await callBrowser(media, browser, 'browser', {
      format: formatOf(pcmu),
      whileRinging: () => media.plane.bridge(owner('phone').portId, owner('browser').portId),
    });
    peer.play(phoneTone, target);
    await isUp('browser');
    await sleep(800);
    expectTone(await browser.hear('browser', 1.5), phoneHz);
    expectTone(excerpt(soundOf(peer.heard), 0.5, 2), browserHz);
  });
});

describe('digits', () => {
  it.each([
    { codec: 'PCMU' as const, format: formatOf(pcmu), clock: 8000 },
    { codec: 'opus' as const, format: formatOf(opus, 101, 8000), clock: 8000 },
    { codec: 'opus' as const, format: formatOf(opus, 101, 48_000), clock: 48_000 },
  ])('of a browser in $codec reach a phone with telephone-event/$clock', async ({ codec, format, clock }) => {
    const leg = await browserCalls(media, browser, 'browser', { codec });
    open.push('browser');
    const { peer } = await phone('phone', format);
    await media.plane.bridge(owner('browser').portId, owner('phone').portId);
    await leg.connect();
    await isUp('browser');
    await until(() => peer.heard.length > 30, { within: 5000, what: 'audio first' });
    await browser.dial('browser', '1234#', 200, 100);
    await until(() => digitsIn(peer.heard, 101).length >= 5, { within: 5000, what: 'five digits' });
    await sleep(300);
    const digits = digitsIn(peer.heard, 101);
    expect(digits.map(({ digit }) => digit).join('')).toBe('1234#');
    for (const { duration, ends } of digits) {
      expect(duration).toBeGreaterThanOrEqual(clock * 0.18);
      expect(duration).toBeLessThanOrEqual(clock * 0.24);
      expect(ends).toBeGreaterThanOrEqual(1);
    }
    const reported = media.events.filter((event) => event.kind === 'digit').map((event) => event.digit);
    expect(reported.join('')).toBe('1234#');
  });

  it.each([
    { codec: 'PCMU' as const, format: formatOf(pcmu) },
    { codec: 'opus' as const, format: formatOf(opus, 101, 8000) },
  ])('of a phone reach the browser in $codec, which plays their tones', async ({ codec, format }) => {
    const leg = await browserCalls(media, browser, 'browser', { codec });
    open.push('browser');
    const { peer, target } = await phone('phone', format);
    await media.plane.bridge(owner('browser').portId, owner('phone').portId);
    await leg.connect();
    await isUp('browser');
    const silence = codec === 'PCMU' ? Buffer.alloc(160, 0xff) : Buffer.from([0xf8, 0xff, 0xfe]);
    peer.play([silence], target);
    await sleep(700);
    const hearing = browser.hear('browser', 1.5);
    await sleep(200);
    peer.pause();
    await peer.sendDigit('5', 600, { ...target, payloadType: 101, eventStep: 160 });
    peer.play([silence], target);
    const heard = await hearing;
    // The key 5 is 770 Hz and 1336 Hz (ITU-T Q.23).
    expect(amplitudeOf(heard, 770)).toBeGreaterThan(0.01);
    expect(amplitudeOf(heard, 1336)).toBeGreaterThan(0.01);
    expect(amplitudeOf(heard, 770)).toBeGreaterThan(10 * amplitudeOf(heard, 1000));
    await until(() => media.events.some((event) => event.kind === 'digit' && event.digit === '5'), {
      within: 2000,
      what: 'the digit to be reported',
    });
  });
});

describe('browsers and built-in parties', () => {
  it.each([true, false])('two browsers hear each other, on one router: %s', async (isJoined) => {
    const first = await browserCalls(media, browser, 'first', { codec: 'opus' });
    const second = await browserCalls(media, browser, 'second', {
      codec: 'opus',
      ...(isJoined ? { joinId: 'first' } : {}),
    });
    open.push('first', 'second');
    await media.plane.bridge(owner('first').portId, owner('second').portId);
    expect((await media.plane.counters()).routersOpen).toBe(isJoined ? 1 : 2);
    await Promise.all([first.connect(), second.connect()]);
    await Promise.all([isUp('first'), isUp('second')]);
    await sleep(800);
    expectTone(await browser.hear('first', 1), browserHz);
    expectTone(await browser.hear('second', 1), browserHz);
  });

  // Every change of who is heard is another stream. A browser that was offered MID tells streams by it.
  it.each(['calls', 'is called'])(
    'a browser that %s and talks with a phone then hears a browser on its router',
    async (how) => {
      const { peer, target } = await phone('phone');
      open.push('first');
      if (how === 'calls') {
        const first = await browserCalls(media, browser, 'first', { codec: 'PCMU' });
        await first.connect();
      } else await callBrowser(media, browser, 'first', { format: formatOf(pcmu), whileRinging: async () => {} });
      await media.plane.bridge(owner('first').portId, owner('phone').portId);
      peer.play(phoneTone, target);
      await isUp('first');
      await sleep(800);
      expectTone(await browser.hear('first', 1), phoneHz);
      const second = await browserCalls(media, browser, 'second', { codec: 'PCMU', joinId: 'first' });
      open.push('second');
      await second.connect();
      await media.plane.bridge(owner('first').portId, owner('second').portId);
      await isUp('second');
      await sleep(800);
      expectTone(await browser.hear('second', 1), browserHz);
      expectTone(await browser.hear('first', 1), browserHz);
    },
  );

  it.each([
    ['echo', browserHz],
    ['tone', 440],
  ] as const)('a browser hears %s at %i Hz', async (endpoint, hz) => {
    const leg = await browserCalls(media, browser, 'browser', { codec: 'PCMU' });
    open.push('browser', 'party');
    await media.plane.open({ kind: 'built-in', ...owner('party'), endpoint });
    await media.plane.connect({ kind: 'built-in', portId: owner('party').portId, format: leg.format });
    await media.plane.bridge(owner('browser').portId, owner('party').portId);
    await leg.connect();
    await isUp('browser');
    await sleep(800);
    expectTone(await browser.hear('browser', 1), hz);
  });
});

it('a browser that is gone for good: its Leg waits for it, and fails in the end', async () => {
  const short = await startTestPlane(44_580, 1, { icePatience: { consentSec: 10, graceSec: 1 } });
  try {
    const leg = await browserCalls(short, browser, 'gone', { codec: 'PCMU' });
    await leg.connect();
    const told = (): string[] => short.events.map(({ kind }) => kind);
    await until(() => told().includes('port-up'), { within: 5_000, what: 'the browser to be up' });
    await browser.hangUp('gone');
    await until(() => told().includes('port-disconnected'), { within: 15_000, what: 'consent to run out' });
    const since = performance.now();
    expect(told()).toEqual(['port-up', 'port-disconnected']);
    await until(() => told().includes('port-failed'), { within: 3_000, what: 'the Leg to fail' });
    expect(performance.now() - since).toBeGreaterThan(900);
    expect(short.events.at(-1)).toMatchObject({ kind: 'port-failed', reason: 'ice' });
  } finally {
    await short.plane.stop();
  }
});

it('a browser whose certificate is not the announced one gets no media', async () => {
  const leg = await browserCalls(media, browser, 'liar', {
    codec: 'PCMU',
    fingerprint: Array(32).fill('AB').join(':'),
  });
  open.push('liar');
  await leg.connect();
  await until(() => media.events.some((event) => event.kind === 'port-failed' && event.reason === 'dtls'), {
    within: 5000,
    what: 'the port to fail',
  });
  expect(media.events.some((event) => event.kind === 'port-up')).toBe(false);
});
