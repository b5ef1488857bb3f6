import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium, type SoftphonePage } from '../support/chromium.ts';
import { tapFrames, tappedFrames } from '../support/frame-tap.ts';
import { Gateway } from '../support/gateway.ts';
import { RtpPeer, type RtpTarget } from '../support/rtp-peer.ts';
import { runSipp } from '../support/sipp.ts';
import { until } from '../support/until.ts';

const SIPP_PORT = 28_390;
const HOLD_MS = 4_000;
const FRAME_BYTES = 160;

let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;

beforeAll(async () => {
  const trunks = [{ name: 'carrier', address: `127.0.0.1:${SIPP_PORT}` }];
  [gateway, chromium] = await Promise.all([Gateway.start({ base: 28_300, trunks }), Chromium.launch()]);
  alice = await chromium.softphone(gateway.origin, tapFrames);
  await alice.register(gateway.credentials('alice'));
  await alice.answerAll();
});

afterAll(async () => {
  await chromium?.close();
  await gateway?.stop();
});

/** 2.5 s of µ-law in which no two frames are alike, so that a frame is known by its bytes. */
function pcmuFrames(): Buffer[] {
  return Array.from({ length: 125 }, (_, n) =>
    Buffer.from(Uint8Array.from({ length: FRAME_BYTES }, (__, i) => (n * 131 + i * 7 + ((n * i) % 251)) & 0xff)),
  );
}

/** One second of Opus at 48 kHz, 20 ms each, as Chromium encoded 440 Hz. */
function opusFrames(): Buffer[] {
  const text = readFileSync(new URL('../data/sipp/opus-440hz.hex', import.meta.url), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => Buffer.from(line, 'hex'));
}

const hexOf = (frames: readonly Buffer[]): Set<string> => new Set(frames.map((frame) => frame.toString('hex')));

/** The share of `frames` whose very bytes are among `known`. */
function shareIn(frames: readonly Buffer[], known: readonly Buffer[]): number {
  const set = hexOf(known);
  return frames.filter((frame) => set.has(frame.toString('hex'))).length / frames.length;
}

interface CodecCase {
  readonly scenario: string;
  readonly codec: string;
  readonly frames: Buffer[];
  readonly target: Omit<RtpTarget, 'port'>;
}

const cases: readonly CodecCase[] = [
  {
    scenario: 'trunk-pcmu',
    codec: 'pcmu',
    frames: pcmuFrames(),
    target: { payloadType: 0, ssrc: 0x11223344, step: 160 },
  },
  {
    scenario: 'trunk-opus',
    codec: 'opus',
    frames: opusFrames(),
    target: { payloadType: 96, ssrc: 0x55667788, step: 960 },
  },
];

describe('SIPp as a trunk calls Chromium', () => {
  test.each(cases)('$codec payloads pass byte for byte both ways', async ({ scenario, codec, frames, target }) => {
    const rtp = await RtpPeer.open();
    const call = runSipp({
      scenario,
      to: gateway.sipAddress,
      port: SIPP_PORT,
      service: 'alice',
      holdMs: HOLD_MS,
      keys: { rtp_port: String(rtp.port) },
    });
    // The browser speaks first; the source of its packets is where the gateway wants ours.
    const first = await until(() => rtp.heard[0], { within: 8_000, what: 'RTP from the gateway' });
    rtp.play(frames, { ...target, port: first.fromPort });
    const result = await call;
    rtp.pause();
    expect(result.errors).toBe('');
    expect(result.code).toBe(0);
    await alice.callIs('ended', 1_000);
    const tapped = await tappedFrames(alice.page);
    const heard = rtp.heard
      .filter((packet) => packet.payloadType === target.payloadType)
      .map((packet) => packet.payload);
    // Four seconds are 200 packets; the call's edges cost some.
    expect(heard.length).toBeGreaterThan(150);
    expect(tapped.received.length).toBeGreaterThan(150);
    expect(shareIn(heard, tapped.sent)).toBe(1);
    expect(shareIn(tapped.received, frames)).toBe(1);
    // And in order: every sequence number once, one step after the other.
    const sequences = rtp.heard.map((packet) => `${packet.ssrc} ${packet.sequence}`);
    expect(new Set(sequences).size).toBe(sequences.length);
    // One stream of the edge and, once it has handed the call over, one of mediasoup.
    expect(new Set(rtp.heard.map((packet) => packet.ssrc)).size).toBeLessThanOrEqual(2);
    expect(await gateway.metric('transcoded_seconds_total')).toBe(0);
    expect((await gateway.calls())[0]).toMatchObject({ trunk: 'carrier', endReason: 'hangup-caller' });
    expect((await gateway.calls())[0]?.legs.map((leg) => leg.codec?.toLowerCase())).toEqual([codec, codec]);
    await rtp.close();
  });
});

test('S73 the SIP messages of a call are there to be looked at, secrets masked', async () => {
  const callId = (await gateway.calls())[0]?.callId ?? '';
  const { messages } = (await gateway.api(`/calls/${callId}/ladder`)) as {
    messages: readonly { direction: string; transport: string; text: string }[];
  };
  const starts = messages.map(({ direction, transport, text }) => `${direction} ${transport} ${text.split(' ', 1)[0]}`);
  expect(starts[0]).toBe('in udp INVITE');
  expect(starts).toContain('out ws INVITE');
  expect(starts.filter((start) => start.endsWith('BYE'))).toEqual(['in udp BYE', 'out ws BYE']);
  expect(messages.map(({ text }) => text).join('')).not.toMatch(/ice-pwd:(?!\*)/);
  const drawn = await gateway.apiText(`/calls/${callId}/ladder`, 'text/plain');
  expect(drawn).toMatch(/ INVITE \(SDP\) ─+▶ │/);
  expect(drawn).toMatch(/│ ◀─+ 180 Ringing/);
});
