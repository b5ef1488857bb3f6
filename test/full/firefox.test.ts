/** Firefox, the other browser engine: a call with our softphone, and streams that change without renegotiation. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDecoder } from '../../src/audio/index.ts';
import {
  browserCalls,
  formatOf,
  owner,
  type PhoneLeg,
  pcmu,
  phoneLeg,
  startTestPlane,
  type TestPlane,
} from '../media/support/test-plane.ts';
import { Firefox, type FirefoxInbound, FirefoxPeers, inboundOf } from '../support/firefox.ts';
import { Gateway } from '../support/gateway.ts';
import { PbxDialog, pbxSdp } from '../support/pbx-dialog.ts';
import { type HeardPacket, RtpPeer } from '../support/rtp-peer.ts';
import { openUdpPeer, type SipPeer } from '../support/sip-peer.ts';
import { rmsOf } from '../support/sound.ts';
import { tonePayloads } from '../support/splice-trial.ts';
import { until } from '../support/until.ts';

const BASE = 31_600;
const PBX_HZ = 1200;

let firefox: Firefox;
beforeAll(async () => {
  firefox = await Firefox.launch();
});
afterAll(async () => firefox?.close());

/** Waits until the page hears a sound of the stream that has begun: more packets, decoded to more than silence. */
async function hears(
  look: () => Promise<FirefoxInbound | undefined>,
  isNew: (now: FirefoxInbound) => boolean,
): Promise<FirefoxInbound> {
  const before = (await look())?.packetsReceived ?? 0;
  let last: FirefoxInbound | undefined;
  return until(
    async () => {
      const now = await look();
      const isHeard = now !== undefined && isNew(now) && now.audioLevel > 0.05;
      // Another SSRC counts from nothing.
      const packets = now?.ssrc === last?.ssrc ? before : 0;
      last = now;
      return isHeard && now.packetsReceived > packets + 25 ? now : undefined;
    },
    { within: 8_000, what: 'a sound' },
  ).catch((cause: unknown) => {
    throw new Error(`${String(cause)}: ${JSON.stringify(last)}`, { cause });
  });
}

/** Root mean square of what a party said, of full scale. */
async function loudness(heard: readonly HeardPacket[], codec: 'PCMU' | 'opus'): Promise<number> {
  const decoder = await createDecoder(codec);
  const samples = heard.flatMap(({ payload }) => Array.from(decoder.decode(payload), (sample) => sample / 32_768));
  decoder.close();
  return rmsOf({ rateHz: decoder.rateHz, samples: Float32Array.from(samples) });
}

describe('our softphone in Firefox', () => {
  let gateway: Gateway;
  let pbx: SipPeer;
  let alice: Page;
  beforeAll(async () => {
    pbx = await openUdpPeer({ port: BASE + 2 });
    gateway = await Gateway.start({ base: BASE, trunks: [{ name: 'pbx', address: pbx.address }] });
    alice = await firefox.softphone(gateway.origin, gateway.credentials('alice'));
  });
  afterAll(async () => {
    await gateway?.stop();
    await pbx?.close();
  });

  test.each([
    { name: 'PCMU', payloadType: 0, rtpmap: 'PCMU/8000', step: 160 },
    { name: 'opus', payloadType: 96, rtpmap: 'opus/48000/2', step: 960 },
  ] as const)('talks $name with a PBX that changes its stream', async ({ name, payloadType, rtpmap, step }) => {
    const peer = await RtpPeer.open();
    const dialog = new PbxDialog(pbx, `sip:alice@${gateway.domain}`);
    const { port } = await dialog.offer(pbxSdp({ port: peer.port, codecs: [{ payloadType, rtpmap }] }));
    const payloads = await tonePayloads(name, PBX_HZ);
    const look = (): Promise<FirefoxInbound | undefined> => inboundOf(alice, 'window.softphone.peerConnection');
    // The PBX changes its SSRC; Firefox hears one stream.
    let heardSsrc: number | undefined;
    for (const ssrc of [1, 2, 3]) {
      peer.countFrom({ sequence: ssrc * 20_000, timestamp: ssrc * 1_000_000 });
      peer.play(payloads, { port, payloadType, ssrc, step });
      const { ssrc: known } = await hears(look, (now) => heardSsrc === undefined || now.ssrc === heardSsrc);
      heardSsrc = known;
    }
    await until(() => peer.heard.length > 100, { within: 5_000, what: 'Firefox to be heard' });
    expect(await loudness(peer.heard.slice(50, 100), name)).toBeGreaterThan(0.01);
    expect(new Set(peer.heard.map((packet) => packet.ssrc)).size).toBe(1);
    peer.pause();
    expect((await dialog.request('BYE', '')).status).toBe(200);
    await peer.close();
    await sleep(200);
  });
});

describe('Firefox and the media plane', () => {
  let media: TestPlane;
  let server: Server;
  let phone: PhoneLeg;
  beforeAll(async () => {
    media = await startTestPlane(44_500);
    server = createServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html><body>'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await phone?.peer.close();
    await media?.plane.stop();
    server?.close();
  });

  test('a stream of another SSRC is heard without renegotiation, ten times', async () => {
    const browser = await FirefoxPeers.open(firefox, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const first = await browserCalls(media, browser, 'first', { codec: 'PCMU' });
    const second = await browserCalls(media, browser, 'second', { codec: 'PCMU', joinId: 'first' });
    phone = await phoneLeg(media, 'phone', formatOf(pcmu));
    phone.peer.play(await tonePayloads('PCMU', PBX_HZ), phone.target);
    await media.plane.bridge(owner('first').portId, owner('phone').portId);
    await first.connect();
    await second.connect();
    const look = (): Promise<FirefoxInbound | undefined> => browser.inbound('first');
    const ssrcs = [(await hears(look, () => true)).ssrc];
    for (let time = 0; time < 10; time += 1) {
      // Who is heard by another Producer is heard by another Consumer, which has an SSRC of its own.
      const other = time % 2 === 0 ? 'second' : 'phone';
      await media.plane.bridge(owner('first').portId, owner(other).portId);
      ssrcs.push((await hears(look, ({ ssrc }) => ssrc !== ssrcs.at(-1))).ssrc);
    }
    expect(new Set(ssrcs).size).toBe(ssrcs.length);
    expect(await browser.negotiations('first')).toBe(0);
  });
});
