/** Agents that take raw 16-bit samples over WebSocket, in the dialects of Vonage and of jambonz, called by a phone. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeG711, encodeG711, measureTone, ToneGenerator, writeWav } from '../../src/audio/index.ts';
import { createAuthority } from '../support/certificates.ts';
import { Gateway } from '../support/gateway.ts';
import { LinearAgent, type LinearCall, littleEndian } from '../support/linear-agent.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { audioSdp, CallRefused, type PhoneDialog, rtpPortOf, SipPhone } from '../support/sip-phone.ts';
import { until } from '../support/until.ts';

const BASE = 27_000;
const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];
const SILENCE = 0xff;
const CALLER_HZ = 400;

let gateway: Gateway;
let phone: SipPhone;
let vonage: LinearAgent;
let jambonz: LinearAgent;
let secure: LinearAgent;
let refusing: LinearAgent;
const folder = mkdtempSync(join(tmpdir(), 'viaduct-linear-'));

beforeAll(async () => {
  const authority = await createAuthority();
  const ca = join(folder, 'authority.pem');
  writeFileSync(ca, authority.ca);
  vonage = await LinearAgent.start();
  jambonz = await LinearAgent.start({ ignoresSubprotocols: true });
  secure = await LinearAgent.start({ tls: await authority.issue({ ip: ['127.0.0.1'] }) });
  refusing = await LinearAgent.start({ refuseWith: 401 });
  process.env['TEST_VONAGE_TOKEN'] = 'token-of-the-agent';
  process.env['TEST_JAMBONZ_PASSWORD'] = 'password-of-the-agent';
  const url = (agent: LinearAgent): string => `${agent.url}/socket/\${from}?to=\${to}`;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the configuration's own placeholders
  const parameters = { caller: '${from}', event: 'no', sampleRate: 'no' };
  const quick = { warmUpSec: 0.3, connectTimeoutSec: 1 };
  gateway = await Gateway.start({
    base: BASE,
    settings: {
      agents: [
        { name: 'vonage', protocol: 'vonage', url: url(vonage), tokenEnv: 'TEST_VONAGE_TOKEN', parameters, ...quick },
        {
          name: 'jambonz',
          protocol: 'jambonz',
          url: url(jambonz),
          rateHz: 8000,
          username: 'gateway',
          passwordEnv: 'TEST_JAMBONZ_PASSWORD',
          parameters,
          headers: { 'X-Place': 'test' },
          ...quick,
        },
        { name: 'secure', protocol: 'vonage', url: secure.url, rateHz: 24_000, ca, ...quick },
        { name: 'distrusted', protocol: 'vonage', url: secure.url, ...quick },
        { name: 'refusing', protocol: 'jambonz', url: refusing.url, ...quick },
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
  await Promise.all([vonage, jambonz, secure, refusing].map((agent) => agent?.stop()));
  rmSync(folder, { recursive: true });
});

interface Talk {
  readonly call: LinearCall;
  readonly rtp: RtpPeer;
  readonly dialog: PhoneDialog;
  readonly callerSpeaks: () => void;
  readonly end: () => Promise<void>;
}

async function talk(agent: LinearAgent, name: string, greeting?: Int16Array): Promise<Talk> {
  const rtp = await RtpPeer.open();
  const next = agent.next();
  const starting = next().then((call) => {
    if (greeting !== undefined) call.say(greeting, 1001);
    return call;
  });
  const dialog = await phone.call(name, audioSdp(rtp.port, PCMU));
  const call = await starting;
  const target = { port: rtpPortOf(dialog.remoteSdp), payloadType: 0, ssrc: 5, step: 160 };
  const second = Buffer.from(encodeG711('PCMU', new ToneGenerator(CALLER_HZ, 8000, -12).next(8000)));
  const frames = Array.from({ length: 50 }, (_, i) => second.subarray(160 * i, 160 * (i + 1)));
  return {
    call,
    rtp,
    dialog,
    callerSpeaks: () => rtp.play(frames, target),
    end: async () => {
      await rtp.close();
      await dialog.bye();
    },
  };
}

/** What the phone hears, once that is `hz` and nothing else for 400 ms. */
async function phoneHears({ rtp }: Talk, hz: number): Promise<void> {
  let seen = rtp.heard.length;
  for (let attempt = 0; attempt < 8; attempt++) {
    await until(() => rtp.heard.length >= seen + 30, { within: 5_000, what: 'audio at the phone' });
    seen = rtp.heard.length;
    const pcm = decodeG711('PCMU', Buffer.concat(rtp.heard.slice(-20).map(({ payload }) => payload)));
    const { levelDbfs, snrDb } = measureTone(pcm, 8000, hz);
    if (snrDb > 25 && Math.abs(levelDbfs + 12) < 1) return;
  }
  throw new Error(`the phone does not hear ${hz} Hz`);
}

/** What the agent hears, once that is the caller's tone; every frame lasts 20 ms. */
async function agentHears({ call }: Talk, rateHz: number): Promise<void> {
  for (let attempt = 0; attempt < 8; attempt++) {
    const seen = call.frames.length;
    await until(() => call.frames.length >= seen + 30, { within: 5_000, what: 'audio at the agent' });
    expect(new Set(call.frames.map(({ length }) => length))).toEqual(new Set([rateHz / 25]));
    const { levelDbfs, snrDb } = measureTone(call.heard(rateHz, 400), rateHz, CALLER_HZ);
    if (snrDb > 25 && Math.abs(levelDbfs + 12) < 1) return;
  }
  throw new Error('the agent does not hear the caller');
}

async function isSilent({ rtp }: Talk, afterMs: number): Promise<void> {
  const late = () => rtp.heard.filter(({ at }) => at > afterMs);
  await until(() => late().length > 5, { within: 3_000, what: 'what follows' });
  expect(late().every(({ payload }) => payload.every((byte) => byte === SILENCE))).toBe(true);
}

const tone = (hz: number, rateHz: number, sec: number): Int16Array =>
  new ToneGenerator(hz, rateHz, -12).next(rateHz * sec);

async function pressSeven({ rtp, dialog }: Talk): Promise<void> {
  const port = rtpPortOf(dialog.remoteSdp);
  await rtp.sendDigit('7', 100, { port, payloadType: 101, ssrc: 5, step: 160, eventStep: 160 });
}

async function survives(talked: Talk): Promise<void> {
  const { call, rtp, dialog } = talked;
  for (const text of [
    'no json',
    '{}',
    '[1]',
    '"clear"',
    '{"type":"mark"}',
    '{"action":7}',
    '{"type":"playAudio","data":{}}',
  ])
    call.sendRaw(text);
  call.sendRaw(Buffer.from([1]));
  // Twelve minutes at once: what is more than ten is dropped.
  for (let i = 0; i < 12; i++) call.say(new Int16Array(60 * 8000), 1_000_000);
  await until(() => rtp.heard.length > 20, { within: 5_000, what: 'a call that goes on' });
  const bye = dialog.awaitBye();
  call.close();
  await bye;
  await rtp.close();
}

describe('an agent that speaks as to Vonage', () => {
  test('is told the format first, shown the token, and hears and is heard', async () => {
    const talked = await talk(vonage, 'vonage', tone(700, 16_000, 4));
    const { call } = talked;
    expect(call.firstIs).toBe('text');
    expect(call.request.url).toBe('/socket/carol?to=vonage');
    expect(call.request.headers.authorization).toBe('Bearer token-of-the-agent');
    expect(call.texts[0]).toEqual({
      event: 'websocket:connected',
      'content-type': 'audio/l16;rate=16000',
      caller: 'carol',
      sampleRate: 'no',
    });
    talked.callerSpeaks();
    await phoneHears(talked, 700);
    await agentHears(talked, 16_000);
    talked.rtp.pause();
    await pressSeven(talked);
    await until(() => call.texts.length > 1, { within: 3_000, what: 'the key' });
    expect(call.texts[1]).toEqual({ event: 'websocket:dtmf', digit: '7', duration: expect.any(Number) });
    await talked.end();
    await until(() => call.closeCode === 1000, { within: 3_000, what: 'the end' });
    expect(gateway.output).not.toContain('token-of-the-agent');
  });

  test('is notified of what was played, and clears the rest', async () => {
    const talked = await talk(vonage, 'vonage', tone(700, 16_000, 0.2));
    const { call } = talked;
    call.send({ action: 'notify', payload: { part: 1 } });
    call.say(tone(800, 16_000, 4));
    call.send({ action: 'notify', payload: { part: 2 } });
    await until(() => call.texts.length > 1, { within: 3_000, what: 'the notification' });
    await phoneHears(talked, 800);
    const at = performance.now();
    call.send({ action: 'clear' });
    await until(() => call.texts.length > 2, { within: 3_000, what: 'the word that it is clear' });
    await isSilent(talked, at + 150);
    expect(call.texts.slice(1)).toEqual([
      { event: 'websocket:notify', payload: { part: 1 } },
      { event: 'websocket:cleared' },
    ]);
    await talked.end();
  });

  test('survives nonsense and floods, and hangs up by closing', async () => {
    await survives(await talk(vonage, 'vonage'));
  });

  test('is reached by TLS when its authority is known, and else not', async () => {
    const talked = await talk(secure, 'secure', tone(700, 24_000, 3));
    expect(talked.call.texts[0]).toMatchObject({ 'content-type': 'audio/l16;rate=24000' });
    await phoneHears(talked, 700);
    const bye = talked.dialog.awaitBye();
    talked.call.close();
    await bye;
    await talked.rtp.close();
    await expect(phone.call('distrusted', audioSdp(9, PCMU))).rejects.toEqual(new CallRefused(480));
  });
});

describe('an agent that speaks as to jambonz', () => {
  test('is told of the call first, shown the password, and hears and is heard', async () => {
    const talked = await talk(jambonz, 'jambonz', tone(700, 8000, 4));
    const { call } = talked;
    expect(call.firstIs).toBe('text');
    expect(call.request.headers['sec-websocket-protocol']).toBe('audio.jambonz.org');
    expect(call.request.headers['x-place']).toBe('test');
    expect(call.request.headers.authorization).toBe(`Basic ${btoa('gateway:password-of-the-agent')}`);
    expect(call.texts[0]).toEqual({
      callSid: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      callId: expect.any(String),
      from: 'carol',
      to: 'jambonz',
      direction: 'inbound',
      callStatus: 'in-progress',
      sampleRate: 8000,
      mixType: 'mono',
      caller: 'carol',
      event: 'no',
    });
    talked.callerSpeaks();
    await phoneHears(talked, 700);
    await agentHears(talked, 8000);
    talked.rtp.pause();
    await pressSeven(talked);
    await until(() => call.texts.length > 1, { within: 3_000, what: 'the key' });
    expect(call.texts[1]).toEqual({ event: 'dtmf', dtmf: '7', duration: expect.stringMatching(/^\d+$/) });
    await talked.end();
    await until(() => call.closeCode === 1000, { within: 3_000, what: 'the end' });
  });

  test('has its marks told: played, cleared one by one, and killed with the audio', async () => {
    const talked = await talk(jambonz, 'jambonz', tone(700, 8000, 0.2));
    const { call } = talked;
    const mark = (name: string): void => call.send({ type: 'mark', data: { name } });
    mark('one');
    call.say(tone(800, 8000, 4));
    await until(() => call.texts.length > 1, { within: 3_000, what: 'the first mark' });
    mark('two');
    call.send({ type: 'clearMarks' });
    mark('three');
    await until(() => call.texts.length > 2, { within: 3_000, what: 'the second mark' });
    await phoneHears(talked, 800);
    const at = performance.now();
    call.send({ type: 'killAudio' });
    await until(() => call.texts.length > 3, { within: 3_000, what: 'the last mark' });
    await isSilent(talked, at + 150);
    const told = call.texts.slice(1).map(({ data }) => data);
    expect(told).toEqual([
      { name: 'one', event: 'playout' },
      { name: 'two', event: 'cleared' },
      { name: 'three', event: 'cleared' },
    ]);
    await talked.end();
  });

  test('may send what is to be played whole, raw or as WAV, and disconnects', async () => {
    const talked = await talk(jambonz, 'jambonz');
    const { call } = talked;
    const play = (content: Buffer, data: object): void =>
      call.send({ type: 'playAudio', data: { audioContent: content.toString('base64'), ...data } });
    play(littleEndian(tone(600, 16_000, 1)), {
      audioContentType: 'raw',
      sampleRate: '16000',
      id: 'a',
      queuePlay: true,
    });
    const wav = writeWav({ rateHz: 24_000, channels: [tone(900, 24_000, 2)] });
    play(Buffer.from(wav), { audioContentType: 'wav', id: 'b', queuePlay: true });
    await phoneHears(talked, 600);
    await phoneHears(talked, 900);
    expect(call.texts.slice(1)).toEqual([{ type: 'playDone', data: { id: 'a' } }]);
    const bye = talked.dialog.awaitBye();
    call.send({ type: 'disconnect' });
    await bye;
    await talked.rtp.close();
  });

  test('survives nonsense and floods; one that refuses the upgrade is not there', async () => {
    await survives(await talk(jambonz, 'jambonz'));
    await expect(phone.call('refusing', audioSdp(9, PCMU))).rejects.toEqual(new CallRefused(480));
  });
});
