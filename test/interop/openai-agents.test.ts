/**
 * The OpenAI Agents SDK as it stands, on both sides of us: an application with its Twilio transport behind Media Streams,
 * and a model behind Realtime, which is a server that speaks in the event types of OpenAI's own library.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { RealtimeAgent, RealtimeSession, tool } from '@openai/agents/realtime';
import { TwilioRealtimeTransportLayer } from '@openai/agents-extensions';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { z } from 'zod';
import { PROMPTS } from '../../src/agents/built-in/prompts.ts';
import { decodeG711, encodeG711, ToneGenerator } from '../../src/audio/index.ts';
import { BARESIP_HZ, Baresip } from '../support/baresip.ts';
import { Gateway } from '../support/gateway.ts';
import { OpenAiServer, type OpenAiSession } from '../support/openai-server.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { audioSdp, type PhoneDialog, rtpPortOf, SipPhone } from '../support/sip-phone.ts';
import { strongestHz } from '../support/sound.ts';
import { until } from '../support/until.ts';

const BASE = 26_600;
const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];
const SILENCE = 0xff;
const KEY = 'sk-of-the-application';

/** The application: what people write with the SDK, a dozen lines. */
class Application {
  readonly errors: unknown[] = [];
  /** Places whose weather was asked for. */
  readonly asked: string[] = [];
  readonly #server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  readonly #model: string;

  constructor(model: string) {
    this.#model = model;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/media-stream`;
  }

  async start(): Promise<void> {
    await once(this.#server, 'listening');
    this.#server.on('connection', (socket) => {
      const weather = tool({
        name: 'weather',
        description: 'Tells the weather of a place.',
        parameters: z.object({ place: z.string() }),
        execute: async ({ place }) => {
          this.asked.push(place);
          return `It rains in ${place}.`;
        },
      });
      const agent = new RealtimeAgent({ name: 'Greeter', instructions: 'You greet people.', tools: [weather] });
      const transport = new TwilioRealtimeTransportLayer({ twilioWebSocket: socket, url: this.#model });
      const session = new RealtimeSession(agent, { transport, model: 'gpt-realtime' });
      session.on('error', (error) => this.errors.push(error));
      session.connect({ apiKey: KEY }).catch((error: unknown) => this.errors.push(error));
    });
  }

  async stop(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

let gateway: Gateway;
let model: OpenAiServer;
let application: Application;
let phone: SipPhone;
let rtp: RtpPeer;
let sessions = 0;

beforeAll(async () => {
  process.env['TEST_SDK_KEY'] = KEY;
  model = await OpenAiServer.start();
  application = new Application(model.url);
  await application.start();
  gateway = await Gateway.start({
    base: BASE,
    settings: {
      agents: [
        { name: 'application', protocol: 'twilio', url: application.url, warmUpSec: 0 },
        {
          name: 'model',
          protocol: 'openai',
          url: model.url,
          apiKeyEnv: 'TEST_SDK_KEY',
          warmUpSec: 0,
          retry: { attempts: 0 },
          fallback: { say: PROMPTS.goodbye },
        },
      ],
    },
  });
  rtp = await RtpPeer.open();
  const { password } = gateway.credentials('carol');
  phone = await SipPhone.open({ user: 'carol', password, domain: gateway.domain, gatewayPort: gateway.sipPort });
  await phone.register();
});
afterAll(async () => {
  await rtp?.close();
  await phone?.close();
  await gateway?.stop();
  await application?.stop();
  await model?.stop();
});
beforeEach(() => {
  rtp.heard.length = 0;
});

const numbered = (frames: number): Buffer =>
  Buffer.concat(Array.from({ length: frames }, (_, index) => Buffer.alloc(160, index % 200)));
const spoken = (): number[] => rtp.heard.map(({ payload }) => payload[0] ?? -1).filter((value) => value !== SILENCE);

async function talk(target: string): Promise<{ session: OpenAiSession; dialog: PhoneDialog }> {
  const starting = model.session(sessions++);
  const dialog = await phone.call(target, audioSdp(rtp.port, PCMU));
  return { session: await starting, dialog };
}

/** Frames that all differ from silence; the answer stops them. */
function speak(dialog: PhoneDialog): () => void {
  const frames = Array.from({ length: 50 }, (_, index) => Buffer.alloc(160, 100 + index));
  rtp.play(frames, { port: rtpPortOf(dialog.remoteSdp), payloadType: 0, ssrc: 4, step: 160 });
  return () => rtp.pause();
}

describe.each(['application', 'model'])('the SDK as %s', (target) => {
  test('talks with a phone: every frame both ways, in its order', async () => {
    const { session, dialog } = await talk(target);
    expect(model.authorizations.at(-1)).toBe(`Bearer ${KEY}`);
    const pause = speak(dialog);
    session.say(numbered(40));
    await until(() => spoken().length >= 40, { within: 5_000, what: 'its words' });
    expect(spoken()).toEqual(Array.from({ length: 40 }, (_, index) => index));
    const frames = (): number[] =>
      [...session.heard].filter((_, index) => index % 160 === 0).filter((b) => b !== SILENCE);
    await until(() => frames().length > 60, { within: 5_000, what: 'the caller' });
    pause();
    // Nothing is put between two frames of the caller, as the SDK does where our timestamps seem to leave a gap.
    const { heard } = session;
    const first = heard.findIndex((byte) => byte !== SILENCE);
    const speech = heard.subarray(first, first + 60 * 160);
    const steps = [...speech].filter((_, index) => index % 160 === 0);
    expect(speech.every((byte, index) => byte === steps[Math.floor(index / 160)])).toBe(true);
    await dialog.bye();
    await until(() => session.isClosed, { within: 3_000, what: 'the end of the session' });
    expect(session.objections).toEqual([]);
  });

  test('is talked over: silence, and what was not heard is forgotten', async () => {
    const { session, dialog } = await talk(target);
    const item = session.say(numbered(190));
    await until(() => spoken().length >= 25, { within: 5_000, what: 'its words' });
    session.noticeSpeech();
    const [truncated] = await until(
      () => {
        const all = session.of('conversation.item.truncate');
        return all.length > 0 ? all : undefined;
      },
      { within: 3_000, what: 'the truncation' },
    );
    const settled = performance.now() + 200;
    await until(() => (rtp.heard.at(-1)?.at ?? 0) > settled, { within: 3_000, what: 'what follows' });
    const heardMs = spoken().length * 20;
    expect(heardMs).toBeLessThan(190 * 20);
    expect(truncated).toMatchObject({ item_id: item, content_index: 0 });
    // The SDK counts in whole deltas of 250 ms, by the marks that have come back, and adds 50 ms.
    const tolerance = target === 'model' ? 20 : 300;
    expect(Math.abs((truncated?.audio_end_ms ?? 0) - heardMs)).toBeLessThanOrEqual(tolerance);
    session.say(Buffer.alloc(1600, 201));
    await until(() => spoken().includes(201), { within: 3_000, what: 'its next words' });
    await dialog.bye();
    expect(session.objections).toEqual([]);
  });
});

test('a baresip phone hears the model through the application, and is heard', async () => {
  const { password } = gateway.credentials('alice');
  const baresip = await Baresip.start({
    user: 'alice',
    password,
    domain: gateway.domain,
    proxy: gateway.sipAddress,
    base: BASE + 100,
    codecs: ['PCMU'],
  });
  try {
    const starting = model.session(sessions++);
    baresip.dial(`sip:application@${gateway.domain}`);
    await baresip.waitFor('CALL_ESTABLISHED');
    const session = await starting;
    session.say(Buffer.from(encodeG711('PCMU', new ToneGenerator(600, 8000, -12).next(8 * 2500))));
    const loud = (): Float32Array => {
      const samples = decodeG711('PCMU', session.heard.subarray(-8000));
      return Float32Array.from(samples, (sample) => sample / 32_768);
    };
    await until(() => session.heard.length > 20_000 && loud().some((sample) => Math.abs(sample) > 0.05), {
      within: 8_000,
      what: 'the phone',
    });
    expect(Math.abs(strongestHz({ rateHz: 8000, samples: loud() }) - BARESIP_HZ)).toBeLessThanOrEqual(5);
    baresip.command('hangup');
    await baresip.waitFor('CALL_CLOSED');
    const heard = await baresip.heard();
    expect(Math.abs(strongestHz(heard) - 600)).toBeLessThanOrEqual(5);
  } finally {
    await baresip.stop();
  }
});

test('a tool of the application is called, and its answer reaches the model', async () => {
  const { session, dialog } = await talk('application');
  const callId = session.callFunction('weather', '{"place":"Bergen"}');
  const output = await until(
    () =>
      session
        .of('conversation.item.create')
        .map(({ item }) => item)
        .find((item) => item.type === 'function_call_output'),
    { within: 3_000, what: 'the answer of the tool' },
  );
  expect(output).toMatchObject({ call_id: callId, output: 'It rains in Bergen.' });
  expect(application.asked).toEqual(['Bergen']);
  await until(() => session.of('response.create').length > 0, { within: 3_000, what: 'the wish for an answer' });
  await dialog.bye();
  expect(application.errors).toEqual([]);
  expect(session.objections).toEqual([]);
});

test('a model that breaks off for good ends the call, with a word to the caller', async () => {
  const { session, dialog } = await talk('model');
  const bye = dialog.awaitBye();
  session.drop();
  await bye;
});
