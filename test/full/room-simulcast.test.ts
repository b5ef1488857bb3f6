/** Three sizes of one camera, and who gets which. Needs both cores: an encoder that is short of time leaves sizes out. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Chromium } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { RoomPage } from '../support/room-page.ts';
import { until } from '../support/until.ts';

let gateway: Gateway;
let chromium: Chromium;
let alice: RoomPage;
let bob: RoomPage;

beforeAll(async () => {
  [gateway, chromium] = await Promise.all([Gateway.start({ base: 27_300 }), Chromium.launch()]);
  [alice, bob] = await Promise.all([
    RoomPage.open(chromium, gateway, { user: 'alice' }),
    RoomPage.open(chromium, gateway, { user: 'bob' }),
  ]);
});

afterAll(async () => {
  await chromium?.close();
  await gateway?.stop();
});

test('S36 S37 S57 sends 1080, 360 and 180 lines; who shows less gets less, and keyframes are asked for sparingly', async () => {
  for (const page of [bob, alice]) await page.join('blue');
  await bob.show({ width: 1920, height: 1080, frameRate: 10 });
  const heights = await until(
    async () => {
      const sent = await bob.streams('outbound-rtp', 'video');
      const running = sent.filter(({ framesPerSecond = 0 }) => framesPerSecond > 0);
      return running.length === 3 && running.map(({ frameHeight = 0 }) => frameHeight).toSorted((a, b) => b - a);
    },
    { within: 60_000, what: 'three sizes to be sent' },
  );
  expect(heights).toEqual([1080, 360, 180]);
  const camera = await until(() => alice.publicationOf('bob', 'camera'), { within: 5_000, what: 'the camera of bob' });
  const comes = (lines: number): Promise<unknown> =>
    until(
      // One more stream never has a picture: what probes how much the way takes.
      async () => (await alice.streams('inbound-rtp', 'video')).some(({ frameHeight }) => frameHeight === lines),
      { within: 60_000, what: `a picture of ${lines} lines` },
    );
  const asked = async (): Promise<number> =>
    Math.max(...(await bob.streams('outbound-rtp', 'video')).map(({ pliCount = 0 }) => pliCount));
  await comes(1080);
  const [before, startedAt] = [await asked(), performance.now()];
  await alice.call('show', camera, 150);
  await comes(180);
  await alice.call('show', camera, 400);
  await comes(360);
  for (let i = 0; i < 10; i++) await alice.call('show', camera, i % 2 === 0 ? 150 : 400);
  const seconds = (performance.now() - startedAt) / 1000;
  expect((await asked()) - before).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
});
