/** D4: what passes through is not touched. Every payload of half a minute, both ways, for each codec that passes through. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AudioCodec } from '../../src/sdp/index.ts';
import { BrowserPeers } from '../media/support/browser-peer.ts';
import {
  browserCalls,
  formatOf,
  owner,
  type PhoneLeg,
  phoneLeg,
  startTestPlane,
  type TestPlane,
} from '../media/support/test-plane.ts';
import { type TrialCodec, tonePayloads } from '../support/splice-trial.ts';
import { until } from '../support/until.ts';

const PACKETS = 1_500;
/** As a SIP phone has it: where payload types are dynamic they are not the browser's. */
const CODECS: readonly (AudioCodec & { readonly name: TrialCodec })[] = [
  { name: 'PCMU', payloadType: 0, clockRate: 8000, channels: 1, fmtp: '' },
  { name: 'PCMA', payloadType: 8, clockRate: 8000, channels: 1, fmtp: '' },
  { name: 'G722', payloadType: 9, clockRate: 8000, channels: 1, fmtp: '' },
  { name: 'opus', payloadType: 98, clockRate: 48_000, channels: 2, fmtp: '' },
];

/** So many payloads of which no two are alike: the sound of each packet is marked by its number, which no ear needs to like. */
async function numberedPayloads(name: TrialCodec): Promise<Buffer[]> {
  const sound = await tonePayloads(name, 400);
  return Array.from({ length: PACKETS }, (_, index) => {
    const payload = Buffer.from(sound[index % sound.length] ?? []);
    payload.writeUInt16BE(index, payload.length - 2);
    return payload;
  });
}

/** Where in `sent` the payloads of `heard` begin: some are sent more than once, twenty in a row are not. */
function startOf(sent: readonly string[], heard: readonly string[]): number {
  const first = heard.slice(0, 20);
  return sent.findIndex((_, at) => first.every((payload, index) => sent[at + index] === payload));
}

describe.each([
  { phase: 'carried', options: {}, isHandedOver: false },
  { phase: 'handed over', options: { handOverAfterMs: 250 }, isHandedOver: true },
] as const)('payloads, $phase', ({ options, isHandedOver }) => {
  let browser: BrowserPeers;
  let media: TestPlane;
  let phone: PhoneLeg | undefined;

  beforeAll(async () => {
    browser = await BrowserPeers.start();
    media = await startTestPlane(44_500, 1, options);
  });
  afterAll(async () => {
    await media?.plane.stop();
    await browser?.stop();
  });
  afterEach(async () => {
    await phone?.peer.close();
    await Promise.all(['browser', 'phone'].map((id) => media.plane.close(owner(id).portId)));
    await browser.hangUp('browser').catch(() => {});
    media.events.length = 0;
  });

  const isAway = async (): Promise<boolean> => (await media.plane.counters()).portsHandedOver === 1;

  test.each(CODECS)('of $name pass through byte for byte, and none is lost', async (codec) => {
    const leg = await browserCalls(media, browser, 'browser', { codec: codec.name });
    // Only where nothing differs is a port handed over; carried by the edge its numbers may.
    phone = await phoneLeg(media, 'phone', isHandedOver ? leg.format : formatOf(codec));
    const { peer, target } = phone;
    await media.plane.bridge(owner('browser').portId, owner('phone').portId);
    await leg.connect();
    peer.play([Buffer.from((await tonePayloads(codec.name, 400))[0] ?? [])], target);
    await until(() => peer.heard.length > 50, { within: 10_000, what: 'the browser to be heard' });
    if (isHandedOver) await until(isAway, { within: 10_000, what: 'the port to be handed over' });
    await sleep(500);

    const payloads = await numberedPayloads(codec.name);
    const since = peer.heard.length;
    peer.play(payloads, target);
    await sleep(PACKETS * 20 - 500);
    peer.pause();
    expect(await isAway()).toBe(isHandedOver);
    await sleep(300);
    const said = payloads.map((payload) => payload.toString('hex'));
    const received = await browser.frames('browser', 'received');
    const begun = received.indexOf(said[0] ?? '');
    expect(begun).toBeGreaterThanOrEqual(0);
    // The end was cut short.
    expect(received.slice(begun, begun + PACKETS - 50)).toEqual(said.slice(0, PACKETS - 50));

    const sent = await browser.frames('browser', 'sent');
    const heard = peer.heard.slice(since).map(({ payload }) => payload.toString('hex'));
    const start = startOf(sent, heard);
    expect(start).toBeGreaterThanOrEqual(0);
    const count = Math.min(heard.length, sent.length - start);
    expect(count).toBeGreaterThan(PACKETS * 0.9);
    expect(heard.slice(0, count)).toEqual(sent.slice(start, start + count));
    expect((await media.plane.counters()).transcodedSeconds).toBe(0);
  });
});
