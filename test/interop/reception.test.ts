/** The agents that are there without being configured, as phones and browsers meet them; shown in brief. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROMPTS } from '../../src/agents/built-in/prompts.ts';
import { decodeG711 } from '../../src/audio/index.ts';
import type { LegRecord } from '../../src/calls/index.ts';
import { Chromium, MICROPHONE_HZ, type SoftphonePage } from '../support/chromium.ts';
import { tapFrames, tappedFrames } from '../support/frame-tap.ts';
import { Gateway } from '../support/gateway.ts';
import { recordAll, recordedSound } from '../support/page-recorder.ts';
import { prompt, words } from '../support/prompt.ts';
import { SipPhone } from '../support/sip-phone.ts';
import { amplitudeOf, rmsOf, type Sound, strongestHz } from '../support/sound.ts';
import { syntheticVoice } from '../support/synthetic-voice.ts';
import { talkTo } from '../support/talk.ts';
import { until } from '../support/until.ts';

const SILENCE = 0xff;

let gateway: Gateway;
let phone: SipPhone;

beforeAll(async () => {
  gateway = await Gateway.start({
    base: 27_700,
    // Its greeting is a short one, so that hearing all of it does not take long.
    settings: { agents: [{ name: 'desk', protocol: 'reception', greeting: PROMPTS.transferring, menu: { 1: 'bob' } }] },
  });
  phone = await SipPhone.open({
    user: 'carol',
    password: gateway.credentials('carol').password,
    domain: gateway.domain,
    gatewayPort: gateway.sipPort,
  });
  await phone.register();
});
afterAll(async () => {
  await phone?.close();
  await gateway?.stop();
});

describe('a reception', () => {
  test('greets within 100 ms of the answer, whole, byte for byte', async () => {
    const talk = await talkTo('desk', phone);
    const greeting = words(prompt('transferring'));
    await until(() => talk.heard().length >= greeting.length + 1600, { within: 8_000, what: 'the greeting' });
    // A tenth of a second of silence is part of what it says.
    expect((talk.rtp.heard[0]?.at ?? Infinity) - talk.answeredAt).toBeLessThan(100);
    expect(words(talk.heard().subarray(0, greeting.length + 1600)).equals(greeting)).toBe(true);
    await talk.end();
  });

  test('falls silent when it is talked over, and listens', async () => {
    const talk = await talkTo('reception', phone);
    const loud = () => talk.rtp.heard.filter(({ payload }) => payload.some((byte) => byte !== SILENCE));
    await until(() => loud().length > 30, { within: 5_000, what: 'the greeting' });
    talk.speak(syntheticVoice(8000, 2));
    const isSilent = (): boolean =>
      talk.rtp.heard.slice(-15).every(({ payload }) => payload.every((byte) => byte === SILENCE));
    await until(isSilent, { within: 5_000, what: 'silence' });
    talk.rtp.pause();
    expect(loud().length).toBeGreaterThan(30);
    await until(() => !isSilent(), { within: 8_000, what: 'the greeting again' });
    await talk.end();
    const record = await recordOf('reception');
    expect(record?.agent).toMatchObject({ agent: 'reception', bargeIns: 1, end: 'call-over', turnCount: 1 });
    for (const what of ['response', 'playout', 'turn'])
      expect(await gateway.metric(`viaduct_agent_${what}_seconds_count{agent="reception"}`)).toBe(1);
    const cut = record?.agent?.utterances[0];
    expect(cut?.utterance).toBe('greeting-1');
    expect(cut?.flushedMs).toBeGreaterThan(5000);
    expect((cut?.playedMs ?? 0) + (cut?.flushedMs ?? 0)).toBe(cut?.receivedMs);
  });
});

describe('show 1', () => {
  let chromium: Chromium;
  let alice: SoftphonePage;
  let bob: SoftphonePage;

  beforeAll(async () => {
    chromium = await Chromium.launch();
    alice = await chromium.softphone(gateway.origin, async (page) => {
      await silenceMicrophone(page);
      await recordAll(page);
      await tapFrames(page);
    });
    bob = await chromium.softphone(gateway.origin);
    await alice.register(gateway.credentials('alice'));
    await bob.register(gateway.credentials('bob'));
  });
  afterAll(async () => chromium?.close());

  test('a browser hears all of a greeting, from the first word to the last', async () => {
    await alice.call('desk');
    await alice.callIs('active');
    const greeting = words(prompt('transferring'));
    const received = async () => Buffer.concat((await tappedFrames(alice.page)).received);
    await until(async () => (await received()).length > greeting.length + 1600, {
      within: 15_000,
      what: 'the greeting',
    });
    expect(words((await received()).subarray(0, greeting.length + 1600)).equals(greeting)).toBe(true);
    const heard = await recordedSound(alice.page);
    // Loud stretches, as the ear has them: the first word is there, and so is the last.
    const original = loudnessOf({
      rateHz: 8000,
      samples: Float32Array.from(decodeG711('PCMU', greeting), (each) => each / 32768),
    });
    const played = loudnessOf(heard);
    expect(played.loudMs).toBeGreaterThan(0.9 * original.loudMs);
    expect(played.lastMs - played.firstMs).toBeGreaterThan(0.95 * (original.lastMs - original.firstMs));
    await alice.hangUp();
    await alice.callIs('ended');
  });

  test('it calls the reception, talks over it, presses a key, and is put through to another browser', async () => {
    await alice.call('reception');
    await alice.callIs('active');
    await until(async () => rmsOf(await alice.hear(0.3)) > 0.01, { within: 15_000, what: 'the greeting' });
    await speak(alice);
    await until(async () => rmsOf(await alice.hear(0.5)) < 0.001, { within: 6_000, what: 'silence' });
    const ringing = bob.callIs('incoming', 10_000);
    await alice.sendDigits('2');
    await ringing;
    await bob.answer();
    await bob.callIs('active');
    for (const page of [alice, bob])
      await until(
        async () => {
          const sound = await page.hear(0.5).catch(() => undefined);
          return (
            sound !== undefined &&
            amplitudeOf(sound, MICROPHONE_HZ) > 0.02 &&
            Math.abs(strongestHz(sound) - MICROPHONE_HZ) <= 5
          );
        },
        { within: 10_000, what: 'the other microphone' },
      );
    expect([...alice.errors, ...bob.errors]).toEqual([]);
    await bob.hangUp();
    await alice.callIs('ended');
    const agent = (await recordOf('reception'))?.agent;
    expect(agent?.bargeIns).toBeGreaterThanOrEqual(1);
    expect(agent?.greetingMs).toBeLessThan(2000);
    const names = agent?.utterances.map(({ utterance }) => utterance.replace(/-\d+$/, ''));
    expect(names?.at(0)).toBe('greeting');
    expect(names?.at(-1)).toBe('transferring');
  });
});

/** Nobody speaks until `speak` is called: the tone of the microphone would be taken for somebody who does. */
async function silenceMicrophone(page: Page): Promise<void> {
  await page.addInitScript(`{
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      const context = new AudioContext();
      window.microphone = context.createGain();
      window.microphone.gain.value = 0;
      const to = context.createMediaStreamDestination();
      context.createMediaStreamSource(await open(wanted)).connect(window.microphone).connect(to);
      return to.stream;
    };
  }`);
}

async function speak({ page }: SoftphonePage): Promise<void> {
  await page.evaluate('window.microphone.gain.value = 1');
}

/** How much of it is sound, and where that begins and ends. */
function loudnessOf({ rateHz, samples }: Sound): { loudMs: number; firstMs: number; lastMs: number } {
  const step = rateHz / 50;
  const loud: number[] = [];
  for (let at = 0; at + step <= samples.length; at += step)
    if (rmsOf({ rateHz, samples: samples.subarray(at, at + step) }) > 0.01) loud.push((at / rateHz) * 1000);
  return { loudMs: 20 * loud.length, firstMs: loud[0] ?? 0, lastMs: loud.at(-1) ?? 0 };
}

async function recordOf(target: string): Promise<LegRecord | undefined> {
  const call = await until(
    async () => (await gateway.calls()).find(({ to, endedAt }) => to.includes(target) && endedAt !== undefined),
    { within: 3_000, what: 'the record' },
  );
  return call.legs.find(({ kind }) => kind === 'agent');
}
