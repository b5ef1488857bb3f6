/** Video between Chromium and plain RTP through the media plane: every byte both ways, and complete pictures on demand. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/kernel/index.ts';
import {
  createOrigin,
  formatAnswer,
  parseRemoteDescription,
  planBuiltIn,
  planVideoAnswer,
  planVideoOffer,
  type RemoteDescription,
  resolveDtlsRole,
  type VideoCodecName,
  type VideoFeedback,
} from '../../src/sdp/index.ts';
import { BrowserPeers } from '../media/support/browser-peer.ts';
import {
  formatOf,
  owner,
  type PhoneLeg,
  pcmu,
  phoneLeg,
  startTestPlane,
  type TestPlane,
} from '../media/support/test-plane.ts';
import { until } from '../support/until.ts';
import { isOfKeyframe, nalUnits, VideoPeer } from '../support/video-peer.ts';

const PHONE_TYPE = 99;
const CAMERA = { width: 320, height: 240, frameRate: 20 };
let browser: BrowserPeers;
let media: TestPlane;
let phone: PhoneLeg | undefined;
let camera: VideoPeer | undefined;

beforeAll(async () => {
  browser = await BrowserPeers.start();
  media = await startTestPlane(44_600);
});

afterAll(async () => {
  await media?.plane.stop();
  await browser?.stop();
});

afterEach(async () => {
  for (const id of ['browser', 'phone']) await media.plane.close(owner(id).portId);
  await browser.hangUp('browser').catch(() => {});
  await Promise.all([phone?.peer.close(), camera?.close()]);
  media.events.length = 0;
  expect(await media.plane.counters()).toMatchObject({ portsOpen: 0, routersOpen: 0, webRtcTransportsOpen: 0 });
});

/** A browser calls a phone with video; the phone answers with this codec and feedback, and returns what it sees. */
async function callWithVideo(
  name: VideoCodecName,
  feedback: readonly VideoFeedback[] = ['nack pli'],
  fmtp = name === 'H264' ? 'packetization-mode=1;profile-level-id=42e01f' : '',
): Promise<{ camera: VideoPeer; rtpPort: number }> {
  await browser.create('browser', CAMERA);
  await browser.prefer('browser', 'audio/PCMU');
  const offer = parseRemoteDescription(await browser.offer('browser'));
  const audio = planBuiltIn({ remote: offer.audio, codecs: ['PCMU'] })?.format;
  const allowed = [name];
  expect(planVideoOffer({ inbound: offer.video, allowed, kind: 'rtp', taken: [] })[0]?.name).toBe(name);
  camera = await VideoPeer.open();
  phone = await phoneLeg(media, 'phone', formatOf(pcmu));
  const rtp = { address: '127.0.0.1', rtpPort: camera.port, rtcpPort: camera.port + 1 };
  const codec = { name, payloadType: PHONE_TYPE, clockRate: 90_000 as const, fmtp, feedback };
  const answer = {
    kind: 'rtp' as const,
    video: { ...offer.video, codecs: [codec], rtp } as RemoteDescription['video'],
  };
  const plan = planVideoAnswer({ inbound: offer, outbound: answer, allowed });
  const { dtls, ice } = offer.audio;
  if (audio === undefined || plan === undefined || dtls === undefined || ice === undefined) throw new Error('no plan');
  const { plane } = media;
  const transport = await plane.open({
    kind: 'webrtc',
    ...owner('browser'),
    codecs: offer.audio.codecs,
    telephoneEvents: offer.audio.telephoneEvents,
  });
  const { rtpPort } = await plane.openVideo(owner('phone').portId);
  camera.echoTo = { port: rtpPort, payloadType: PHONE_TYPE, ssrc: 0x77 };
  await plane.connect({
    kind: 'rtp',
    portId: owner('phone').portId,
    remote: { address: '127.0.0.1', rtpPort: phone.peer.port, rtcpPort: phone.peer.port + 1 },
    rtcpMux: false,
    sourcePolicy: 'sdp',
    format: formatOf(pcmu),
    direction: 'sendrecv',
    video: { remote: rtp, format: plan.outbound, direction: 'sendrecv' },
  });
  await plane.bridge(owner('browser').portId, owner('phone').portId);
  const { mid = '', ssrc, cname, headerExtensions = [] } = offer.video ?? {};
  await plane.connect({
    kind: 'webrtc',
    portId: owner('browser').portId,
    ice,
    dtls: resolveDtlsRole(dtls),
    mid: offer.audio.mid,
    ssrc: offer.audio.ssrc,
    cname: offer.audio.cname,
    format: audio,
    direction: 'sendrecv',
    video: { mid, ssrc, cname, headerExtensions, format: plan.inbound, direction: 'sendrecv' },
  });
  const local = {
    origin: createOrigin(systemRandom),
    transport,
    codecs: [audio.codec],
    telephoneEvents: audio.telephoneEvents,
    ptimeMs: 20,
    direction: 'sendrecv' as const,
  };
  const video = { codecs: [plan.inbound.codec], direction: 'sendrecv' as const, rtp: undefined };
  await browser.accept('browser', formatAnswer(offer, { ...local, video }));
  return { camera, rtpPort };
}

const decoded = async (): Promise<number> => (await browser.video('browser'))['inbound-rtp']?.['framesDecoded'] ?? 0;

describe('video of a browser and a phone', () => {
  it.each(['H264', 'VP8'] as const)(
    'P2 passthrough of %s: every byte, both ways, at the rate of the camera',
    async (name) => {
      const seen = await callWithVideo(name);
      await until(async () => (await decoded()) > 60, { within: 15_000, what: '60 pictures that have gone both ways' });
      const { 'inbound-rtp': inbound = {}, 'outbound-rtp': outbound = {} } = await browser.video('browser');
      expect(inbound['framesPerSecond']).toBeGreaterThanOrEqual((outbound['framesPerSecond'] ?? 0) * 0.85);
      const [sent, received] = await Promise.all([
        browser.pictures('browser', 'sent'),
        browser.pictures('browser', 'received'),
      ]);
      const known = new Set(sent);
      expect(received.length).toBeGreaterThan(60);
      expect(received.filter((picture) => !known.has(picture))).toEqual([]);
      const { heard } = seen.camera;
      expect(new Set(heard.map(({ ssrc }) => ssrc)).size).toBe(1);
      expect(new Set(heard.map(({ payloadType }) => payloadType))).toEqual(new Set([PHONE_TYPE]));
      expect(Math.max(...heard.map(({ payload }) => payload.length))).toBeLessThanOrEqual(1200);
      if (name !== 'H264') return;
      // What the phone has got is what the browser's encoder has made, unit for unit.
      const units = nalUnits(heard.map(({ payload }) => payload)).slice(0, 40);
      const all = sent.join('');
      expect(units.length).toBe(40);
      expect(units.filter((unit) => !all.includes(unit.toString('hex')))).toEqual([]);
      expect(
        isOfKeyframe(heard[0]?.payload ?? Buffer.alloc(0)) ||
          heard.slice(0, 3).some(({ payload }) => isOfKeyframe(payload)),
      ).toBe(true);
    },
  );

  it('a phone asks by PLI, FIR, and the FIR of RFC 2032: the browser sends a complete picture within 200 ms', async () => {
    const { camera: seen, rtpPort } = await callWithVideo('H264');
    await until(async () => (await decoded()) > 20, { within: 15_000, what: 'pictures' });
    for (const how of [1, 4, 192] as const) {
      await new Promise((resolve) => setTimeout(resolve, 1100));
      const before = seen.heard.length;
      const since = performance.now();
      seen.askForPicture(rtpPort + 1, how, seen.heard.at(-1)?.ssrc);
      const key = await until(() => seen.heard.slice(before).find(({ payload }) => isOfKeyframe(payload)), {
        within: 2000,
        every: 5,
        what: 'a complete picture',
      });
      expect(key.at - since).toBeLessThan(200);
    }
  });

  it('a phone that knows FIR is asked by it, at most once a second', async () => {
    const { camera: seen } = await callWithVideo('H264', ['ccm fir']);
    await until(async () => (await decoded()) > 20, { within: 15_000, what: 'pictures' });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const since = performance.now();
    for (let i = 0; i < 5; i++) expect(await media.plane.requestKeyframe(owner('phone').portId)).toBe('requested');
    const first = await until(() => seen.asked.find(({ at }) => at >= since), { within: 2000, every: 5, what: 'it' });
    expect(first.at - since).toBeLessThan(200);
    expect(first).toMatchObject({ format: 4, media: 0x77 });
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect(seen.asked.filter(({ at }) => at >= since)).toHaveLength(1);
  });

  it('audio goes on when the video ends, and nothing asks for pictures any more', async () => {
    await callWithVideo('H264');
    await until(async () => (await decoded()) > 20, { within: 15_000, what: 'pictures' });
    const { peer } = phone ?? {};
    await media.plane.connect({
      kind: 'rtp',
      portId: owner('phone').portId,
      remote: { address: '127.0.0.1', rtpPort: peer?.port ?? 0, rtcpPort: (peer?.port ?? 0) + 1 },
      rtcpMux: false,
      sourcePolicy: 'sdp',
      format: formatOf(pcmu),
      direction: 'sendrecv',
    });
    const heard = peer?.heard.length ?? 0;
    await until(() => (peer?.heard.length ?? 0) > heard + 25, { within: 3000, what: 'audio to go on' });
    expect(await media.plane.requestKeyframe(owner('phone').portId)).toBe('no-video');
  });
});
