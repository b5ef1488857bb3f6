/**
 * What goes wrong with agents of every protocol that is a WebSocket or an AudioSocket, and callers that hang up at every stage: each call
 * ends in a defined way with its cause in the record, nothing is left behind, and the call beside notices nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentRecord, CallRecord } from '../../src/calls/index.ts';
import { type Beside, phoneOf, talkBeside } from '../support/beside.ts';
import { DIALECTS, type Dialect, FAULTS, type Fault, FaultyAgents } from '../support/faulty-agents.ts';
import { FaultyAudioSockets, SOCKET_FAULTS } from '../support/faulty-audio-sockets.ts';
import { Gateway } from '../support/gateway.ts';
import { areBack, type Holdings, holdings } from '../support/holdings.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { audioSdp, CallRefused, type PhoneDialog, rtpPortOf, type SipPhone } from '../support/sip-phone.ts';
import { until } from '../support/until.ts';

const BASE = 26_400;
const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];
const SILENCE = 0xff;
const TOKEN = 'token-that-nobody-may-read';

type Protocol = Dialect['protocol'] | 'audiosocket';
const PROTOCOLS: readonly Protocol[] = [...DIALECTS.map(({ protocol }) => protocol), 'audiosocket'];

let agents: FaultyAgents;
let sockets: FaultyAudioSockets;
let gateway: Gateway;
let carol: SipPhone;
let beside: Beside;
let before: Holdings;

function common(protocol: Protocol, fault: Fault | 'slow') {
  return {
    name: `${protocol}-${fault}`,
    protocol,
    connectTimeoutSec: fault === 'hang' ? 1 : 5,
    warmUpSec: fault === 'slow' ? 20 : 0.1,
    // That a broken connection is made anew is tested where it is done.
    retry: { attempts: 0 },
  };
}

const faultOf = (name: Fault | 'slow'): Fault => (name === 'slow' ? 'mute' : name);

beforeAll(async () => {
  [agents, sockets] = await Promise.all([FaultyAgents.start(), FaultyAudioSockets.start()]);
  process.env['TEST_AGENT_TOKEN'] = TOKEN;
  const configs = DIALECTS.flatMap((dialect) =>
    [...FAULTS, 'slow' as const].map((fault) => ({
      ...common(dialect.protocol, fault),
      url: `${agents.urlOf(dialect, faultOf(fault))}?token=${TOKEN}`,
      headers: { 'x-api-key': TOKEN },
      ...(dialect.protocol === 'twilio' ? { authTokenEnv: 'TEST_AGENT_TOKEN' } : {}),
      ...(dialect.protocol === 'openai' ? { apiKeyEnv: 'TEST_AGENT_TOKEN' } : {}),
      ...(dialect.protocol === 'vonage' ? { tokenEnv: 'TEST_AGENT_TOKEN' } : {}),
      ...(dialect.protocol === 'jambonz' ? { username: 'viaduct', passwordEnv: 'TEST_AGENT_TOKEN' } : {}),
    })),
  );
  const socketConfigs = (['refuse', 'hang', ...SOCKET_FAULTS, 'slow'] as const).map((fault) => ({
    ...common('audiosocket', fault),
    address: sockets.addressOf(faultOf(fault)),
  }));
  // Calls follow each other faster than ports have rested.
  const media = { portRange: { min: BASE + 20, max: BASE + 199 } };
  gateway = await Gateway.start({ base: BASE, settings: { agents: [...configs, ...socketConfigs], media } });
  carol = await phoneOf(gateway, 'carol');
  beside = await talkBeside(gateway);
  before = await holdings(gateway);
});
afterAll(async () => {
  await beside?.stop();
  await carol?.close();
  await gateway?.stop();
  await Promise.all([agents?.stop(), sockets?.stop()]);
});

interface Talk {
  readonly name: string;
  readonly rtp: RtpPeer;
  readonly dialog: PhoneDialog;
  /** Frames heard that are no silence. */
  readonly words: () => number;
}

async function call(protocol: Protocol, fault: Fault | 'slow', giveUp?: Promise<void>): Promise<Talk> {
  const name = `${protocol}-${fault}`;
  const rtp = await RtpPeer.open();
  try {
    const dialog = await carol.call(name, audioSdp(rtp.port, PCMU), giveUp);
    const words = (): number => rtp.heard.filter(({ payload }) => payload.some((byte) => byte !== SILENCE)).length;
    return { name, rtp, dialog, words };
  } catch (error) {
    await rtp.close();
    throw error;
  }
}

/** Of the last call to it, once it is over. */
async function recordOf(protocol: Protocol, fault: Fault | 'slow'): Promise<CallRecord> {
  const to = `sip:${protocol}-${fault}@${gateway.domain}`;
  return until(
    async () => {
      const last = (await gateway.calls()).find((record) => record.to === to);
      return last?.endedAt === undefined ? undefined : last;
    },
    { within: 5_000, what: `the record of ${to}` },
  );
}

function agentIn({ legs }: CallRecord): AgentRecord | undefined {
  return legs.find(({ agent }) => agent !== undefined)?.agent;
}

/** The same with every protocol at the same time. */
async function withEach(body: (protocol: Protocol) => Promise<void>, protocols = PROTOCOLS): Promise<void> {
  const done = await Promise.allSettled(protocols.map(async (protocol) => body(protocol)));
  const failed = done.flatMap((result, index) =>
    result.status === 'rejected' ? [`${protocols[index]}: ${String(result.reason)}`] : [],
  );
  expect(failed).toEqual([]);
}

async function hangUp({ dialog, rtp }: Talk): Promise<void> {
  expect(await dialog.bye()).toBe(200);
  await rtp.close();
}

describe('an agent', () => {
  test.each<[Fault, string]>([
    ['refuse', 'AGENT_UNREACHABLE'],
    ['hang', 'AGENT_TIMEOUT'],
  ])('that does this is one that is not there: %s', async (fault, cause) => {
    await withEach(async (protocol) => {
      await expect(call(protocol, fault)).rejects.toEqual(new CallRefused(480));
      const record = await recordOf(protocol, fault);
      expect(record).toMatchObject({ endReason: 'unavailable', sipStatus: 480 });
      expect(agentIn(record)).toMatchObject({ end: 'lost', cause });
    });
  });

  test('that breaks off, or sends a message beyond all measure, ends the call: the caller is told, the record says why', async () => {
    const causes = { die: 'AGENT_LOST', huge: 'AGENT_UNREACHABLE' } as const;
    await Promise.all(
      (['die', 'huge'] as const).map(async (fault) =>
        withEach(
          async (protocol) => {
            const { dialog, rtp, words } = await call(protocol, fault);
            await dialog.awaitBye(30_000);
            expect(words()).toBeGreaterThan(100);
            await rtp.close();
            const record = await recordOf(protocol, fault);
            expect(record).toMatchObject({ endReason: 'hangup-callee', q850: 16 });
            expect(agentIn(record)).toMatchObject({ end: 'lost', cause: causes[fault] });
          },
          // A frame of an AudioSocket is never too long.
          PROTOCOLS.filter((protocol) => fault === 'die' || protocol !== 'audiosocket'),
        ),
      ),
    );
  });

  test('that says nothing is talked to all the same', async () => {
    await withEach(async (protocol) => {
      const talk = await call(protocol, 'mute');
      await until(() => talk.rtp.heard.length > 10, { within: 5_000, what: 'silence' });
      expect(talk.words()).toBe(0);
      await hangUp(talk);
      expect(await recordOf(protocol, 'mute')).toMatchObject({ endReason: 'hangup-caller', q850: 16 });
    });
  });

  test('that talks nonsense is heard when it talks sense', async () => {
    await withEach(async (protocol) => {
      const talk = await call(protocol, 'garbage');
      await until(() => talk.words() >= 9, { within: 5_000, what: 'its words' });
      await hangUp(talk);
    });
    const complaints = gateway.output.match(/message of an agent not understood/g)?.length ?? 0;
    expect(complaints).toBeLessThanOrEqual(5 * PROTOCOLS.length);
  });

  test('that floods is heard in real time, for ten minutes at most', async () => {
    await withEach(async (protocol) => {
      const talk = await call(protocol, 'flood');
      await until(() => talk.words() > 30, { within: 10_000, what: 'its words' });
      agents.clear(protocol, 'flood');
      // An AudioSocket cannot call off what it has said.
      if (protocol === 'audiosocket') return hangUp(talk);
      const quiet = (): boolean => {
        const last = talk.rtp.heard.slice(-10);
        return last.length === 10 && last.every(({ payload }) => payload.every((byte) => byte === SILENCE));
      };
      await until(quiet, { within: 10_000, what: 'silence' });
      await hangUp(talk);
    });
  });

  test('that stops reading is heard, and neither slows anything down nor keeps the call', async () => {
    await withEach(async (protocol) => {
      const talk = await call(protocol, 'deaf');
      const target = { port: rtpPortOf(talk.dialog.remoteSdp), payloadType: 0, ssrc: 8, step: 160 };
      talk.rtp.play([Buffer.alloc(160, 1)], target);
      await until(() => talk.words() >= 45, { within: 5_000, what: 'its words' });
      await hangUp(talk);
    });
  });
});

describe('a caller that hangs up', () => {
  test.each<['hang' | 'slow', string]>([
    ['hang', 'while the agent is called'],
    ['slow', 'while it warms up'],
  ])('%s: %s', async (fault) => {
    await withEach(async (protocol) => {
      const rung = sleep(300);
      await expect(call(protocol, fault, rung)).rejects.toEqual(new CallRefused(487));
      expect(await recordOf(protocol, fault)).toMatchObject({ endReason: 'cancelled', sipStatus: 487 });
    });
  });

  test.each<[string, (talk: Talk, protocol: Protocol) => Promise<void>]>([
    ['at once', async () => {}],
    ['in the greeting', async ({ words }) => void (await until(() => words() > 3, { within: 5_000, what: 'words' }))],
    [
      'while both talk',
      async ({ dialog, rtp, words }) => {
        rtp.play([Buffer.alloc(160, 1)], { port: rtpPortOf(dialog.remoteSdp), payloadType: 0, ssrc: 8, step: 160 });
        await until(() => words() > 20, { within: 5_000, what: 'words' });
      },
    ],
    [
      'just when the agent falls silent',
      async ({ words }, protocol) => {
        await until(() => words() > 3, { within: 5_000, what: 'words' });
        agents.clear(protocol, 'talk');
      },
    ],
  ])('%s', async (_when, act) => {
    await withEach(async (protocol) => {
      const talk = await call(protocol, 'talk');
      await act(talk, protocol);
      await hangUp(talk);
      expect(await recordOf(protocol, 'talk')).toMatchObject({ endReason: 'hangup-caller', q850: 16 });
    });
  });
});

describe('afterwards', () => {
  test('nothing is left: no connection to an agent, no socket, no thread, no port', async () => {
    agents.wake();
    sockets.wake();
    const areClosed = (): boolean => agents.sockets.size + sockets.sockets.size === 0;
    await until(areClosed, { within: 5_000, what: 'the end of every connection' });
    await areBack(gateway, before);
  });

  test('the call beside has heard every frame, in its order and in its time', () => beside.heardAll());

  test('T36: no secret of an agent is in a log, a record or a metric', async () => {
    const texts = [
      gateway.output,
      await gateway.apiText('/calls?limit=1000', 'application/json'),
      await (await fetch(`${gateway.origin}/metrics`)).text(),
    ];
    const basic = Buffer.from(`viaduct:${TOKEN}`).toString('base64');
    for (const text of texts) {
      expect(text.length).toBeGreaterThan(100);
      expect(text).not.toContain(TOKEN);
      expect(text).not.toContain(basic);
    }
  });
});
