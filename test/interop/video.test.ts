/** Video of the softphone in Chromium with baresip (H.264) and with another softphone: pictures both ways. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BARESIP_CAMERA, Baresip } from '../support/baresip.ts';
import { Chromium, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { movingPicture } from '../support/moving-picture.ts';
import { until } from '../support/until.ts';

let folder: string;
let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;
let carol: SoftphonePage;
let phone: Baresip;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'viaduct-video-'));
  const camera = join(folder, 'camera.y4m');
  // Longer than the call: baresip starts the file anew at its end, and sends nothing from then on.
  await writeFile(camera, movingPicture({ ...BARESIP_CAMERA, seconds: 20 }));
  const profiles = { browsers: { video: ['H264', 'VP8'] }, phones: { video: ['H264'] } };
  [gateway, chromium] = await Promise.all([Gateway.start({ base: 28_700, profiles }), Chromium.launch()]);
  alice = await chromium.softphone(gateway.origin);
  await alice.register(gateway.credentials('alice'));
  carol = await chromium.softphone(gateway.origin);
  await carol.register(gateway.credentials('carol'));
  phone = await Baresip.start({ ...gateway.credentials('bob'), proxy: gateway.sipAddress, base: 28_800, camera });
});

afterEach(async () => {
  await alice.hangUp();
  await alice.callIs(['idle', 'ended']);
});

afterAll(async () => {
  await phone?.stop();
  await chromium?.close();
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Of baresip's `video_debug`: how many pictures it has shown, and how many complete ones came. */
async function phoneVideo(): Promise<{ decoded: number; keyframes: number }> {
  const text = await phone.ask('video_debug');
  const received = text.slice(text.indexOf('rx: decode'));
  const number = (pattern: RegExp): number => Number(pattern.exec(received)?.[1] ?? 0);
  return { decoded: number(/vidisp: .* frames=(\d+)/), keyframes: number(/n_keyframes=(\d+)/) };
}

const decoded = async (page: SoftphonePage): Promise<number> => (await page.video()).received.framesDecoded ?? 0;

/** How many pictures a second `read` counts, over three seconds. */
async function rateOf(read: () => Promise<number>): Promise<number> {
  const [before, since] = [await read(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  return ((await read()) - before) / ((performance.now() - since) / 1000);
}

test('baresip and Chromium: either decodes what the other sends, at its rate', async () => {
  await alice.call('bob', true);
  await alice.callIs('active');
  await until(async () => (await decoded(alice)) > 15 && (await phoneVideo()).decoded > 15, {
    within: 10_000,
    what: 'pictures at both ends',
  });
  const encoded = async (): Promise<number> => (await alice.video()).sent.framesEncoded ?? 0;
  const [seen, sent, seenByPhone] = await Promise.all([
    rateOf(async () => decoded(alice)),
    rateOf(encoded),
    rateOf(async () => (await phoneVideo()).decoded),
  ]);
  expect(seen).toBeGreaterThanOrEqual(BARESIP_CAMERA.framesPerSec * 0.85);
  expect(seenByPhone).toBeGreaterThanOrEqual(sent * 0.85);
  expect((await phoneVideo()).keyframes).toBeGreaterThan(0);
  expect((await alice.video()).received.keyFramesDecoded ?? 0).toBeGreaterThan(0);
  await alice.hangUp();
});

test('baresip and Chromium: a call of audio gets video by the camera button, with ICE and DTLS as they were', async () => {
  await alice.callIs(['idle', 'ended']);
  await alice.call('bob');
  await alice.callIs('active');
  const ice = await alice.watchIce();
  const before = await ice();
  expect((await alice.state()).call).toMatchObject({ video: undefined });
  await alice.page.getByRole('button', { name: 'Camera off' }).click();
  await until(async () => (await decoded(alice)) > 15 && (await phoneVideo()).decoded > 15, {
    within: 15_000,
    what: 'pictures at both ends',
  });
  expect((await alice.state()).call).toMatchObject({ video: { isCameraOff: false } });
  expect(await ice()).toEqual(before);
  await alice.hangUp();
});

describe('two softphones', () => {
  test('a video call is answered with video: both see each other, and the camera goes off and on by keyboard and click', async () => {
    await alice.callIs(['idle', 'ended']);
    await alice.call('carol', true);
    await carol.callIs('incoming');
    await expectVisible(carol, 'Answer with video');
    await carol.page.getByRole('button', { name: 'Answer with video' }).click();
    await until(async () => (await decoded(alice)) > 15 && (await decoded(carol)) > 15, {
      within: 10_000,
      what: 'pictures at both ends',
    });
    // On a small phone whoever sees the other party also sees how to hang up.
    await carol.page.setViewportSize({ width: 360, height: 640 });
    const { y = 999, height = 0 } = (await carol.page.locator('#hang-up').boundingBox()) ?? {};
    expect(y + height).toBeLessThanOrEqual(640);
    const camera = carol.page.getByRole('button', { name: 'Camera off' });
    await camera.focus();
    await carol.page.keyboard.press('Enter');
    expect((await carol.state()).call).toMatchObject({ video: { isCameraOff: true } });
    expect(await camera.getAttribute('aria-pressed')).toBe('true');
    await camera.click();
    expect((await carol.state()).call).toMatchObject({ video: { isCameraOff: false } });
    await alice.hangUp();
    await carol.callIs('ended');
  });

  test('video comes into a call of audio: one shows itself, is seen without being shown anybody, then sees', async () => {
    await carol.callIs(['idle', 'ended']);
    await alice.callIs(['idle', 'ended']);
    await alice.call('carol');
    await carol.callIs('incoming');
    await carol.answer();
    await Promise.all([alice.callIs('active'), carol.callIs('active')]);
    await alice.page.getByRole('button', { name: 'Camera off' }).click();
    await until(async () => (await decoded(carol)) > 15, { within: 10_000, what: 'pictures of the caller' });
    // Nobody is shown who has not pressed the button.
    expect((await carol.state()).call).toMatchObject({ video: { isCameraOff: true } });
    expect(await decoded(alice)).toBe(0);
    await carol.page.getByRole('button', { name: 'Camera off' }).click();
    const seen = await decoded(carol);
    await until(async () => (await decoded(alice)) > 15 && (await decoded(carol)) > seen + 15, {
      within: 10_000,
      what: 'pictures at both ends',
    });
    await alice.hangUp();
    await carol.callIs('ended');
  });

  test('one that is answered without video is a call of audio alone', async () => {
    await carol.callIs(['idle', 'ended']);
    await alice.call('carol', true);
    await carol.callIs('incoming');
    await carol.answer();
    await alice.callIs('active');
    expect((await alice.state()).call).toMatchObject({ video: undefined });
    expect(await alice.page.locator('#pictures').isVisible()).toBe(false);
    expect(await decoded(carol)).toBe(0);
    await alice.hangUp();
    await carol.callIs('ended');
  });
});

async function expectVisible({ page }: SoftphonePage, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).waitFor({ timeout: 2_000 });
}
