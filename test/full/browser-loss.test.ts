/** S77: a browser that loses what we encode for it says so to mediasoup, and gets Opus with redundancy until it does no more. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BrowserPeers } from '../media/support/browser-peer.ts';
import {
  browserCalls,
  formatOf,
  owner,
  pcmu,
  phoneLeg,
  startTestPlane,
  type TestPlane,
} from '../media/support/test-plane.ts';
import { encodeAll } from '../support/audio-stream.ts';
import { ImpairmentRelay } from '../support/impairment-relay.ts';
import { syntheticVoice } from '../support/synthetic-voice.ts';
import { until } from '../support/until.ts';

const PORT = 44_600;
let browser: BrowserPeers;
let media: TestPlane;
let relay: ImpairmentRelay;

beforeAll(async () => {
  browser = await BrowserPeers.start();
  media = await startTestPlane(PORT);
  relay = await ImpairmentRelay.open({ seed: 5 });
  relay.from = PORT;
});

afterAll(async () => {
  await media?.plane.stop();
  await browser?.stop();
  await relay?.close();
});

/** The only way to us is through the relay. */
const through = (sdp: string): string =>
  sdp
    .split('\r\n')
    .filter((line) => !/^a=candidate:.* tcp /i.test(line))
    .map((line) => (line.startsWith('a=candidate:') ? line.replace(` ${PORT} `, ` ${relay.port} `) : line))
    .join('\r\n');

it('redundancy comes with the loss that Chromium reports, and goes with it', async () => {
  const relayed = {
    create: (id: string) => browser.create(id),
    offer: (id: string) => browser.offer(id),
    accept: (id: string, sdp: string) => browser.accept(id, through(sdp)),
  };
  const leg = await browserCalls(media, relayed, 'browser', { codec: 'opus' });
  const { peer, target } = await phoneLeg(media, 'phone', formatOf(pcmu));
  await media.plane.bridge(owner('browser').portId, owner('phone').portId);
  await leg.connect();
  peer.play(await encodeAll(syntheticVoice(8000, 4), { name: 'PCMU', clockRate: 8000 }), target);
  try {
    /** Of the last two seconds: how many SILK frames of 20 ms carry the one before once more (RFC 6716 §4.2.3). */
    const redundant = async (): Promise<number> => {
      const received = await browser.frames('browser', 'received');
      const last = received.slice(-100).map((frame) => Buffer.from(frame, 'hex'));
      return last.length < 100
        ? -1
        : last.filter((frame) => ((frame[0] ?? 0x80) & 0x80) === 0 && ((frame[1] ?? 0) & 0x40) !== 0).length;
    };
    await until(async () => (await redundant()) === 0, { within: 30_000, what: 'two seconds without redundancy' });
    relay.impairment = { seed: 5, loss: 0.15 };
    await until(async () => (await redundant()) > 20, { within: 60_000, every: 500, what: 'redundancy' });
    expect(relay.lost).toBeGreaterThan(5);
    relay.impairment = { seed: 5 };
    await until(async () => (await redundant()) === 0, { within: 90_000, every: 500, what: 'its end' });
  } finally {
    await peer.close();
  }
});
