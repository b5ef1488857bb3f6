/** Requests for complete pictures between Chromium and baresip: by RTCP from either, and by INFO from a SIP peer. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BARESIP_CAMERA, Baresip } from '../support/baresip.ts';
import { Chromium, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { ensurePeer } from '../support/install.ts';
import { movingPicture } from '../support/moving-picture.ts';
import { until } from '../support/until.ts';

const PHONE_BASE = 28_800;
/** From the request until it is there, ms. */
const BOUND_MS = 200;
/** An encoder answers with its next picture. */
const FRAME_MS = 1000 / BARESIP_CAMERA.framesPerSec;

/** Puts a worker between packets and decoder that asks for complete pictures (WebRTC Encoded Transform). */
const ASKING = `
  const code = 'onrtctransform = ({ transformer }) => {' +
    'transformer.readable.pipeTo(transformer.writable);' +
    'onmessage = () => transformer.sendKeyFrameRequest(); };';
  globalThis.asking = new Worker(URL.createObjectURL(new Blob([code])));
  const receiver = softphone.peerConnection.getReceivers().find(({ track }) => track.kind === 'video');
  receiver.transform = new RTCRtpScriptTransform(asking, {});
`;

let folder: string;
let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;
let phone: Baresip;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'viaduct-keyframes-'));
  const camera = join(folder, 'camera.y4m');
  await writeFile(camera, movingPicture({ ...BARESIP_CAMERA, seconds: 40 }));
  const profiles = { browsers: { video: ['H264'] }, phones: { video: ['H264'] } };
  [gateway, chromium] = await Promise.all([Gateway.start({ base: 28_700, profiles }), Chromium.launch()]);
  // A worker of the test's own stands between the packets and the decoder.
  alice = await chromium.softphone(gateway.origin, async () => {});
  await alice.register(gateway.credentials('alice'));
  phone = await Baresip.start({ ...gateway.credentials('bob'), proxy: gateway.sipAddress, base: PHONE_BASE, camera });
  await alice.call('bob', true);
  await alice.callIs('active');
  await until(async () => ((await alice.video()).received.framesDecoded ?? 0) > 15, {
    within: 15_000,
    what: 'pictures',
  });
});

afterAll(async () => {
  await alice?.hangUp();
  await phone?.stop();
  await chromium?.close();
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Since the one that follows from the join, at most one a second is asked for. */
const calm = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 1_200);
  });

const completeSeen = async (): Promise<number> => (await alice.video()).received.keyFramesDecoded ?? 0;

test('Chromium asks by PLI: the complete picture of baresip is there within 200 ms and two pictures', async () => {
  await alice.page.evaluate(ASKING);
  for (let turn = 0; turn < 3; turn++) {
    await calm();
    const shown = await completeSeen();
    const since = performance.now();
    await alice.page.evaluate('asking.postMessage(1)');
    await until(async () => (await completeSeen()) > shown, { within: 3_000, every: 5, what: 'the complete picture' });
    // The phone answers with its next picture, and the page shows it behind its jitter buffer.
    expect(performance.now() - since).toBeLessThan(BOUND_MS + 2 * FRAME_MS);
  }
  // More of them in the same second are kept back.
  const shown = await completeSeen();
  for (let turn = 0; turn < 5; turn++) await alice.page.evaluate('asking.postMessage(1)');
  await new Promise((resolve) => setTimeout(resolve, BOUND_MS + 2 * FRAME_MS));
  expect(await completeSeen()).toBe(shown);
});

test('baresip asks when it has lost something: Chromium has it and sends a complete picture at once', async () => {
  const program = await ensurePeer('iptables');
  const rule = ['INPUT', '-p', 'udp', '--dport', `${PHONE_BASE + 10}:${PHONE_BASE + 59}`];
  const pictures = ['-m', 'length', '--length', '400:2000', '-j', 'DROP'];
  const run = promisify(execFile);
  const sent = async (): Promise<{ asked: number; complete: number }> => {
    const { pliCount = 0, firCount = 0, keyFramesEncoded = 0 } = (await alice.video()).sent;
    return { asked: pliCount + firCount, complete: keyFramesEncoded };
  };
  await calm();
  const before = await sent();
  await run(program, ['-I', ...rule, ...pictures]);
  await new Promise((resolve) => setTimeout(resolve, 4 * FRAME_MS));
  const since = performance.now();
  await run(program, ['-D', ...rule, ...pictures]);
  await until(async () => (await sent()).complete > before.complete, { within: 3_000, every: 5, what: 'the picture' });
  // The phone notices with the first picture that comes again.
  expect(performance.now() - since).toBeLessThan(BOUND_MS + 4 * FRAME_MS);
  expect((await sent()).asked).toBeGreaterThan(before.asked);
});
