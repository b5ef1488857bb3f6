/** S17: a browser that changes its network in a call hears and is heard again at once, and the trunk learns nothing of it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MUSIC_HZ, NetworkChange } from '../support/network-change.ts';
import { isRequest } from '../support/sip-peer.ts';
import { strongestHz } from '../support/sound.ts';
import { until } from '../support/until.ts';

const BASE = 31_700;
const BACK_MS = 2_000;

let net: NetworkChange;

beforeAll(async () => {
  net = await NetworkChange.open(BASE);
});

afterAll(async () => {
  await net?.close();
});

const expectTone = async (): Promise<void> => {
  expect(Math.abs(strongestHz(await net.alice.hear(1)) - MUSIC_HZ)).toBeLessThanOrEqual(5);
};

test('S17: from one network to another: audio is back within two seconds, and the trunk is asked nothing', async () => {
  await net.call();
  const change = await net.move('wifi', 'lte');
  expect(change.pbxHearsMs).toBeLessThanOrEqual(BACK_MS);
  expect(change.browserHearsMs).toBeLessThanOrEqual(BACK_MS);
  await expectTone();
  await net.alice.lineIs('online');
  expect((await net.alice.state()).call).toMatchObject({ kind: 'active', isReconnecting: false });
  expect(net.asked).toBe(0);
});

test('a WebSocket that is lost in a call comes back, and what hangs up then reaches the trunk', async () => {
  const logged = (await net.alice.log()).length;
  await net.closeWebSocket();
  const isBack = async (): Promise<boolean> =>
    (await net.alice.log()).slice(logged).some(({ name }) => name === 'registered');
  await until(isBack, { within: 5_000, what: 'the line to be back' });
  const lost = (await net.alice.log()).slice(logged).map(({ name }) => name);
  expect(lost).toEqual(['line-lost', 'registered']);
  await net.pbxHears();
  expect(net.asked).toBe(0);
  const ended = net.pbx.wait(isRequest('BYE'), 5_000);
  await net.alice.hangUp();
  net.pbx.reply(await ended, 200);
  expect(net.alice.errors).toEqual([]);
});
