/** What Asterisk 22 as a trunk does in a dialog, with Chromium on the other side: heard before, during and after, never seen there. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Asterisk, DESK, HOLD_MUSIC_HZ, MANNERS, PBX_TONE_HZ } from '../support/asterisk.ts';
import { BARESIP_HZ, Baresip } from '../support/baresip.ts';
import { Chromium, MICROPHONE_HZ, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { cellsOf } from '../support/matrix.ts';
import { longestGapMs, rmsOf, strongestHz } from '../support/sound.ts';
import { watchStalls } from '../support/stalls.ts';
import { until } from '../support/until.ts';
import { type Watched, watchConnections, watched } from '../support/watch-connections.ts';

const BASE = 26_800;
const PBX = { address: '127.0.0.4', port: BASE + 81 };
/** More than the session interval: a refresh that is missed ends the call. */
const LONG_SEC = 100;
const GAP_MS = 60;
/** A user whom the PBX can dial: the second browser. */
const SECOND = '2002';

let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;
let bob: SoftphonePage;
let pbx: Asterisk;
let desk: Baresip;
/** Wall clock, when the test began. */
let begun = 0;

beforeAll(async () => {
  [gateway, chromium] = await Promise.all([
    Gateway.start({
      base: BASE,
      trunks: [{ name: 'pbx', address: `${PBX.address}:${PBX.port}` }],
      users: ['exchange', SECOND],
      profiles: {
        trunks: { transfer: { refer: 'bridge' }, sessionTimer: { expiresSec: 90, minSec: 90, refresher: 'us' } },
      },
    }),
    Chromium.launch(),
  ]);
  pbx = await Asterisk.start({
    ...PBX,
    rtpBase: BASE + 100,
    gateway: gateway.sipAddress,
    account: gateway.credentials('exchange'),
    sessionExpiresSec: 90,
    codecs: ['ulaw'],
  });
  desk = await Baresip.start({
    ...DESK,
    domain: PBX.address,
    proxy: `${PBX.address}:${PBX.port}`,
    base: BASE + 210,
    codecs: ['PCMU'],
  });
  const page = async (user: string): Promise<SoftphonePage> => {
    const softphone = await chromium.softphone(gateway.origin, watchConnections);
    await softphone.register(gateway.credentials(user));
    await softphone.answerAll();
    return softphone;
  };
  [alice, bob] = await Promise.all([page('alice'), page(SECOND)]);
});

beforeEach(() => {
  begun = Date.now();
});

afterEach(async () => {
  desk.command('hangup');
  for (const page of [alice, bob]) {
    if (!['idle', 'ended'].includes((await page.state()).call.kind)) await page.hangUp();
  }
  await until(async () => (await gateway.calls()).every((call) => call.endedAt !== undefined), {
    within: 5_000,
    what: 'every call to end',
  });
});

afterAll(async () => {
  await desk?.stop();
  await chromium?.close();
  await pbx?.stop();
  await gateway?.stop();
});

async function hears(page: SoftphonePage, hz: number): Promise<void> {
  await until(
    async () => {
      const sound = await page.hear(0.5).catch(() => undefined);
      return sound !== undefined && rmsOf(sound) > 0.01 && Math.abs(strongestHz(sound) - hz) <= 5;
    },
    { within: 10_000, what: `${hz} Hz in the browser` },
  );
}

const look = (page = alice): Promise<Watched> => watched(page.page);

async function answered(hz: number): Promise<Watched> {
  await alice.callIs(['incoming', 'active']);
  await alice.callIs('active');
  await hears(alice, hz);
  return look();
}

/** The PBX's phone calls the browser in a manner of the trunk. */
async function deskCalls(manner?: keyof typeof MANNERS): Promise<Watched> {
  desk.dial(`${manner === undefined ? '' : MANNERS[manner]}alice`);
  return answered(BARESIP_HZ);
}

/** The PBX's messages in this test's calls. */
const sent = (start: string): Promise<readonly string[]> => passed(start, 'in');

async function passed(start: string, towards: 'in' | 'out'): Promise<readonly string[]> {
  const ids = (await gateway.calls()).filter(({ startedAt }) => startedAt >= begun).map(({ callId }) => callId);
  const ladders = await Promise.all(ids.map((callId) => gateway.api(`/calls/${callId}/ladder`)));
  return (ladders as readonly { messages: readonly Message[] }[])
    .flatMap(({ messages }) => messages)
    .filter(({ direction, transport, text }) => direction === towards && transport === 'udp' && text.startsWith(start))
    .map(({ text }) => text);
}

interface Message {
  readonly direction: string;
  readonly transport: string;
  readonly text: string;
}

const isInDialog = (text: string): boolean => /^To:.*;tag=/m.test(text);
const portIn = (text: string): string | undefined => /^m=audio (\d+)/m.exec(text)?.[1];

async function again(method: 'INVITE' | 'UPDATE', accepts: (text: string) => boolean): Promise<string> {
  return until(async () => (await sent(method)).find((text) => isInDialog(text) && accepts(text)), {
    within: 8_000,
    what: `${method} of the PBX`,
  });
}

/** The PBX lets its phone and the gateway talk with each other directly. */
async function mediaMoves(method: 'INVITE' | 'UPDATE', manner: 'direct' | 'updates'): Promise<void> {
  const settled = await deskCalls(manner);
  const [first = ''] = await sent('INVITE');
  const moved = await again(method, (text) => portIn(text) !== undefined && portIn(text) !== portIn(first));
  expect(moved).toContain('c=IN IP4 127.0.0.1');
  await hears(alice, BARESIP_HZ);
  expect(await look()).toEqual(settled);
}

/** Every INVITE of the PBX so far in this call, and in it everything is as it was. */
async function holds(): Promise<readonly string[]> {
  const settled = await deskCalls('holds');
  desk.command('hold');
  await again('INVITE', (text) => text.includes('a=sendonly'));
  desk.command('resume');
  await again('INVITE', (text) => text.includes('a=sendrecv'));
  await hears(alice, BARESIP_HZ);
  expect(await look()).toEqual(settled);
  return sent('INVITE');
}

/** Two calls that outlast their intervals: in one the PBX refreshes, in the other the gateway. How often each did. */
async function outlast(): Promise<{ readonly in: number; readonly out: number }> {
  await bob.call('609');
  await bob.callIs('active');
  await hears(bob, PBX_TONE_HZ);
  // The PBX leaves it open who refreshes, and the gateway then leaves it to the PBX; for the call above it did not.
  const profile = join(gateway.folder, 'sip-profiles', 'trunks.yaml');
  await writeFile(profile, (await readFile(profile, 'utf8')).replace('refresher: us', 'refresher: auto'));
  expect((await gateway.post('/reload')).status).toBe(200);
  const settled = [await deskCalls(), await look(bob)];
  const stalls = watchStalls();
  const [fromDesk, fromPbx] = await Promise.all([alice.hear(LONG_SEC), bob.hear(LONG_SEC)]);
  stalls.stop();
  // A machine that stands still makes gaps at both ends.
  const allowedMs = GAP_MS + 2 * stalls.longestMs();
  expect(longestGapMs(fromDesk, BARESIP_HZ)).toBeLessThanOrEqual(allowedMs);
  expect(longestGapMs(fromPbx, PBX_TONE_HZ)).toBeLessThanOrEqual(allowedMs);
  expect([await look(), await look(bob)]).toEqual(settled);
  const count = async (direction: 'in' | 'out'): Promise<number> =>
    [...(await passed('UPDATE', direction)), ...(await passed('INVITE', direction))].filter(
      (text) => isInDialog(text) && /^Session-Expires: 90/m.test(text),
    ).length;
  return { in: await count('in'), out: await count('out') };
}

let outlasted: Promise<{ readonly in: number; readonly out: number }> | undefined;
const refreshes = async (direction: 'in' | 'out'): Promise<number> => (await (outlasted ??= outlast()))[direction];

const cells = cellsOf('Asterisk 22', {
  'hold: sendonly': async () => {
    const settled = await deskCalls();
    desk.command('hold');
    await hears(alice, HOLD_MUSIC_HZ);
    desk.command('resume');
    await hears(alice, BARESIP_HZ);
    expect(await look()).toEqual(settled);
    desk.command('hangup');
    await alice.callIs('ended');
    expect((await holds()).filter((text) => text.includes('a=sendonly')).length).toBeGreaterThan(0);
  },
  'hold: inactive': {
    lacks: 'it holds by sendonly or by its own music',
    proof: async () => expect((await holds()).join('')).not.toContain('a=inactive'),
  },
  'hold: 0.0.0.0': {
    lacks: 'it holds by sendonly or by its own music',
    proof: async () => expect((await holds()).join('')).not.toContain('c=IN IP4 0.0.0.0'),
  },
  're-INVITE: new port': () => mediaMoves('INVITE', 'direct'),
  're-INVITE: without offer': {
    lacks: 'its re-INVITEs have offers',
    proof: async () => expect((await holds()).map(portIn)).not.toContain(undefined),
  },
  UPDATE: () => mediaMoves('UPDATE', 'updates'),
  'PRACK by the caller': async () => {
    await deskCalls('reliable');
    expect((await sent('INVITE'))[0]).toMatch(/^Require:.*100rel/m);
    expect(await sent('PRACK')).not.toHaveLength(0);
  },
  'PRACK by the callee': async () => {
    await alice.call('608');
    await hears(alice, PBX_TONE_HZ);
    expect((await sent('SIP/2.0 183'))[0]).toMatch(/^Require:.*100rel/m);
    expect((await sent('SIP/2.0 200')).find((text) => /^CSeq: \d+ PRACK/m.test(text))).toBeDefined();
    await alice.callIs('active', 10_000);
    await hears(alice, PBX_TONE_HZ);
  },
  'session timer: the peer refreshes': async () => expect(await refreshes('in')).toBeGreaterThan(0),
  'session timer: 422 from us': {
    lacks: 'it asks for 90 seconds at least, as we do',
    proof: async () => {
      await deskCalls();
      expect((await sent('INVITE'))[0]).toMatch(/^Min-SE: 90/m);
    },
  },
  'session timer: 422 from the peer': {
    lacks: 'its minimum is the shortest there is',
    proof: async () => {
      await alice.call('609');
      await answered(PBX_TONE_HZ);
      expect(await sent('SIP/2.0 422')).toHaveLength(0);
    },
  },
  'REFER by the peer': async () => {
    await alice.call(`7${SECOND}`);
    await bob.callIs('active', 10_000);
    await Promise.all([hears(alice, MICROPHONE_HZ), hears(bob, MICROPHONE_HZ)]);
    expect(await sent('REFER')).toHaveLength(1);
  },
  'REFER by the softphone': async () => {
    await alice.call('609');
    await answered(PBX_TONE_HZ);
    await alice.transfer(SECOND);
    await alice.callIs('ended');
    await hears(bob, PBX_TONE_HZ);
  },
  'REFER with Replaces': {
    lacks: 'attended transfers of its phones are its own work',
    proof: async () => {
      const settled = await deskCalls();
      await desk.sendDigits('*2');
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await desk.sendDigits(SECOND);
      await bob.callIs('active', 15_000);
      await hears(bob, BARESIP_HZ);
      desk.command('hangup');
      await Promise.all([hears(alice, MICROPHONE_HZ), hears(bob, MICROPHONE_HZ)]);
      expect(await look()).toEqual(settled);
      expect(await sent('REFER')).toHaveLength(0);
    },
  },
  'INVITE with Replaces': {
    lacks: 'it takes them and sends none',
    proof: async () => {
      await deskCalls();
      expect((await sent('INVITE')).join('')).not.toMatch(/^Replaces:/m);
    },
  },
  'session timer: we refresh': async () => expect(await refreshes('out')).toBeGreaterThan(0),
});

test.each(cells)('$name', ({ run }) => run());
