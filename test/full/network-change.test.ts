/** S17 often: how soon audio is back after a change of the network, and what becomes of a browser that has none for a while. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Change, NetworkChange } from '../support/network-change.ts';
import { until } from '../support/until.ts';

const BASE = 31_800;
const CHANGES = 20;
const P95_MS = 2_000;

let net: NetworkChange;

beforeAll(async () => {
  net = await NetworkChange.open(BASE);
  await net.call();
});

afterAll(async () => {
  await net?.close();
});

const p95 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1] ?? Infinity;

test('S17: from one network to the other and back, in one call', { timeout: 600_000 }, async () => {
  const changes: Change[] = [];
  for (let i = 0; i < CHANGES; i++) {
    changes.push(await (i % 2 === 0 ? net.move('wifi', 'lte') : net.move('lte', 'wifi')));
    await net.alice.lineIs('online');
    await sleep(1_000);
  }
  const pbxHears = p95(changes.map(({ pbxHearsMs }) => pbxHearsMs));
  const browserHears = p95(changes.map(({ browserHearsMs }) => browserHearsMs));
  const noticed = p95(changes.map(({ noticedMs }) => noticedMs));
  process.stdout.write(`${JSON.stringify({ CHANGES, noticed, pbxHears, browserHears })} ms, p95\n`);
  expect(pbxHears).toBeLessThanOrEqual(P95_MS);
  expect(browserHears).toBeLessThanOrEqual(P95_MS);
  expect(net.asked).toBe(0);
});

test('no network at all for longer than consent lasts: the call is there when one is back', {
  timeout: 120_000,
}, async () => {
  net.cut('wifi');
  await until(() => net.gateway.output.includes('media away'), { within: 25_000, what: 'consent to run out' });
  expect((await net.alice.state()).call).toMatchObject({ kind: 'active', isReconnecting: true });
  expect(await net.alice.page.getByText('Connection lost, reconnecting…').first().isVisible()).toBe(true);
  net.join('lte');
  await net.pbxHears();
  await until(async () => (await net.alice.state()).line.kind === 'online', { within: 5_000, what: 'the line' });
  expect((await net.alice.state()).call).toMatchObject({ kind: 'active', isReconnecting: false });
  expect(net.asked).toBe(0);
});
