/** An agent behind Twilio Media Streams, as an application sees it, called by a phone and by a browser. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROMPTS } from '../../src/agents/built-in/prompts.ts';
import { decodeG711, encodeG711, ToneGenerator } from '../../src/audio/index.ts';
import { bargeIn, heardOf } from '../support/barge-ins.ts';
import { Chromium, MICROPHONE_HZ } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { MediaStreamAgent, type Stream } from '../support/media-stream-agent.ts';
import { prompt } from '../support/prompt.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { audioSdp, CallRefused, type PhoneDialog, rtpPortOf, SipPhone } from '../support/sip-phone.ts';
import { rmsOf, strongestHz } from '../support/sound.ts';
import { until } from '../support/until.ts';

const BASE = 26_800;
const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];
const SILENCE = 0xff;

let gateway: Gateway;
let agent: MediaStreamAgent;
let phone: SipPhone;
let streams = 0;

beforeAll(async () => {
  agent = await MediaStreamAgent.start();
  gateway = await Gateway.start({
    base: BASE,
    settings: {
      agents: [
        {
          name: 'assistant',
          protocol: 'twilio',
          // biome-ignore lint/suspicious/noTemplateCurlyInString: the configuration's own placeholders
          url: `${agent.url}/stream/\${from}`,
          headers: { authorization: 'Bearer of-the-agent' },
          // biome-ignore lint/suspicious/noTemplateCurlyInString: the configuration's own placeholders
          parameters: { from_number: '${from}', to_number: '${to}' },
          warmUpSec: 1,
        },
        { name: 'nobody', protocol: 'twilio', url: 'ws://127.0.0.1:9', connectTimeoutSec: 1 },
        {
          name: 'alone',
          protocol: 'twilio',
          url: `${agent.url}/alone`,
          retry: { attempts: 0 },
          fallback: { to: 'spare' },
        },
        {
          name: 'spare',
          protocol: 'twilio',
          url: `${agent.url}/spare`,
          retry: { attempts: 0 },
          fallback: { say: PROMPTS.goodbye },
        },
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
});

/** Frames of 20 ms, each of them of another byte, so that a test can tell which was heard. */
const numbered = (count: number, from = 0): Buffer[] =>
  Array.from({ length: count }, (_, index) => Buffer.alloc(160, (from + index) % 100));

interface Talk {
  readonly stream: Stream;
  readonly rtp: RtpPeer;
  readonly dialog: PhoneDialog;
  /** What the phone has heard, without the silence around it. */
  readonly speech: () => number[];
  readonly end: () => Promise<void>;
}

/** Calls the agent, which says `greeting` as soon as its stream starts. */
async function talk(greeting: Buffer = Buffer.alloc(0), target = 'assistant'): Promise<Talk> {
  const rtp = await RtpPeer.open();
  const index = streams++;
  const starting = agent.stream(index).then((stream) => {
    if (greeting.length > 0) stream.say(greeting);
    return stream;
  });
  const dialog = await phone.call(target, audioSdp(rtp.port, PCMU));
  const stream = await starting;
  const speech = (): number[] => rtp.heard.map(({ payload }) => payload[0] ?? -1).filter((value) => value !== SILENCE);
  const end = async (): Promise<void> => {
    await rtp.close();
    await dialog.bye();
  };
  return { stream, rtp, dialog, speech, end };
}

describe('an agent behind Media Streams', () => {
  test('is told of the call in the order that applications depend on', async () => {
    const { stream, end } = await talk();
    await until(() => stream.of('media').length > 20, { within: 5_000, what: 'the sound' });
    expect(stream.request.url).toBe('/stream/carol');
    expect(stream.request.headers.authorization).toBe('Bearer of-the-agent');
    const [connected, start, ...media] = stream.messages;
    expect(connected).toMatchObject({ event: 'connected', protocol: 'Call', version: '1.0.0' });
    expect(connected?.sequenceNumber).toBeUndefined();
    expect(start).toMatchObject({
      event: 'start',
      sequenceNumber: '1',
      start: {
        mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
        tracks: ['inbound'],
        customParameters: { from_number: 'carol', to_number: 'assistant' },
      },
    });
    expect(start?.streamSid).toMatch(/^MZ[0-9a-f]{32}$/);
    expect(start?.start?.callSid).toMatch(/^CA[0-9a-f]{32}$/);
    expect(media.map(({ sequenceNumber }) => Number(sequenceNumber))).toEqual(media.map((_, i) => i + 2));
    expect(media.map(({ media: { chunk } = {} }) => Number(chunk))).toEqual(media.map((_, i) => i + 1));
    const times = media.map(({ media: { timestamp = '' } = {} }) => timestamp);
    expect(times.every((text) => /^\d+$/.test(text))).toBe(true);
    await end();
    await until(() => stream.closeCode !== undefined, { within: 3_000, what: 'the end' });
    expect(stream.messages.at(-1)?.event).toBe('stop');
    expect(stream.closeCode).toBe(1000);
  });

  test('speaks in bursts: every frame is heard once, in its order, and the greeting is complete', async () => {
    const call = await talk(Buffer.concat(numbered(50)));
    await until(() => call.speech().length >= 50, { within: 5_000, what: 'the greeting' });
    expect(call.speech()).toEqual(numbered(50).map((frame) => frame[0]));
    const { heard } = call.rtp;
    expect(heard.map(({ sequence }) => sequence)).toEqual(
      heard.map((_, i) => ((heard[0]?.sequence ?? 0) + i) & 0xffff),
    );
    expect(heard.map(({ timestamp }) => timestamp)).toEqual(
      heard.map((_, i) => ((heard[0]?.timestamp ?? 0) + 160 * i) >>> 0),
    );
    await call.end();
  });

  test('marks come back when what was before them has been played, and a clear brings them at once, and silence', async () => {
    const call = await talk();
    call.stream.say(Buffer.concat(numbered(10)));
    call.stream.mark('first');
    call.stream.say(Buffer.concat(numbered(90, 10)));
    call.stream.mark();
    call.stream.mark('last');
    const marks = () => call.stream.of('mark').map(({ mark }) => mark?.name);
    await until(() => marks().length > 0, { within: 3_000, what: 'the first mark' });
    expect(call.speech().length).toBeLessThan(40);
    const at = performance.now();
    call.stream.clear();
    await until(() => marks().length === 3, { within: 3_000, what: 'the marks that were cleared' });
    expect(marks()).toEqual(['first', undefined, 'last']);
    await until(() => call.rtp.heard.filter((packet) => packet.at > at + 100).length > 5, {
      within: 3_000,
      what: 'what follows',
    });
    const late = call.rtp.heard.filter((packet) => packet.at > at + 100);
    expect(late.every(({ payload }) => payload.every((byte) => byte === SILENCE))).toBe(true);
    await call.end();
  });

  test('hears the caller byte by byte, and the keys', async () => {
    const call = await talk();
    const target = { port: rtpPortOf(call.dialog.remoteSdp), payloadType: 0, ssrc: 77, step: 160 };
    call.rtp.play(numbered(100), target);
    const spoken = () => {
      const { heard } = call.stream;
      return heard.filter((byte, index) => index % 160 === 0 && byte !== SILENCE);
    };
    await until(() => spoken().length > 60, { within: 5_000, what: 'the caller' });
    const frames = [...spoken()];
    const { heard } = call.stream;
    expect(heard.every((byte, index) => byte === heard[index - (index % 160)])).toBe(true);
    // What a stall of the machine has made late is dropped; the rest is whole and in order.
    const steps = frames.slice(1).map((value, i) => (value - (frames[i] ?? 0) + 100) % 100);
    expect(steps.every((step) => step > 0)).toBe(true);
    call.rtp.pause();
    await call.rtp.sendDigit('7', 100, { ...target, payloadType: 101, eventStep: 160 });
    await until(() => call.stream.of('dtmf').length > 0, { within: 3_000, what: 'the key' });
    expect(call.stream.of('dtmf').map(({ dtmf }) => dtmf)).toEqual([{ track: 'inbound_track', digit: '7' }]);
    await call.end();
  });

  test('is alive after nonsense, and hangs up by closing its stream', async () => {
    const call = await talk();
    for (const text of ['no json', '{}', '{"event":"media"}', '{"event":"unknown"}', '[1]']) call.stream.sendRaw(text);
    call.stream.sendRaw(Buffer.from([1, 2, 3]));
    call.stream.say(Buffer.concat(numbered(5)));
    await until(() => call.speech().length === 5, { within: 3_000, what: 'its words' });
    const bye = call.dialog.awaitBye();
    call.stream.close();
    await bye;
    await call.rtp.close();
    await expect.poll(() => gateway.output, { timeout: 5_000 }).toContain('message of an agent not understood');
  });

  test('what the record says was heard is what was heard, to 20 ms, however often it is cut off', async () => {
    const times = 12;
    const call = await talk();
    await bargeIn(call.stream, call.rtp, { times, random: seededRandom(1) });
    await call.end();
    const heard = heardOf(call.rtp, times);
    const agentOfLast = async () => (await gateway.calls())[0]?.legs.find(({ kind }) => kind === 'agent')?.agent;
    await until(async () => (await agentOfLast())?.utterances.length === times, { within: 3_000, what: 'the record' });
    const errors = (await agentOfLast())?.utterances.map(({ playedMs }, at) => Math.abs(playedMs - (heard[at] ?? 0)));
    expect(Math.max(...(errors ?? [Infinity]))).toBeLessThanOrEqual(20);
    expect((await agentOfLast())?.bargeIns).toBe(times);
  });

  test('that is killed is called again, and goes on in the same call', async () => {
    const call = await talk(Buffer.concat(numbered(10)));
    await until(() => call.speech().length >= 10, { within: 3_000, what: 'the greeting' });
    const again = agent.stream(streams++);
    call.stream.kill();
    const stream = await again;
    expect(stream.request.url).toBe('/stream/carol');
    stream.say(Buffer.concat(numbered(20, 40)));
    await until(
      () =>
        call.speech().slice(-20).join() ===
        numbered(20, 40)
          .map((frame) => frame[0])
          .join(),
      {
        within: 3_000,
        what: 'the new words',
      },
    );
    await call.end();
    const agentOfLast = async () => (await gateway.calls())[0]?.legs.find(({ kind }) => kind === 'agent')?.agent;
    await until(async () => (await agentOfLast())?.end === 'call-over', { within: 3_000, what: 'the record' });
    expect((await agentOfLast())?.reconnects).toBe(1);
  });

  test('that stays away leaves the caller to another agent, and a message says so when that is gone too', async () => {
    const call = await talk(Buffer.concat(numbered(5)), 'alone');
    const spare = agent.stream(streams++);
    call.stream.kill();
    const stream = await spare;
    expect(stream.request.url).toBe('/spare');
    stream.say(Buffer.concat(numbered(20, 40)));
    await until(() => call.speech().includes(59), { within: 3_000, what: 'the other agent' });
    const before = call.rtp.heard.length;
    const bye = call.dialog.awaitBye(15_000);
    stream.kill();
    await bye;
    await call.rtp.close();
    const message = Buffer.concat(call.rtp.heard.slice(before).map(({ payload }) => payload));
    expect(message.includes(prompt('goodbye').subarray(0, 4000))).toBe(true);
    const records = await until(
      async () => {
        const last = (await gateway.calls()).slice(0, 2);
        return last.every(({ endedAt }) => endedAt !== undefined) ? last : undefined;
      },
      { within: 3_000, what: 'both records' },
    );
    const ends = records.map(({ legs }) => legs.find(({ kind }) => kind === 'agent')?.agent);
    expect(ends.map((each) => [each?.end, each?.cause])).toEqual([
      ['lost', 'AGENT_LOST'],
      ['lost', 'AGENT_LOST'],
    ]);
  });

  test('that is not there refuses the call', async () => {
    await expect(phone.call('nobody', audioSdp(9, PCMU))).rejects.toEqual(new CallRefused(480));
  });

  test('and a browser hear each other, not a word of the greeting lost', async () => {
    const chromium = await Chromium.launch();
    try {
      const alice = await chromium.softphone(gateway.origin);
      await alice.register(gateway.credentials('alice'));
      const index = streams++;
      const greeting = encodeG711('PCMU', new ToneGenerator(600, 8000, -12).next(8 * 3000));
      const starting = agent.stream(index).then((stream) => {
        stream.say(Buffer.from(greeting));
        stream.mark('greeted');
        return stream;
      });
      await alice.call('assistant');
      await alice.callIs('active');
      const stream = await starting;
      const heard = await alice.hear(1);
      expect(rmsOf(heard)).toBeGreaterThan(0.02);
      expect(Math.abs(strongestHz(heard) - 600)).toBeLessThanOrEqual(5);
      await until(() => stream.of('mark').length > 0, { within: 5_000, what: 'the end of the greeting' });
      const microphone = decodeG711('PCMU', stream.heard.subarray(-8000));
      const samples = Float32Array.from(microphone, (sample) => sample / 32768);
      expect(Math.abs(strongestHz({ rateHz: 8000, samples }) - MICROPHONE_HZ)).toBeLessThanOrEqual(5);
      await alice.hangUp();
      await until(() => stream.closeCode === 1000, { within: 3_000, what: 'the end of the stream' });
    } finally {
      await chromium.close();
    }
  });
});
