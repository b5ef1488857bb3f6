/** Hold and transfer between browsers and a SIP phone, measured by what each of them hears. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { BARESIP_HZ, Baresip } from '../support/baresip.ts';
import { Chromium, MICROPHONE_HZ, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { amplitudeOf, rmsOf, strongestHz } from '../support/sound.ts';
import { until } from '../support/until.ts';

let gateway: Gateway;
let chromium: Chromium;
let phone: Baresip;
let alice: SoftphonePage;
let bob: SoftphonePage;

beforeAll(async () => {
  [gateway, chromium] = await Promise.all([Gateway.start({ base: 27_300 }), Chromium.launch()]);
  // G.711 alone: a browser that talked Opus with another one must change its codec to be heard here.
  phone = await Baresip.start({
    ...gateway.credentials('carol'),
    proxy: gateway.sipAddress,
    base: 27_400,
    codecs: ['PCMU'],
  });
});
afterAll(async () => {
  await phone?.stop();
  await chromium?.close();
  await gateway?.stop();
});
beforeEach(async () => {
  [alice, bob] = await Promise.all([chromium.softphone(gateway.origin), chromium.softphone(gateway.origin)]);
  await alice.register(gateway.credentials('alice'));
  await bob.register(gateway.credentials('bob'));
});
afterEach(async () => {
  expect([...alice.errors, ...bob.errors]).toEqual([]);
  await Promise.all([alice.close(), bob.close()]);
  await until(async () => (await gateway.calls()).every((call) => call.endedAt !== undefined), {
    within: 5_000,
    what: 'every call to end',
  });
});

const received = async (page: SoftphonePage): Promise<number> => (await page.quality())?.packetsReceived ?? 0;

async function hears(page: SoftphonePage, hz: number): Promise<void> {
  // A recording that begins before the sound does would wait for it in vain when its track is exchanged.
  await page.page.waitForFunction(() => {
    const { softphone } = globalThis as unknown as {
      softphone: { peerConnection?: { getTransceivers(): readonly { currentDirection: string | null }[] } };
    };
    return softphone.peerConnection?.getTransceivers()[0]?.currentDirection === 'sendrecv';
  });
  const before = await received(page);
  await until(async () => (await received(page)) > before, { within: 5_000, what: 'packets to come' });
  await until(
    async () => {
      // While a call changes there may be nothing to record.
      const sound = await page.hear(0.5).catch(() => undefined);
      return sound !== undefined && rmsOf(sound) > 0.02 && Math.abs(strongestHz(sound) - hz) <= 5;
    },
    { within: 10_000, what: `${hz} Hz to be heard` },
  );
}

test('hold stops the sound both ways, resume brings it back, and ICE and DTLS never move', async () => {
  await alice.call('carol');
  await alice.callIs('active');
  await hears(alice, BARESIP_HZ);
  const look = await alice.watchIce();
  const before = await look();
  expect(await alice.hold(true)).toBe(true);
  expect((await alice.state()).call).toMatchObject({ isHeld: true });
  await until(
    async () => {
      const count = await received(alice);
      await alice.page.waitForTimeout(400);
      return (await received(alice)) === count;
    },
    { within: 5_000, what: 'the packets to stop' },
  );
  expect(await alice.hold(false)).toBe(true);
  await hears(alice, BARESIP_HZ);
  expect(await look()).toEqual({ ...before, changes: 0 });
  await alice.hangUp();
  const heard = await phone.heard();
  expect(amplitudeOf(heard, MICROPHONE_HZ)).toBeGreaterThan(0.02);
});

test('a blind transfer by a browser joins the other browser with a phone, in another codec', async () => {
  await alice.call('bob');
  await bob.callIs('incoming');
  await bob.answer();
  await hears(bob, MICROPHONE_HZ);
  const look = await bob.watchIce();
  const before = await look();
  await alice.transfer('carol');
  expect(await alice.callIs('ended')).toMatchObject({ transferredTo: 'carol', trouble: undefined });
  await hears(bob, BARESIP_HZ);
  expect((await bob.quality())?.codec).toBe('PCMU');
  expect(await look()).toEqual({ ...before, changes: 0 });
  await bob.hangUp();
  const recording = await phone.heard();
  expect(amplitudeOf(recording, MICROPHONE_HZ)).toBeGreaterThan(0.02);
  await until(
    async () => {
      const reasons = (await gateway.calls()).slice(0, 2).map((call) => call.endReason);
      return reasons.join() === 'hangup-caller,transferred';
    },
    { within: 3_000, what: 'the records of both calls' },
  );
});

test('a blind transfer to nobody is told, and the call goes on', async () => {
  await alice.call('carol');
  await alice.callIs('active');
  await alice.transfer('nobody-at-all');
  await until(
    async () => {
      const { call } = await alice.state();
      return call.kind === 'active' && call.transfer?.kind === 'failed' && call.transfer.trouble === 'not-found';
    },
    { within: 5_000, what: 'the failure' },
  );
  await hears(alice, BARESIP_HZ);
  await alice.hangUp();
});

test('an attended transfer: consult, swap, connect both', async () => {
  await alice.call('carol');
  await alice.callIs('active');
  await alice.consult('bob');
  await bob.callIs('incoming');
  await bob.answer();
  await until(
    async () => {
      const { call, other } = await alice.state();
      return call.kind === 'active' && call.remote === 'bob' && other?.kind === 'active' && other.isHeld;
    },
    { within: 5_000, what: 'the consultation' },
  );
  await hears(bob, MICROPHONE_HZ);
  await alice.swap();
  await hears(alice, BARESIP_HZ);
  expect((await alice.state()).call).toMatchObject({ remote: 'carol', isHeld: false });
  await alice.connectBoth();
  await alice.callIs('ended');
  expect((await alice.state()).other).toBeUndefined();
  await hears(bob, BARESIP_HZ);
  await bob.hangUp();
});

test('a second call waits, is answered, and the first one comes back after it', async () => {
  await alice.call('carol');
  await alice.callIs('active');
  await bob.call('alice');
  await until(async () => (await alice.state()).other?.kind === 'incoming', { within: 5_000, what: 'the second call' });
  await alice.answer();
  await bob.callIs('active');
  await hears(bob, MICROPHONE_HZ);
  await bob.hangUp();
  await alice.callIs('ended');
  await alice.page.getByRole('button', { name: 'Back' }).click();
  expect(await alice.callIs('active')).toMatchObject({ remote: 'carol', isHeld: true });
  expect(await alice.hold(false)).toBe(true);
  await hears(alice, BARESIP_HZ);
  await alice.hangUp();
});

test('a phone transfers its call with a browser to another browser', async () => {
  await alice.call('carol');
  await alice.callIs('active');
  await hears(alice, BARESIP_HZ);
  phone.command('transfer', `sip:bob@${gateway.domain}`);
  await bob.callIs('incoming');
  await bob.answer();
  await hears(bob, MICROPHONE_HZ);
  await hears(alice, MICROPHONE_HZ);
  expect((await alice.state()).call).toMatchObject({ kind: 'active', isHeld: false });
  await alice.hangUp();
  await bob.callIs('ended');
});

test('a consultation over the API: with a phone, back to the other browser, and then for good', async () => {
  await alice.call('bob');
  await bob.callIs('incoming');
  await bob.answer();
  await hears(bob, MICROPHONE_HZ);
  const [look, lookOfBob] = [await alice.watchIce(), await bob.watchIce()];
  const [before, beforeOfBob] = [await look(), await lookOfBob()];
  const { callId } = (await gateway.calls())[0] ?? {};
  const consult = async (path: string, body: object): Promise<number> =>
    (await gateway.change(`/calls/${callId}/consult${path}`, body)).status;
  expect(await consult('', { party: 'callee', target: 'carol' })).toBe(200);
  await hears(alice, BARESIP_HZ);
  await until(
    async () => {
      const music = await bob.hear(0.5);
      return rmsOf(music) > 0.005 && Math.abs(strongestHz(music) - MICROPHONE_HZ) > 5;
    },
    { within: 10_000, what: 'music' },
  );
  expect(await consult('/cancel', {})).toBe(200);
  await Promise.all([hears(alice, MICROPHONE_HZ), hears(bob, MICROPHONE_HZ)]);
  expect(await consult('', { party: 'callee', target: 'carol' })).toBe(200);
  await hears(alice, BARESIP_HZ);
  expect(await look()).toEqual({ ...before, changes: 0 });
  expect(await consult('/complete', {})).toBe(200);
  await alice.callIs('ended');
  await hears(bob, BARESIP_HZ);
  expect(await lookOfBob()).toEqual({ ...beforeOfBob, changes: 0 });
  await bob.hangUp();
  await phone.heard();
});
