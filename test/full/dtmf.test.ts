import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Baresip } from '../support/baresip.ts';
import { Chromium, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { digitsIn, RtpPeer, type RtpTarget } from '../support/rtp-peer.ts';
import { audioSdp, type PhoneDialog, rtpPortOf, SipPhone } from '../support/sip-phone.ts';
import { amplitudeOf, excerpt, type Sound, sine } from '../support/sound.ts';
import { until } from '../support/until.ts';

const DIGITS = '1234#';
/** What the softphone asks of the browser. */
const DIGIT_MS = 120;
const TOLERANCE_MS = 25;

let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;
let bob: SipPhone;

beforeAll(async () => {
  [gateway, chromium] = await Promise.all([Gateway.start({ base: 28_400 }), Chromium.launch()]);
  alice = await chromium.softphone(gateway.origin);
  await alice.register(gateway.credentials('alice'));
  bob = await SipPhone.open({ ...gateway.credentials('bob'), gatewayPort: gateway.sipPort });
  await bob.register();
});

afterAll(async () => {
  await bob?.close();
  await chromium?.close();
  await gateway?.stop();
});

afterEach(async () => {
  await alice.hangUp();
  await alice.callIs(['idle', 'ended']);
});

/** Opus silence: 20 ms of CELT, full band, mono. */
const opus = [Buffer.from('f8fffe', 'hex')];
/** µ-law silence. */
const silence = [Buffer.alloc(160, 0xff)];

interface DtmfCase {
  readonly codec: string;
  readonly formats: readonly string[];
  readonly eventType: number;
  /** Clock of the telephone-event on the SIP side. */
  readonly clockHz: number;
  readonly frames: readonly Buffer[];
  readonly target: Omit<RtpTarget, 'port'>;
}

const cases: readonly DtmfCase[] = [
  {
    codec: 'PCMU',
    formats: ['0 PCMU/8000', '101 telephone-event/8000'],
    eventType: 101,
    clockHz: 8000,
    frames: silence,
    target: { payloadType: 0, ssrc: 1001, step: 160 },
  },
  {
    // As many phones do: Opus at 48 kHz, its digits at 8 kHz. The gateway rescales by six.
    codec: 'Opus with events at 8 kHz',
    formats: ['96 opus/48000/2', '101 telephone-event/8000'],
    eventType: 101,
    clockHz: 8000,
    frames: opus,
    target: { payloadType: 96, ssrc: 1002, step: 960 },
  },
  {
    codec: 'Opus with events at 48 kHz',
    formats: ['96 opus/48000/2', '97 telephone-event/48000'],
    eventType: 97,
    clockHz: 48_000,
    frames: opus,
    target: { payloadType: 96, ssrc: 1003, step: 960 },
  },
];

async function callBob({
  formats,
  frames,
  target,
  eventType,
}: DtmfCase): Promise<{ rtp: RtpPeer; dialog: PhoneDialog; target: RtpTarget }> {
  const rtp = await RtpPeer.open();
  const answered = bob.answer(() => audioSdp(rtp.port, formats, [`a=fmtp:${eventType} 0-15`]));
  await alice.call('bob');
  const dialog = await answered;
  await alice.callIs('active');
  const full = { ...target, port: rtpPortOf(dialog.remoteSdp) };
  rtp.play(frames, full);
  await until(() => rtp.heard.length > 10, { within: 5_000, what: 'RTP from the browser' });
  return { rtp, dialog, target: full };
}

/** ITU-T Q.23: the two tones of a key. */
const rows: Record<string, readonly [number, number]> = {
  '1': [697, 1209],
  '2': [697, 1336],
  '3': [697, 1477],
  '4': [770, 1209],
  '#': [941, 1477],
};

/** Where both tones of the digit sound, in milliseconds of the recording. */
function toneMs(sound: Sound, digit: string): number {
  const [low = 0, high = 0] = rows[digit] ?? [];
  const windowSec = 0.02;
  let windows = 0;
  for (let at = 0; at + windowSec <= sound.samples.length / sound.rateHz; at += windowSec) {
    const part = excerpt(sound, at, at + windowSec);
    const others = Object.values(rows)
      .flat()
      .filter((hz) => hz !== low && hz !== high);
    const strongest = Math.max(...others.map((hz) => amplitudeOf(part, hz)));
    if (Math.min(amplitudeOf(part, low), amplitudeOf(part, high)) > Math.max(0.01, strongest * 1.3)) windows += 1;
  }
  return windows * windowSec * 1000;
}

describe('digits as telephone-events (RFC 4733)', () => {
  test('the measure of key tones knows one key from another', () => {
    const mix = (a: Sound, b: Sound): Sound => ({
      rateHz: a.rateHz,
      samples: a.samples.map((value, i) => value + (b.samples[i] ?? 0)),
    });
    const four = mix(
      sine(770, 0.2, { rateHz: 48_000, amplitude: 0.1 }),
      sine(1209, 0.2, { rateHz: 48_000, amplitude: 0.1 }),
    );
    expect(toneMs(four, '4')).toBeGreaterThan(150);
    expect(toneMs(four, '1')).toBe(0);
  });

  test.each(cases)('$codec: from the browser, with the right durations', async (codecCase) => {
    const { rtp, dialog } = await callBob(codecCase);
    expect(await alice.sendDigits(DIGITS)).toBe(true);
    const wanted = DIGITS.length;
    await until(() => digitsIn(rtp.heard, codecCase.eventType).filter((digit) => digit.ends > 0).length === wanted, {
      within: 5_000,
      what: `${wanted} digits`,
    });
    await alice.page.waitForTimeout(200);
    const digits = digitsIn(rtp.heard, codecCase.eventType);
    expect(digits.map((digit) => digit.digit).join('')).toBe(DIGITS);
    for (const { duration, ends, hasMarker } of digits) {
      const ms = (duration * 1000) / codecCase.clockHz;
      expect(Math.abs(ms - DIGIT_MS)).toBeLessThanOrEqual(TOLERANCE_MS);
      expect(ends).toBeGreaterThanOrEqual(1);
      expect(hasMarker).toBe(true);
    }
    await dialog.bye();
    await alice.callIs('ended');
    await rtp.close();
  });

  test.each(cases)('$codec: to the browser, which plays them', async (codecCase) => {
    const { rtp, dialog, target } = await callBob(codecCase);
    await alice.page.waitForTimeout(500);
    // Silence around the keys, so that only they are heard.
    const recording = alice.hear(4);
    await new Promise((resolve) => setTimeout(resolve, 200));
    rtp.pause();
    for (const digit of DIGITS) {
      await rtp.sendDigit(digit, 200, {
        ...target,
        payloadType: codecCase.eventType,
        eventStep: codecCase.clockHz / 50,
      });
      await rtp.fill(codecCase.frames[0] ?? Buffer.alloc(0), 8, target);
    }
    const heard = await recording;
    const lengths = DIGITS.split('').map((digit) => ({ digit, ms: Math.round(toneMs(heard, digit)) }));
    // 200 ms are sent; the browser's decoder sounds until it hears of the end. A wrong clock would be a factor of six.
    expect(lengths.filter(({ ms }) => ms < 100 || ms > 450)).toEqual([]);
    await dialog.bye();
    await alice.callIs('ended');
    await rtp.close();
  });

  test("baresip recognizes the browser's digits, and the gateway counts those of baresip", async () => {
    const phone = await Baresip.start({
      ...gateway.credentials('carol'),
      proxy: gateway.sipAddress,
      base: 28_500,
      codecs: ['opus/48000/2'],
    });
    try {
      await alice.call('carol');
      await alice.callIs('active');
      await alice.page.waitForTimeout(500);
      await alice.sendDigits(DIGITS);
      const starts = (): string =>
        phone.events
          .filter((event) => event.type === 'CALL_DTMF_START')
          .map((event) => event.param ?? '')
          .join('');
      await until(() => starts().length >= DIGITS.length, { within: 5_000, what: 'baresip to tell the digits' });
      expect(starts()).toBe(DIGITS);
      const before = await gateway.metric('viaduct_digits_total');
      await phone.sendDigits(DIGITS);
      await until(async () => (await gateway.metric('viaduct_digits_total')) === before + DIGITS.length, {
        within: 3_000,
        what: 'the digits of baresip',
      });
      await alice.hangUp();
    } finally {
      await phone.stop();
    }
  });
});
