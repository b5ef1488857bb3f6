/** AudioSocket: an agent that is a server of it, called by a phone; and who dials in by it. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROMPTS } from '../../src/agents/built-in/prompts.ts';
import { decodeG711, encodeG711, measureTone, ToneGenerator } from '../../src/audio/index.ts';
import type { CallRecord } from '../../src/calls/index.ts';
import { AudioSocketAgent, AudioSocketPeer } from '../support/audio-socket.ts';
import { Gateway } from '../support/gateway.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { audioSdp, CallRefused, type PhoneDialog, rtpPortOf, SipPhone } from '../support/sip-phone.ts';
import { until } from '../support/until.ts';

const BASE = 27_100;
const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];
const CALLER_HZ = 400;
const AUDIO_8K = 0x10;
const AUDIO_16K = 0x12;
const LISTENER = BASE + 70;
const TO_AGENT = '11111111-2222-4333-8444-000000000001';
const TO_ECHO = '11111111-2222-4333-8444-000000000002';
const TO_PHONE = '11111111-2222-4333-8444-000000000003';
const TO_NOBODY = '11111111-2222-4333-8444-000000000004';

let gateway: Gateway;
let phone: SipPhone;
let agent: AudioSocketAgent;
/** Takes connections and closes them at once. */
let closing: Server;

beforeAll(async () => {
  agent = await AudioSocketAgent.start();
  closing = createServer((socket) => socket.end());
  closing.listen(0, '127.0.0.1');
  await once(closing, 'listening');
  // One that breaks off is gone for good, and a few words say so.
  const gone = { retry: { attempts: 0 }, fallback: { say: PROMPTS.transferring } };
  const quick = { protocol: 'audiosocket', warmUpSec: 0.3, connectTimeoutSec: 1 };
  gateway = await Gateway.start({
    base: BASE,
    settings: {
      audioSocket: {
        port: LISTENER,
        calls: [
          { uuid: TO_AGENT, to: 'narrow' },
          { uuid: TO_ECHO, to: 'echo' },
          { uuid: TO_PHONE, to: 'carol', from: 'pbx' },
          { uuid: TO_NOBODY, to: 'nobody-at-all' },
        ],
      },
      agents: [
        { name: 'narrow', address: agent.address, ...quick, ...gone },
        { name: 'wide', address: agent.address, rateHz: 16_000, ...quick },
        { name: 'closed', address: `127.0.0.1:${(closing.address() as AddressInfo).port}`, ...quick },
        { name: 'nobody', address: '127.0.0.1:9', ...quick },
      ],
    },
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
  await phone?.peer.close();
  await gateway?.stop();
  await agent?.stop();
  closing?.close();
});

const tone = (hz: number, rateHz: number, sec: number): Int16Array =>
  new ToneGenerator(hz, rateHz, -12).next(rateHz * sec);

interface Talk {
  readonly call: AudioSocketPeer;
  readonly rtp: RtpPeer;
  readonly dialog: PhoneDialog;
}

async function talk(name: string): Promise<Talk> {
  const rtp = await RtpPeer.open();
  const next = agent.next();
  const dialog = await phone.call(name, audioSdp(rtp.port, PCMU));
  return { call: await next(), rtp, dialog };
}

function speak(rtp: RtpPeer, { remoteSdp }: PhoneDialog): void {
  const second = Buffer.from(encodeG711('PCMU', tone(CALLER_HZ, 8000, 1)));
  const frames = Array.from({ length: 50 }, (_, i) => second.subarray(160 * i, 160 * (i + 1)));
  rtp.play(frames, { port: rtpPortOf(remoteSdp), payloadType: 0, ssrc: 5, step: 160 });
}

/** Measured again while a crowded machine has cut it up. */
async function hears(
  of: { readonly count: () => number; readonly rateHz: number; readonly hz: number },
  last: () => Int16Array,
): Promise<void> {
  for (let attempt = 0; attempt < 8; attempt++) {
    const enough = of.count() + 30;
    await until(() => of.count() >= enough, { within: 5_000, what: 'audio' });
    const { levelDbfs, snrDb } = measureTone(last(), of.rateHz, of.hz);
    if (snrDb > 25 && Math.abs(levelDbfs + 12) < 1) return;
  }
  throw new Error(`no clean ${of.hz} Hz`);
}

const phoneHears = (rtp: RtpPeer, hz: number): Promise<void> =>
  hears({ count: () => rtp.heard.length, rateHz: 8000, hz }, () =>
    decodeG711('PCMU', Buffer.concat(rtp.heard.slice(-20).map(({ payload }) => payload))),
  );

const peerHears = (peer: AudioSocketPeer, type: number, rateHz: number, hz: number): Promise<void> =>
  hears({ count: () => peer.of(type).length, rateHz, hz }, () => peer.heard(type, rateHz, 400));

describe('an agent that is an AudioSocket server', () => {
  test.each([
    ['narrow', AUDIO_8K, 8000],
    ['wide', AUDIO_16K, 16_000],
  ] as const)(
    '(%s) is told which call it is, hears and is heard, and learns of keys and of the end',
    async (name, type, rateHz) => {
      const { call, rtp, dialog } = await talk(name);
      expect(call.frames[0]?.type).toBe(0x01);
      expect(call.frames[0]?.payload.length).toBe(16);
      speak(rtp, dialog);
      call.say(type, rateHz, tone(700, rateHz, 4));
      await phoneHears(rtp, 700);
      await peerHears(call, type, rateHz, CALLER_HZ);
      expect(new Set(call.of(type).map(({ payload }) => payload.length))).toEqual(new Set([rateHz / 25]));
      rtp.pause();
      const port = rtpPortOf(dialog.remoteSdp);
      await rtp.sendDigit('#', 100, { port, payloadType: 101, ssrc: 5, step: 160, eventStep: 160 });
      await until(() => call.of(0x03).length > 0, { within: 3_000, what: 'the key' });
      expect(call.of(0x03).map(({ payload }) => payload.toString())).toEqual(['#']);
      await dialog.bye();
      await until(() => call.isEnded, { within: 3_000, what: 'the end' });
      expect(call.frames.at(-1)).toEqual({ type: 0x00, payload: Buffer.alloc(0) });
      await rtp.close();
    },
  );

  test.each([
    ['says that it hangs up', (call: AudioSocketPeer) => call.send(0x00)],
    ['ends the connection', (call: AudioSocketPeer) => call.end()],
    ['breaks it', (call: AudioSocketPeer) => call.kill()],
    ['reports an error', (call: AudioSocketPeer) => call.send(0xff, Buffer.from([2]))],
  ])('that %s ends the call', async (_how, end) => {
    const { call, rtp, dialog } = await talk('narrow');
    const bye = dialog.awaitBye();
    end(call);
    await bye;
    await rtp.close();
  });

  test('that sends nonsense and floods, and stops reading, disturbs nobody', async () => {
    const { call, rtp, dialog } = await talk('narrow');
    call.send(0x42, Buffer.from('nonsense'));
    call.send(AUDIO_16K, Buffer.alloc(640));
    call.send(AUDIO_8K, Buffer.alloc(3));
    call.send(AUDIO_8K);
    call.sendRaw(Buffer.from([AUDIO_8K]));
    call.sendRaw(Buffer.from([0, 4, 1, 2]));
    call.sendRaw(Buffer.from([3, 4]));
    // Twelve minutes at once.
    for (let i = 0; i < 180; i++) call.send(AUDIO_8K, Buffer.alloc(65_534));
    call.pause();
    await until(() => rtp.heard.length > 20, { within: 5_000, what: 'a call that goes on' });
    await dialog.bye();
    await rtp.close();
    await expect.poll(() => gateway.output, { timeout: 5_000 }).toContain('message of an agent not understood');
  });

  test('that is not there, or closes at once, counts as absent', async () => {
    for (const name of ['nobody', 'closed'])
      await expect(phone.call(name, audioSdp(9, PCMU))).rejects.toEqual(new CallRefused(480));
  });
});

async function dialIn(uuid: string): Promise<AudioSocketPeer> {
  const peer = await AudioSocketPeer.dial(LISTENER);
  peer.sendUuid(uuid);
  return peer;
}

/** To Asterisk nothing else may be sent. */
function saysOnlyAudio(peer: AudioSocketPeer): void {
  expect(peer.frames.filter(({ type }) => type !== AUDIO_8K && type !== 0x00)).toEqual([]);
  expect(peer.of(AUDIO_8K).every(({ payload }) => payload.length === 320)).toBe(true);
}

describe('who dials in by AudioSocket', () => {
  test('reaches an agent: both hear each other, keys arrive, and the end is told', async () => {
    const next = agent.next();
    const peer = await dialIn(TO_AGENT);
    const call = await next();
    call.say(AUDIO_8K, 8000, tone(700, 8000, 6));
    peer.loop(AUDIO_8K, 8000, tone(CALLER_HZ, 8000, 1));
    await peerHears(peer, AUDIO_8K, 8000, 700);
    await peerHears(call, AUDIO_8K, 8000, CALLER_HZ);
    peer.send(0x03, Buffer.from('5'));
    await until(() => call.of(0x03).length > 0, { within: 3_000, what: 'the key' });
    expect(call.of(0x03).map(({ payload }) => payload.toString())).toEqual(['5']);
    call.send(0x00);
    await until(() => peer.isEnded, { within: 3_000, what: 'the end' });
    expect(peer.frames.at(-1)?.type).toBe(0x00);
    saysOnlyAudio(peer);
  });

  test('reaches a phone, and hangs up by closing; its record says where it came from', async () => {
    const rtp = await RtpPeer.open();
    const answered = phone.answer(() => audioSdp(rtp.port, PCMU));
    const peer = await dialIn(TO_PHONE);
    const dialog = await answered;
    speak(rtp, dialog);
    peer.loop(AUDIO_8K, 8000, tone(700, 8000, 1));
    await phoneHears(rtp, 700);
    await peerHears(peer, AUDIO_8K, 8000, CALLER_HZ);
    const bye = dialog.awaitBye();
    peer.end();
    await bye;
    await rtp.close();
    saysOnlyAudio(peer);
    const ended = async (): Promise<CallRecord | undefined> =>
      (await gateway.calls()).find(({ to, endedAt }) => to.startsWith('sip:carol@') && endedAt !== undefined);
    const record = await until(ended, { within: 3_000, what: 'the record' });
    expect(record).toMatchObject({ from: expect.stringMatching(/^sip:pbx@/), endReason: 'hangup-caller' });
  });

  test('that gives up while it rings, cancels', async () => {
    const peer = await dialIn(TO_PHONE);
    const invite = await phone.peer.wait((message) => message.method === 'INVITE');
    phone.peer.reply(invite, 180);
    peer.kill();
    const cancel = await phone.peer.wait((message) => message.method === 'CANCEL');
    phone.peer.reply(cancel, 200);
    phone.peer.reply(invite, 487);
  });

  test.each([
    ['whom the dialplan does not know', (peer: AudioSocketPeer) => peer.sendUuid(TO_NOBODY)],
    ['an unknown UUID', (peer: AudioSocketPeer) => peer.sendUuid('11111111-2222-4333-8444-999999999999')],
    ['no UUID at all', (peer: AudioSocketPeer) => peer.send(AUDIO_8K, Buffer.alloc(320))],
    ['half a UUID', (peer: AudioSocketPeer) => peer.send(0x01, Buffer.alloc(8))],
    ['nonsense', (peer: AudioSocketPeer) => peer.sendRaw(Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(2000)))],
  ])('with %s is hung up', async (_what, say) => {
    const peer = await AudioSocketPeer.dial(LISTENER);
    say(peer);
    await until(() => peer.isEnded, { within: 3_000, what: 'the end' });
    peer.end();
  });

  test('and floods, sends what is no audio, and stops reading, disturbs nobody', async () => {
    const peer = await dialIn(TO_ECHO);
    peer.send(0x42, Buffer.from('nonsense'));
    peer.send(0x03, Buffer.from('nonsense'));
    for (let i = 0; i < 180; i++) peer.send(AUDIO_8K, Buffer.alloc(65_534));
    await until(() => peer.of(AUDIO_8K).length > 10, { within: 5_000, what: 'a call that goes on' });
    peer.pause();
    peer.kill();
    const another = await dialIn(TO_ECHO);
    another.loop(AUDIO_8K, 8000, tone(700, 8000, 1));
    await peerHears(another, AUDIO_8K, 8000, 700);
    another.end();
    await until(() => another.isEnded, { within: 3_000, what: 'the end' });
  });
});
