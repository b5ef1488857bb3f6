/** What a baresip phone does in a dialog, with Chromium on the other side, and what baresip 1.0 cannot do by its own words. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { BARESIP_HZ, Baresip } from '../support/baresip.ts';
import { Chromium, MICROPHONE_HZ, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { cellsOf } from '../support/matrix.ts';
import { amplitudeOf, durationSec, excerpt, rmsOf, strongestHz } from '../support/sound.ts';
import { until } from '../support/until.ts';
import { type Watched, watchConnections, watched } from '../support/watch-connections.ts';

const BASE = 26_600;

let gateway: Gateway;
let chromium: Chromium;
let phone: Baresip;
let alice: SoftphonePage;
let bob: SoftphonePage;

beforeAll(async () => {
  [gateway, chromium] = await Promise.all([Gateway.start({ base: BASE }), Chromium.launch()]);
  phone = await Baresip.start({
    ...gateway.credentials('carol'),
    proxy: gateway.sipAddress,
    base: BASE + 100,
    codecs: ['PCMU'],
  });
  const page = async (user: string): Promise<SoftphonePage> => {
    const softphone = await chromium.softphone(gateway.origin, watchConnections);
    await softphone.register(gateway.credentials(user));
    await softphone.answerAll();
    return softphone;
  };
  [alice, bob] = await Promise.all([page('alice'), page('bob')]);
});

afterEach(async () => {
  for (const page of [alice, bob]) {
    if (!['idle', 'ended'].includes((await page.state()).call.kind)) await page.hangUp();
  }
  await until(async () => (await gateway.calls()).every((call) => call.endedAt !== undefined), {
    within: 5_000,
    what: 'every call to end',
  });
});

afterAll(async () => {
  await phone?.stop();
  await chromium?.close();
  await gateway?.stop();
});

async function hears(page: SoftphonePage, hz: number): Promise<void> {
  await until(
    async () => {
      const sound = await page.hear(0.5).catch(() => undefined);
      return sound !== undefined && rmsOf(sound) > 0.02 && Math.abs(strongestHz(sound) - hz) <= 5;
    },
    { within: 10_000, what: `${hz} Hz in the browser` },
  );
}

const look = (): Promise<Watched> => watched(alice.page);

/** The phone calls the browser; both hear each other. */
async function talking(): Promise<Watched> {
  phone.dial(`sip:alice@${gateway.domain}`);
  await alice.callIs(['incoming', 'active']);
  await alice.callIs('active');
  await hears(alice, BARESIP_HZ);
  return look();
}

/** The messages of the newest call as the phone sent them, oldest first. */
async function sent(method: string): Promise<readonly string[]> {
  const callId = (await gateway.calls())[0]?.callId ?? '';
  const { messages } = (await gateway.api(`/calls/${callId}/ladder`)) as {
    messages: readonly { direction: string; transport: string; text: string }[];
  };
  return messages
    .filter(({ direction, transport, text }) => direction === 'in' && transport === 'udp' && text.startsWith(method))
    .map(({ text }) => text);
}

async function sentAgain(command: string, count: number): Promise<string> {
  phone.command(command);
  return until(async () => (await sent('INVITE')).filter((text) => /^To:.*;tag=/m.test(text))[count], {
    within: 5_000,
    what: `the re-INVITE of ${command}`,
  });
}

/** The tone of the browser at the end of what the phone has recorded so far. */
async function phoneHears(): Promise<void> {
  await until(
    async () => {
      const heard = await phone.heard().catch(() => undefined);
      const end = heard === undefined ? 0 : durationSec(heard);
      return heard !== undefined && end >= 0.5 && amplitudeOf(excerpt(heard, end - 0.4, end), MICROPHONE_HZ) > 0.02;
    },
    { within: 10_000, what: `${MICROPHONE_HZ} Hz in the phone` },
  );
}

async function ends(settled: Watched): Promise<void> {
  await phoneHears();
  expect(await look()).toEqual(settled);
  const since = performance.now();
  await alice.hangUp();
  await phone.waitFor('CALL_CLOSED', { since });
}

const mediaLine = (text: string): string | undefined => /^m=audio \d+/m.exec(text)?.[0];

/** What the phone says when it calls, holds, resumes and sends a re-INVITE. */
interface Spoken {
  readonly invite: string;
  readonly changes: readonly string[];
}

async function speak(): Promise<Spoken> {
  const settled = await talking();
  const changes: string[] = [];
  for (const command of ['hold', 'resume', 'reinvite']) {
    // baresip begins a new recording with each change and names it by the second: two in one would share a file.
    await sleep(1_100);
    changes.push(await sentAgain(command, changes.length));
    // What baresip plays while it holds is its own affair.
    if (command !== 'hold') await hears(alice, BARESIP_HZ);
  }
  await ends(settled);
  return { invite: (await sent('INVITE'))[0] ?? '', changes };
}

let spoken: Promise<Spoken> | undefined;
/** Done once: it proves several cells. */
const said = (): Promise<Spoken> => (spoken ??= speak());
const changes = async (): Promise<readonly string[]> => (await said()).changes;

const lacksIn = (header: 'Allow' | 'Supported', word: string, lacks: string) => ({
  lacks,
  proof: async () => {
    const { invite } = await said();
    expect(invite).toContain('\r\nAllow: INVITE,');
    const line = new RegExp(`^${header}: (.*)$`, 'm').exec(invite)?.[1] ?? '';
    expect(line.split(/\s*,\s*/)).not.toContain(word);
  },
});

const noTimer = lacksIn('Supported', 'timer', 'it has no session timers');
const noPrack = lacksIn('Allow', 'PRACK', 'it knows no PRACK');
const noReplaces = lacksIn('Supported', 'replaces', 'it knows no Replaces');

const cells = cellsOf('baresip 1.0', {
  'hold: sendonly': async () => {
    const [held = '', resumed = ''] = await changes();
    expect(held).toContain('a=sendonly');
    expect(resumed).toContain('a=sendrecv');
  },
  'hold: inactive': {
    lacks: 'it holds by sendonly only',
    proof: async () => expect((await changes()).join('')).not.toContain('a=inactive'),
  },
  'hold: 0.0.0.0': {
    lacks: 'it holds by sendonly only',
    proof: async () => expect((await changes()).join('')).not.toContain('c=IN IP4 0.0.0.0'),
  },
  're-INVITE: new port': {
    lacks: 'its re-INVITE keeps the port',
    proof: async () => {
      const { invite, changes: all } = await said();
      expect(new Set([invite, ...all].map(mediaLine)).size).toBe(1);
    },
  },
  're-INVITE: without offer': {
    lacks: 'its re-INVITE has an offer',
    proof: async () => expect((await changes()).map(mediaLine)).not.toContain(undefined),
  },
  UPDATE: lacksIn('Allow', 'UPDATE', 'it knows no UPDATE'),
  'PRACK by the caller': noPrack,
  'PRACK by the callee': noPrack,
  'session timer: the peer refreshes': noTimer,
  'session timer: 422 from us': noTimer,
  'session timer: 422 from the peer': noTimer,
  'session timer: we refresh': noTimer,
  'REFER by the peer': async () => {
    const settled = await talking();
    await phoneHears();
    phone.command('transfer', `sip:bob@${gateway.domain}`);
    await bob.callIs('active');
    await Promise.all([hears(bob, MICROPHONE_HZ), hears(alice, MICROPHONE_HZ)]);
    expect(await look()).toEqual(settled);
    await alice.hangUp();
    await bob.callIs('ended');
  },
  'REFER by the softphone': async () => {
    await talking();
    await alice.transfer('bob');
    await alice.callIs('ended');
    await hears(bob, BARESIP_HZ);
    await phoneHears();
    const since = performance.now();
    await bob.hangUp();
    await phone.waitFor('CALL_CLOSED', { since });
  },
  'REFER with Replaces': noReplaces,
  'INVITE with Replaces': noReplaces,
});

test.each(cells)('$name', ({ run }) => run());
