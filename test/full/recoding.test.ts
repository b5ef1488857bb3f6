/** S77: what the edge makes of packets whose codec need not change, and what it sends who loses them or is silent. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { measureTone, ToneGenerator } from '../../src/audio/index.ts';
import { buildRtcp } from '../../src/rtp/index.ts';
import type { AudioCodecName, AudioFormat } from '../../src/sdp/index.ts';
import { type EdgeRig, formatOf, openLeg, portId, startTestEdge } from '../conformance/edge-rig.ts';
import { decodeAll, encodeAll, type StreamCodec } from '../support/audio-stream.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { syntheticVoice } from '../support/synthetic-voice.ts';
import { until } from '../support/until.ts';

const PCMU: StreamCodec = { name: 'PCMU', clockRate: 8000 };
const OPUS: StreamCodec = { name: 'opus', rateHz: 8000, clockRate: 48_000 };
const NOISE_TYPE = 13;

let rig: EdgeRig;
const peers: RtpPeer[] = [];

beforeEach(async () => {
  rig = await startTestEdge();
});
afterEach(async () => {
  await rig.edge.stop();
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

async function openPeer(): Promise<RtpPeer> {
  const peer = await RtpPeer.open();
  peers.push(peer);
  return peer;
}

async function untilSo(isSo: () => boolean): Promise<void> {
  await until(isSo, { within: 20_000, what: isSo.toString() });
}

/** Two peers and the edge between them; `a` and `b` are where the edge takes what they send. */
async function call(fa: AudioFormat, fb: AudioFormat) {
  const [peerA, peerB] = [await openPeer(), await openPeer()];
  const a = await openLeg(rig.edge, 'a', { remotePort: peerA.port, format: fa });
  const b = await openLeg(rig.edge, 'b', { remotePort: peerB.port, format: fb, rtcpMux: true });
  await rig.edge.bridge(portId('a'), portId('b'));
  return { peerA, peerB, a, b };
}

function to(port: number, { codec, ptimeMs }: AudioFormat) {
  return { port, payloadType: codec.payloadType, ssrc: 7, step: (codec.clockRate * ptimeMs) / 1000 };
}

const packetsOf = (name: AudioCodecName, ptimeMs: number): AudioFormat => ({ ...formatOf(name), ptimeMs });

describe('packets of one codec', () => {
  it.each([
    ['PCMU', 20, 30],
    ['PCMA', 20, 60],
    ['L16', 20, 10],
  ] as const)('%s of %i ms become packets of %i ms, every byte as it was', async (name, inMs, outMs) => {
    const [fa, fb] = [packetsOf(name, inMs), packetsOf(name, outMs)];
    const { peerA, peerB, a } = await call(fa, fb);
    const { clockRate } = fa.codec;
    const rateHz = clockRate;
    const sent = await encodeAll(new ToneGenerator(441, rateHz, -12).next(rateHz * 2), { name, rateHz, clockRate });
    peerA.play(sent, to(a, fa));
    await untilSo(() => peerB.heard.length > 600 / outMs);
    const bytes = ((name === 'L16' ? 2 : 1) * clockRate * outMs) / 1000;
    // A crowded machine may have cut one stretch up: the longest one counts that has no gap.
    const whole = Buffer.concat([...sent, ...sent]);
    await until(
      () => {
        const heard = peerB.heard.slice(-Math.ceil(300 / outMs));
        expect(heard.filter(({ payload }) => payload.length !== bytes)).toEqual([]);
        return whole.includes(Buffer.concat(heard.map(({ payload }) => payload)));
      },
      { within: 20_000, every: 50, what: 'what was sent, cut anew' },
    );
    const [first, second] = peerB.heard.slice(-2);
    expect(((second?.timestamp ?? 0) - (first?.timestamp ?? 0)) >>> 0).toBe((clockRate * outMs) / 1000);
    expect((await rig.edge.counters()).transcodedMs).toBe(0);
  });

  it('pass as they are where both want the same length, and in Opus', async () => {
    const [fa, fb] = [packetsOf('opus', 20), packetsOf('opus', 60)];
    const { peerA, peerB, a } = await call(fa, fb);
    const sent = await encodeAll(new ToneGenerator(440, 8000, -12).next(8000), OPUS);
    peerA.play(sent, to(a, fa));
    await untilSo(() => peerB.heard.length > 30);
    const known = new Set(sent.map((payload) => payload.toString('hex')));
    expect(peerB.heard.every(({ payload }) => known.has(payload.toString('hex')))).toBe(true);
  });
});

describe('a party that falls silent', () => {
  /** The level of what was heard last, dBFS. */
  async function level(peer: RtpPeer, codec: StreamCodec): Promise<number> {
    const pcm = await decodeAll(peer.heard.slice(-40), codec);
    return measureTone(pcm.subarray(pcm.length / 5), 8000, 440).totalDbfs;
  }

  it('with comfort noise that the other side has not agreed on is not dead, and is heard as it was when it speaks', async () => {
    const format = formatOf('PCMU');
    const { peerA, peerB, a } = await call(format, format);
    const tone = await encodeAll(new ToneGenerator(440, 8000, -12).next(8000), PCMU);
    peerA.play(tone, to(a, format));
    await untilSo(() => peerB.heard.length > 20);
    peerA.pause();
    // -40 dBov, and not a word more (RFC 3389 §3.1, §4.1: updates may be left out).
    peerA.send(Buffer.of(40), { ...to(a, format), payloadType: NOISE_TYPE });
    const before = peerB.heard.length;
    await untilSo(() => peerB.heard.length > before + 50);
    expect(peerB.heard.slice(before).filter(({ payloadType }) => payloadType !== 0)).toEqual([]);
    // The scale of dBFS has a sine at 0, that of dBov a square wave.
    expect(await level(peerB, PCMU)).toBeGreaterThan(-41);
    expect(await level(peerB, PCMU)).toBeLessThan(-33);

    peerA.play(tone, to(a, format));
    const whole = Buffer.concat([...tone, ...tone]);
    await until(() => whole.includes(Buffer.concat(peerB.heard.slice(-10).map(({ payload }) => payload))), {
      within: 20_000,
      every: 50,
      what: 'the tone, every byte as it was',
    });
    expect(new Set(peerB.heard.map(({ ssrc }) => ssrc)).size).toBe(1);
  });

  it('as an Opus encoder does (DTX) leaves the noise of its room behind', async () => {
    const [fa, fb] = [formatOf('opus'), formatOf('PCMU')];
    const { peerA, peerB, a } = await call(fa, fb);
    let seed = 1;
    const noise = Int16Array.from({ length: 8000 * 3 }, () => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
      return (seed >> 16) % 200;
    });
    const sent = await encodeAll(noise, OPUS);
    peerA.play(sent, to(a, fa));
    await untilSo(() => peerA.played >= 100);
    peerA.pause();
    // A frame that says: silence begins (RFC 6716 §2.1.9), and nothing any more.
    const toc = (sent[0]?.[0] ?? 0) & 0xfc;
    peerA.send(Buffer.of(toc), to(a, fa));
    const spoken = await level(peerB, PCMU);
    const before = peerB.heard.length;
    await untilSo(() => peerB.heard.length > before + 100);
    const silent = await level(peerB, PCMU);
    expect(silent).toBeGreaterThan(spoken - 15);
    expect(silent).toBeLessThan(spoken + 6);
  });
});

describe('a party that loses packets', () => {
  /** Whether a SILK frame of 20 ms carries the one before once more (RFC 6716 §4.2.3: LBRR follows the voice flag). */
  const hasRedundancy = (payload: Buffer): boolean =>
    ((payload[0] ?? 0) & 0x80) === 0 && ((payload[1] ?? 0) & 0x40) !== 0;

  it.each([
    ['useinbandfec=1', true],
    ['', false],
  ])('and says so by RTCP gets Opus with redundancy, if its "%s" takes it: %s', async (fmtp, isTaken) => {
    const opus = formatOf('opus');
    const [fa, fb] = [formatOf('PCMU'), { ...opus, codec: { ...opus.codec, fmtp } }];
    const { peerA, peerB, a, b } = await call(fa, fb);
    peerA.play(await encodeAll(syntheticVoice(8000, 4), PCMU), to(a, fa));
    await untilSo(() => peerB.heard.length > 50);
    expect(peerB.heard.filter(({ payload }) => hasRedundancy(payload))).toEqual([]);
    const report = {
      ssrc: peerB.heard[0]?.ssrc ?? 0,
      // Of 256.
      fractionLost: 26,
      packetsLost: 5,
      highestSequence: 1,
      jitter: 0,
      lastReport: 0,
      delay: 0,
    };
    peerB.sendRaw(buildRtcp([{ kind: 'receiver-report', ssrc: 99, blocks: [report] }]), b);
    const before = peerB.heard.length;
    await untilSo(() => peerB.heard.length > before + 100);
    const last = peerB.heard.slice(-50).filter(({ payload }) => hasRedundancy(payload));
    if (isTaken) expect(last.length).toBeGreaterThan(30);
    else expect(last).toEqual([]);
  });
});
