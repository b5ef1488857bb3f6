/** A browser and each protocol of agents: both hear each other, whatever has to be transcoded between them. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { decodeG711, encodeG711, measureTone, ToneGenerator } from '../../src/audio/index.ts';
import { AudioSocketAgent } from '../support/audio-socket.ts';
import { Chromium, MICROPHONE_HZ, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { LinearAgent } from '../support/linear-agent.ts';
import { MediaStreamAgent } from '../support/media-stream-agent.ts';
import { RealtimeServer } from '../support/realtime-server.ts';
import { strongestHz } from '../support/sound.ts';
import { until } from '../support/until.ts';

const AGENT_HZ = 700;
const HEARD_MS = 600;

let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;
let twilio: MediaStreamAgent;
let openai: RealtimeServer;
let vonage: LinearAgent;
let jambonz: LinearAgent;
let audiosocket: AudioSocketAgent;

beforeAll(async () => {
  [twilio, openai, vonage, jambonz, audiosocket] = await Promise.all([
    MediaStreamAgent.start(),
    RealtimeServer.start(),
    LinearAgent.start(),
    LinearAgent.start(),
    AudioSocketAgent.start(),
  ]);
  gateway = await Gateway.start({
    base: 27_400,
    settings: {
      agents: [
        { name: 'twilio', protocol: 'twilio', url: twilio.url },
        { name: 'openai', protocol: 'openai', url: openai.url, encoding: 'L16', greeting: '' },
        { name: 'vonage', protocol: 'vonage', url: vonage.url, rateHz: 24_000 },
        { name: 'jambonz', protocol: 'jambonz', url: jambonz.url, rateHz: 16_000 },
        { name: 'audiosocket', protocol: 'audiosocket', address: audiosocket.address },
      ],
    },
  });
  chromium = await Chromium.launch();
  alice = await chromium.softphone(gateway.origin);
  await alice.register(gateway.credentials('alice'));
});
afterAll(async () => {
  await chromium?.close();
  await gateway?.stop();
  await Promise.all([twilio, openai, vonage, jambonz, audiosocket].map((each) => each?.stop()));
});

const tone = (rateHz: number): Int16Array => new ToneGenerator(AGENT_HZ, rateHz, -12).next(rateHz * 20);
const samples = (bytes: Buffer): Int16Array =>
  Int16Array.from({ length: bytes.length >> 1 }, (_, at) => bytes.readInt16LE(2 * at));
const bytesOf = (pcm: Int16Array): Buffer => Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);

/** Takes the next call, speaks, and says what it has heard last. */
interface Taking {
  readonly rateHz: number;
  readonly take: () => Promise<() => Int16Array>;
}

const adapters: Readonly<Record<string, Taking>> = {
  twilio: {
    rateHz: 8000,
    take: async () => {
      const stream = await twilio.stream(0);
      stream.say(Buffer.from(encodeG711('PCMU', tone(8000))));
      return () => decodeG711('PCMU', stream.heard.subarray(-8 * HEARD_MS));
    },
  },
  openai: {
    rateHz: 24_000,
    take: async () => {
      const session = await openai.session(0);
      session.respond('resp_1', 'item_1', bytesOf(tone(24_000)));
      return () => samples(session.heard.subarray(-48 * HEARD_MS));
    },
  },
  vonage: {
    rateHz: 24_000,
    take: async () => {
      const call = await vonage.next()();
      call.say(tone(24_000));
      return () => call.heard(24_000, HEARD_MS);
    },
  },
  jambonz: {
    rateHz: 16_000,
    take: async () => {
      const call = await jambonz.next()();
      call.say(tone(16_000));
      return () => call.heard(16_000, HEARD_MS);
    },
  },
  audiosocket: {
    rateHz: 8000,
    take: async () => {
      const call = await audiosocket.next()();
      call.say(0x10, 8000, tone(8000));
      return () => call.heard(0x10, 8000, HEARD_MS);
    },
  },
};

describe('a browser and an agent', () => {
  test.each(Object.entries(adapters))('that speaks %s hear each other', async (name, { rateHz, take }) => {
    const taking = take();
    await alice.call(name);
    const heard = await taking;
    await alice.callIs('active');
    const hears = async (): Promise<boolean> => Math.abs(strongestHz(await alice.hear(1)) - AGENT_HZ) <= 5;
    await until(hears, { within: 10_000, every: 200, what: 'the agent, in the browser' });
    await until(() => measureTone(heard(), rateHz, MICROPHONE_HZ).snrDb > 10, {
      within: 10_000,
      every: 500,
      what: 'the browser, at the agent',
    });
    await alice.hangUp();
    await alice.callIs('ended');
    const isRecorded = async (): Promise<boolean> => (await gateway.calls())[0]?.endReason === 'hangup-caller';
    await until(isRecorded, { within: 5_000, what: 'the record' });
  });
});
