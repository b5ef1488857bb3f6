/**
 * What goes wrong with agents of every protocol that is a WebSocket, and callers that hang up at every stage: each call
 * ends in a defined way with its cause in the record, nothing is left behind, and the call beside notices nothing.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentRecord, CallRecord } from '../../src/calls/index.ts';
import { DIALECTS, type Dialect, FAULTS, type Fault, FaultyAgents } from '../support/faulty-agents.ts';
import { Gateway } from '../support/gateway.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { audioSdp, CallRefused, type PhoneDialog, rtpPortOf, SipPhone } from '../support/sip-phone.ts';
import { type StallWatch, watchStalls } from '../support/stalls.ts';
import { until } from '../support/until.ts';

const BASE = 26_400;
const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];
const SILENCE = 0xff;
const TOKEN = 'token-that-nobody-may-read';

let agents: FaultyAgents;
let gateway: Gateway;
let carol: SipPhone;
let beside: Beside;
let before: Holdings;

/** What a gateway holds that a call could leave behind. */
interface Holdings {
  readonly sockets: number;
  readonly threads: number;
  readonly ports: number;
}

async function holdings(): Promise<Holdings> {
  const threads = Number(/^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]);
  const metrics = await gateway.metrics();
  const ports = (metrics.get('viaduct_media_ports_open') ?? 0) + (metrics.get('viaduct_media_ports_quarantined') ?? 0);
  return { sockets: openFiles(), threads, ports };
}

/** Without our own connections to its API, which are kept for the next question. */
function openFiles(): number {
  const own = gateway.httpPort.toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync(`/proc/${gateway.pid}/net/tcp`, 'utf8').split('\n').slice(1);
  const ours = lines.flatMap((line) => {
    const [, local = '', remote = '', , , , , , , inode = ''] = line.trim().split(/\s+/);
    return local.endsWith(`:${own}`) && !remote.endsWith(':0000') ? [`socket:[${inode}]`] : [];
  });
  const folder = `/proc/${gateway.pid}/fd`;
  const open = readdirSync(folder).flatMap((fd) => {
    const link = readLink(`${folder}/${fd}`);
    return link === undefined || ours.includes(link) ? [] : [link];
  });
  return open.length;
}

/** Undefined: closed since we looked. */
function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** A call between two users that goes on all the while. */
interface Beside {
  readonly hears: RtpPeer;
  /** Of this process, which floods and hears. */
  readonly stalls: StallWatch;
  stop(): Promise<void>;
}

async function talkBeside(): Promise<Beside> {
  const [alice, bob] = [await phoneOf('alice'), await phoneOf('bob')];
  const [speaks, hears] = [await RtpPeer.open(), await RtpPeer.open()];
  const answering = bob.answer(() => audioSdp(hears.port, PCMU));
  const dialog = await alice.call('bob', audioSdp(speaks.port, PCMU));
  await answering;
  const frames = Array.from({ length: 200 }, (_, index) => Buffer.alloc(160, index));
  speaks.play(frames, { port: rtpPortOf(dialog.remoteSdp), payloadType: 0, ssrc: 3, step: 160 });
  await until(() => hears.heard.length > 20, { within: 5_000, what: 'the call beside' });
  const stalls = watchStalls();
  return {
    hears,
    stalls,
    stop: async () => {
      stalls.stop();
      await speaks.close();
      await hears.close();
      await alice.close();
      await bob.close();
    },
  };
}

async function phoneOf(user: string): Promise<SipPhone> {
  const { password } = gateway.credentials(user);
  const phone = await SipPhone.open({ user, password, domain: gateway.domain, gatewayPort: gateway.sipPort });
  await phone.register();
  return phone;
}

beforeAll(async () => {
  agents = await FaultyAgents.start();
  process.env['TEST_AGENT_TOKEN'] = TOKEN;
  const configs = DIALECTS.flatMap((dialect) =>
    [...FAULTS, 'slow' as const].map((fault) => ({
      name: `${dialect.protocol}-${fault}`,
      protocol: dialect.protocol,
      url: `${agents.urlOf(dialect, fault === 'slow' ? 'mute' : fault)}?token=${TOKEN}`,
      headers: { 'x-api-key': TOKEN },
      connectTimeoutSec: fault === 'hang' ? 1 : 5,
      warmUpSec: fault === 'slow' ? 20 : 0.1,
      // That a broken connection is made anew is tested where it is done.
      retry: { attempts: 0 },
      ...(dialect.protocol === 'twilio' ? { authTokenEnv: 'TEST_AGENT_TOKEN' } : {}),
      ...(dialect.protocol === 'openai' ? { apiKeyEnv: 'TEST_AGENT_TOKEN' } : {}),
      ...(dialect.protocol === 'vonage' ? { tokenEnv: 'TEST_AGENT_TOKEN' } : {}),
      ...(dialect.protocol === 'jambonz' ? { username: 'viaduct', passwordEnv: 'TEST_AGENT_TOKEN' } : {}),
    })),
  );
  gateway = await Gateway.start({ base: BASE, settings: { agents: configs } });
  carol = await phoneOf('carol');
  beside = await talkBeside();
  before = await holdings();
});
afterAll(async () => {
  await beside?.stop();
  await carol?.close();
  await gateway?.stop();
  await agents?.stop();
});

interface Talk {
  readonly name: string;
  readonly rtp: RtpPeer;
  readonly dialog: PhoneDialog;
  /** Frames heard that are no silence. */
  readonly words: () => number;
}

async function call(dialect: Dialect, fault: Fault | 'slow', giveUp?: Promise<void>): Promise<Talk> {
  const name = `${dialect.protocol}-${fault}`;
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
async function recordOf(dialect: Dialect, fault: Fault | 'slow'): Promise<CallRecord> {
  const to = `sip:${dialect.protocol}-${fault}@${gateway.domain}`;
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
async function withEach(body: (dialect: Dialect) => Promise<void>): Promise<void> {
  const done = await Promise.allSettled(DIALECTS.map(async (dialect) => body(dialect)));
  const failed = done.flatMap((result, index) =>
    result.status === 'rejected' ? [`${DIALECTS[index]?.protocol}: ${String(result.reason)}`] : [],
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
    await withEach(async (dialect) => {
      await expect(call(dialect, fault)).rejects.toEqual(new CallRefused(480));
      const record = await recordOf(dialect, fault);
      expect(record).toMatchObject({ endReason: 'unavailable', sipStatus: 480 });
      expect(agentIn(record)).toMatchObject({ end: 'lost', cause });
    });
  });

  test('that breaks off, or sends a message beyond all measure, ends the call: the caller is told, the record says why', async () => {
    const causes = { die: 'AGENT_LOST', huge: 'AGENT_UNREACHABLE' } as const;
    await Promise.all(
      (['die', 'huge'] as const).map(async (fault) =>
        withEach(async (dialect) => {
          const { dialog, rtp, words } = await call(dialect, fault);
          await dialog.awaitBye(30_000);
          expect(words()).toBeGreaterThan(100);
          await rtp.close();
          const record = await recordOf(dialect, fault);
          expect(record).toMatchObject({ endReason: 'hangup-callee', q850: 16 });
          expect(agentIn(record)).toMatchObject({ end: 'lost', cause: causes[fault] });
        }),
      ),
    );
  });

  test('that says nothing is talked to all the same', async () => {
    await withEach(async (dialect) => {
      const talk = await call(dialect, 'mute');
      await until(() => talk.rtp.heard.length > 10, { within: 5_000, what: 'silence' });
      expect(talk.words()).toBe(0);
      await hangUp(talk);
      expect(await recordOf(dialect, 'mute')).toMatchObject({ endReason: 'hangup-caller', q850: 16 });
    });
  });

  test('that talks nonsense is heard when it talks sense', async () => {
    await withEach(async (dialect) => {
      const talk = await call(dialect, 'garbage');
      await until(() => talk.words() >= 9, { within: 5_000, what: 'its words' });
      await hangUp(talk);
    });
    expect(gateway.output.match(/message of an agent not understood/g)?.length ?? 0).toBeLessThan(20);
  });

  test('that floods is heard in real time, for ten minutes at most', async () => {
    await withEach(async (dialect) => {
      const talk = await call(dialect, 'flood');
      await until(() => talk.words() > 30, { within: 10_000, what: 'its words' });
      agents.clear(dialect, 'flood');
      const quiet = (): boolean => {
        const last = talk.rtp.heard.slice(-10);
        return last.length === 10 && last.every(({ payload }) => payload.every((byte) => byte === SILENCE));
      };
      await until(quiet, { within: 10_000, what: 'silence' });
      await hangUp(talk);
    });
  });

  test('that stops reading is heard, and neither slows anything down nor keeps the call', async () => {
    await withEach(async (dialect) => {
      const talk = await call(dialect, 'deaf');
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
    await withEach(async (dialect) => {
      const rung = sleep(300);
      await expect(call(dialect, fault, rung)).rejects.toEqual(new CallRefused(487));
      expect(await recordOf(dialect, fault)).toMatchObject({ endReason: 'cancelled', sipStatus: 487 });
    });
  });

  test.each<[string, (talk: Talk, dialect: Dialect) => Promise<void>]>([
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
      async ({ words }, dialect) => {
        await until(() => words() > 3, { within: 5_000, what: 'words' });
        agents.clear(dialect, 'talk');
      },
    ],
  ])('%s', async (_when, act) => {
    await withEach(async (dialect) => {
      const talk = await call(dialect, 'talk');
      await act(talk, dialect);
      await hangUp(talk);
      expect(await recordOf(dialect, 'talk')).toMatchObject({ endReason: 'hangup-caller', q850: 16 });
    });
  });
});

describe('afterwards', () => {
  test('nothing is left: no connection to an agent, no socket, no thread, no port', async () => {
    agents.wake();
    await until(() => agents.sockets.size === 0, { within: 5_000, what: 'the end of every connection' });
    const isBack = async (): Promise<boolean> => {
      const now = await holdings();
      return now.ports <= before.ports && now.sockets <= before.sockets && now.threads <= before.threads;
    };
    await until(isBack, { within: 10_000, every: 100, what: `no more than ${JSON.stringify(before)}` }).catch(
      async (error: unknown) => expect(`${String(error)}: ${JSON.stringify(await holdings())}`).toBe('nothing left'),
    );
  });

  test('the call beside has heard every frame, in its order and in its time', () => {
    const { heard } = beside.hears;
    expect(heard.length).toBeGreaterThan(200);
    const steps = heard.slice(1).map(({ sequence }, index) => (sequence - (heard[index]?.sequence ?? 0)) & 0xffff);
    expect(steps.filter((step) => step !== 1)).toEqual([]);
    const gaps = heard.slice(1).map(({ at }, index) => at - (heard[index]?.at ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(500 + beside.stalls.longestMs());
  });

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
