/** A browser and a trunk with each protocol of agents: both hear each other, whatever has to be transcoded between them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeG711, encodeG711, measureTone, ToneGenerator } from '../../src/audio/index.ts';
import type { CallRecord } from '../../src/calls/index.ts';
import { AudioSocketAgent } from '../support/audio-socket.ts';
import { BARESIP_HZ, Baresip } from '../support/baresip.ts';
import { Chromium, MICROPHONE_HZ, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { LinearAgent } from '../support/linear-agent.ts';
import { MediaStreamAgent } from '../support/media-stream-agent.ts';
import { RealtimeServer } from '../support/realtime-server.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { audioSdp } from '../support/sip-phone.ts';
import { SippCall } from '../support/sipp-call.ts';
import { SippScenario } from '../support/sipp-scenario.ts';
import { strongestHz } from '../support/sound.ts';
import { until } from '../support/until.ts';

const BASE = 27_400;
const SIPP_PORT = BASE + 90;
const AGENT_HZ = 700;
const TRUNK_HZ = 1300;
const HEARD_MS = 600;

let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;
let twilio: MediaStreamAgent;
let openai: RealtimeServer;
let vonage: LinearAgent;
let jambonz: LinearAgent;
let audiosocket: AudioSocketAgent;
let phone: Baresip;

beforeAll(async () => {
  [twilio, openai, vonage, jambonz, audiosocket] = await Promise.all([
    MediaStreamAgent.start(),
    RealtimeServer.start(),
    LinearAgent.start(),
    LinearAgent.start(),
    AudioSocketAgent.start(),
  ]);
  gateway = await Gateway.start({
    base: BASE,
    trunks: [{ name: 'pbx', address: `127.0.0.1:${SIPP_PORT}` }],
    settings: {
      agents: [
        { name: 'twilio', protocol: 'twilio', url: twilio.url },
        { name: 'openai', protocol: 'openai', url: openai.url, encoding: 'L16', greeting: '' },
        { name: 'vonage', protocol: 'vonage', url: vonage.url, rateHz: 24_000 },
        { name: 'jambonz', protocol: 'jambonz', url: jambonz.url, rateHz: 16_000 },
        { name: 'audiosocket', protocol: 'audiosocket', address: audiosocket.address },
        { name: 'sip', protocol: 'sip', uri: `sip:bob@127.0.0.1:${BASE + 100}` },
      ],
    },
  });
  phone = await Baresip.start({
    ...gateway.credentials('bob'),
    proxy: gateway.sipAddress,
    base: BASE + 100,
    codecs: ['PCMU'],
  });
  chromium = await Chromium.launch();
  alice = await chromium.softphone(gateway.origin);
  await alice.register(gateway.credentials('alice'));
});
afterAll(async () => {
  await phone?.stop();
  await chromium?.close();
  await gateway?.stop();
  await Promise.all([twilio, openai, vonage, jambonz, audiosocket].map((each) => each?.stop()));
});

const tone = (rateHz: number): Int16Array => new ToneGenerator(AGENT_HZ, rateHz, -12).next(rateHz * 20);
const samples = (bytes: Buffer): Int16Array =>
  Int16Array.from({ length: bytes.length >> 1 }, (_, at) => bytes.readInt16LE(2 * at));
const bytesOf = (pcm: Int16Array): Buffer => Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);

/** Takes the next call, speaks, and says what it has heard last. */
interface Agent {
  /** Of what it hears. */
  readonly rateHz: number;
  /** What it says. */
  readonly hz: number;
  readonly take: () => Promise<() => Promise<Int16Array>>;
}

const agents: Readonly<Record<string, Agent>> = {
  twilio: {
    rateHz: 8000,
    hz: AGENT_HZ,
    take: async () => {
      const stream = await twilio.stream(twilio.streams.length);
      stream.say(Buffer.from(encodeG711('PCMU', tone(8000))));
      return async () => decodeG711('PCMU', stream.heard.subarray(-8 * HEARD_MS));
    },
  },
  openai: {
    rateHz: 24_000,
    hz: AGENT_HZ,
    take: async () => {
      const session = await openai.session(openai.sessions.length);
      session.respond('resp_1', 'item_1', bytesOf(tone(24_000)));
      return async () => samples(session.heard.subarray(-48 * HEARD_MS));
    },
  },
  vonage: {
    rateHz: 24_000,
    hz: AGENT_HZ,
    take: async () => {
      const call = await vonage.next()();
      call.say(tone(24_000));
      return async () => call.heard(24_000, HEARD_MS);
    },
  },
  jambonz: {
    rateHz: 16_000,
    hz: AGENT_HZ,
    take: async () => {
      const call = await jambonz.next()();
      call.say(tone(16_000));
      return async () => call.heard(16_000, HEARD_MS);
    },
  },
  audiosocket: {
    rateHz: 8000,
    hz: AGENT_HZ,
    take: async () => {
      const call = await audiosocket.next()();
      call.say(0x10, 8000, tone(8000));
      return async () => call.heard(0x10, 8000, HEARD_MS);
    },
  },
  sip: {
    rateHz: 8000,
    hz: BARESIP_HZ,
    take: async () => {
      await phone.waitFor('CALL_ESTABLISHED', { since: performance.now() });
      return async () => {
        // Nothing is written yet.
        const { samples: heard } = await phone.heard().catch(() => ({ samples: new Float32Array() }));
        return Int16Array.from(heard.slice(-8 * HEARD_MS), (value) => 32_767 * value);
      };
    },
  },
};

/** Who is on the line with an agent. */
interface Caller {
  /** What the agent hears. */
  readonly hz: number;
  readonly call: (agent: string) => Promise<Calling>;
}

interface Calling {
  hears(): Promise<number>;
  hangUp(): Promise<void>;
}

const callers: Readonly<Record<string, Caller>> = {
  browser: {
    hz: MICROPHONE_HZ,
    call: async (agent) => {
      await alice.call(agent);
      await alice.callIs('active');
      return {
        hears: async () => strongestHz(await alice.hear(1)),
        hangUp: async () => {
          await alice.hangUp();
          await alice.callIs('ended');
        },
      };
    },
  },
  trunk: { hz: TRUNK_HZ, call: callOverTrunk },
};

/** SIPp's signaling, and a tone in G.711 µ-law beside it. */
async function callOverTrunk(service: string): Promise<Calling> {
  const rtp = await RtpPeer.open();
  const body = audioSdp(rtp.port, ['0 PCMU/8000', '101 telephone-event/8000']).replaceAll('\r', '');
  const scenario = new SippScenario()
    .request('INVITE', { body })
    .optional(100)
    .optional(180)
    .dialogResponse(200)
    .ack()
    .gate('talking')
    .request('BYE')
    .response(200);
  const sipp = await SippCall.start({ scenario, port: SIPP_PORT, to: gateway.sipAddress, service });
  await sipp.reached('talking');
  const first = await until(() => rtp.heard[0], { within: 8_000, what: 'RTP from the gateway' });
  const said = new ToneGenerator(TRUNK_HZ, 8000, -12);
  const frames = Array.from({ length: 50 }, () => Buffer.from(encodeG711('PCMU', said.next(160))));
  rtp.play(frames, { payloadType: 0, ssrc: 7, step: 160, port: first.fromPort });
  return {
    hears: async () => {
      const from = rtp.heard.length;
      await until(() => rtp.heard.length >= from + 50, { within: 5_000, what: 'a second of RTP' });
      const codes = Buffer.concat(rtp.heard.slice(from).map(({ payload }) => payload));
      return strongestHz({
        rateHz: 8000,
        samples: Float32Array.from(decodeG711('PCMU', codes), (value) => value / 32_768),
      });
    },
    hangUp: async () => {
      await sipp.pass('talking');
      await sipp.done();
      await rtp.close();
    },
  };
}

const pairs = Object.keys(callers).flatMap((caller) => Object.keys(agents).map((agent) => [caller, agent] as const));

describe('both hear each other', () => {
  test.each(pairs)('%s ⇄ %s', async (callerName, agentName) => {
    const [caller, agent] = [callers[callerName], agents[agentName]];
    if (caller === undefined || agent === undefined) throw new Error('no such pair');
    const taking = agent.take();
    const calling = await caller.call(agentName);
    const heard = await taking;
    await until(async () => Math.abs((await calling.hears()) - agent.hz) <= 5, {
      within: 10_000,
      every: 200,
      what: `the agent, at the ${callerName}`,
    });
    await until(async () => measureTone(await heard(), agent.rateHz, caller.hz).snrDb > 10, {
      within: 10_000,
      every: 500,
      what: `the ${callerName}, at the agent`,
    });
    await calling.hangUp();
    const ended = async (): Promise<CallRecord | undefined> =>
      (await gateway.calls()).slice(0, 1).find(({ endedAt }) => endedAt !== undefined);
    const record = await until(ended, { within: 5_000, what: 'the record' });
    expect(record.to).toContain(`sip:${agentName}@`);
    expect(record).toMatchObject({ endReason: 'hangup-caller', ...(callerName === 'trunk' ? { trunk: 'pbx' } : {}) });
  });
});
