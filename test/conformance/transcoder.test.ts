/** S77, S78: two parties of different codecs hear each other through the edge. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findGaps, measureTone, ToneGenerator } from '../../src/audio/index.ts';
import type { AudioCodecName, AudioFormat } from '../../src/sdp/index.ts';
import { decodeAll, encodeAll, type StreamCodec } from '../support/audio-stream.ts';
import { digitsIn, RtpPeer } from '../support/rtp-peer.ts';
import { until } from '../support/until.ts';
import {
  connectLeg,
  type EdgeRig,
  EVENT_8K,
  EVENT_48K,
  formatOf,
  openBuiltIn,
  openLeg,
  portId,
  startTestEdge,
} from './edge-rig.ts';

const STREAMS: Readonly<Record<AudioCodecName, StreamCodec & { readonly rateHz: number }>> = {
  PCMU: { name: 'PCMU', rateHz: 8000, clockRate: 8000 },
  PCMA: { name: 'PCMA', rateHz: 8000, clockRate: 8000 },
  G722: { name: 'G722', rateHz: 16_000, clockRate: 8000 },
  L16: { name: 'L16', rateHz: 16_000, clockRate: 16_000 },
  opus: { name: 'opus', rateHz: 16_000, clockRate: 48_000 },
};

let rig: EdgeRig;
const peers: RtpPeer[] = [];

beforeEach(async () => {
  rig = await startTestEdge();
});
afterEach(async () => {
  await rig.edge.stop();
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

async function untilSo(isSo: () => boolean): Promise<void> {
  await until(isSo, { within: 15_000, what: isSo.toString() });
}

async function openPeer(): Promise<RtpPeer> {
  const peer = await RtpPeer.open();
  peers.push(peer);
  return peer;
}

async function tonePayloads(codec: AudioCodecName, ptimeMs = 20): Promise<Buffer[]> {
  const stream = STREAMS[codec];
  return encodeAll(new ToneGenerator(440, stream.rateHz, -12).next(stream.rateHz * 4), { ...stream, ptimeMs });
}

function targetOf(port: number, { codec }: AudioFormat, ssrc: number) {
  return { port, payloadType: codec.payloadType, ssrc, step: codec.clockRate / 50 };
}

/**
 * The tone in the last packets that a peer has heard, under the payload type of its own codec alone. Heard again while
 * a crowded machine has cut it up.
 */
async function toneAt(peer: RtpPeer, codec: AudioCodecName, least: { readonly snrDb: number }) {
  const { payloadType } = formatOf(codec).codec;
  const stream = STREAMS[codec];
  return until(
    async () => {
      const heard = peer.heard.slice(-40);
      expect(heard.slice(-30).filter((packet) => packet.payloadType !== payloadType)).toEqual([]);
      expect(heard.filter(({ ssrc }) => ssrc !== heard[0]?.ssrc)).toEqual([]);
      const pcm = (await decodeAll(heard, stream)).subarray(stream.rateHz / 5);
      const measure = measureTone(pcm, stream.rateHz, 440);
      const isWhole = findGaps(pcm, stream.rateHz, { thresholdDb: -20, minMs: 5 }).length === 0;
      return heard.length === 40 && isWhole && measure.snrDb > least.snrDb && { ...measure, heard };
    },
    { within: 30_000, every: 100, what: `a clean tone of ${codec}` },
  );
}

const pairs: readonly (readonly [AudioCodecName, AudioCodecName, number])[] = [
  ['opus', 'PCMU', 18],
  ['opus', 'G722', 18],
  ['opus', 'L16', 18],
  ['G722', 'PCMA', 30],
  ['PCMU', 'PCMA', 30],
  ['L16', 'PCMU', 30],
];

describe('a transcoded call', () => {
  it.each(pairs)('of %s and %s: a tone comes through either way, one packet for one', async (one, other, snrDb) => {
    const { edge } = rig;
    const [a, b] = [await openPeer(), await openPeer()];
    const [fa, fb] = [formatOf(one), formatOf(other)];
    const portA = await openLeg(edge, 'a', { remotePort: a.port, format: fa });
    const portB = await openLeg(edge, 'b', { remotePort: b.port, format: fb });
    await edge.bridge(portId('a'), portId('b'));
    a.play(await tonePayloads(one), targetOf(portA, fa, 1));
    b.play(await tonePayloads(other), targetOf(portB, fb, 2));
    await untilSo(() => a.heard.length > 45 && b.heard.length > 45);
    for (const [peer, codec, format] of [
      [a, one, fa],
      [b, other, fb],
    ] as const) {
      const { levelDbfs, heard } = await toneAt(peer, codec, { snrDb });
      expect(levelDbfs).toBeCloseTo(-12, 0);
      const steps = heard.slice(1).map((packet, i) => ({
        sequence: (packet.sequence - (heard[i]?.sequence ?? 0)) & 0xffff,
        timestamp: (packet.timestamp - (heard[i]?.timestamp ?? 0)) >>> 0,
      }));
      expect(steps).toEqual(steps.map(() => ({ sequence: 1, timestamp: format.codec.clockRate / 50 })));
    }
    expect((await edge.counters()).transcodedMs).toBeGreaterThan(500);
  });

  it('may be bridged before its formats are known, and change them', async () => {
    const { edge } = rig;
    const [a, b] = [await openPeer(), await openPeer()];
    const [opus, pcmu, pcma] = [formatOf('opus'), formatOf('PCMU'), formatOf('PCMA')];
    const { rtp: rtpA } = await edge.openPort({
      kind: 'rtp',
      portId: portId('a'),
      callId: 'call' as never,
      legId: 'a' as never,
    });
    const { rtp: rtpB } = await edge.openPort({
      kind: 'rtp',
      portId: portId('b'),
      callId: 'call' as never,
      legId: 'b' as never,
    });
    await edge.bridge(portId('a'), portId('b'));
    await connectLeg(edge, 'b', { remotePort: b.port, format: pcmu });
    await connectLeg(edge, 'a', { remotePort: a.port, format: opus });
    a.play(await tonePayloads('opus'), targetOf(rtpA.rtpPort, opus, 1));
    await untilSo(() => b.heard.length > 45);
    await toneAt(b, 'PCMU', { snrDb: 18 });

    await connectLeg(edge, 'b', { remotePort: b.port, format: pcma });
    const before = b.heard.length;
    await untilSo(() => b.heard.length > before + 45);
    await toneAt(b, 'PCMA', { snrDb: 18 });

    // The reason to transcode goes away: the payload is not touched any more.
    await connectLeg(edge, 'b', { remotePort: b.port, format: opus });
    const payloads = await tonePayloads('opus');
    a.play(payloads, targetOf(rtpA.rtpPort, opus, 3));
    const transcoded = b.heard.length;
    await untilSo(() => b.heard.length > transcoded + 50);
    const sent = new Set(payloads.map((payload) => payload.toString('hex')));
    const opusHeard = b.heard.slice(-30);
    expect(
      opusHeard.every(({ payload, payloadType }) => payloadType === 111 && sent.has(payload.toString('hex'))),
    ).toBe(true);
    const ms = (await edge.counters()).transcodedMs;
    b.play(await tonePayloads('opus'), targetOf(rtpB.rtpPort, opus, 4));
    await untilSo(() => a.heard.length > 30);
    expect((await edge.counters()).transcodedMs).toBe(ms);
    expect(new Set(b.heard.map(({ ssrc }) => ssrc)).size).toBe(1);
  });

  it.each([
    [10, 20],
    [20, 60],
    [30, 20],
    [60, 10],
    [40, 30],
  ])('makes packets of %i ms into packets of %i ms', async (inMs, outMs) => {
    const { edge } = rig;
    const [a, b] = [await openPeer(), await openPeer()];
    const [fa, fb] = [
      { ...formatOf('PCMA'), ptimeMs: inMs },
      { ...formatOf('PCMU'), ptimeMs: outMs },
    ];
    const portA = await openLeg(edge, 'a', { remotePort: a.port, format: fa });
    await openLeg(edge, 'b', { remotePort: b.port, format: fb });
    await edge.bridge(portId('a'), portId('b'));
    const payloads = await tonePayloads('PCMA', inMs);
    const to = { port: portA, payloadType: 8, ssrc: 1, step: 8 * inMs };
    let sent = 0;
    const begin = performance.now();
    // On a busy machine a timer that is late must not make every packet after it late.
    const send = setInterval(() => {
      while (sent * inMs <= performance.now() - begin)
        a.send(payloads[sent++ % payloads.length] ?? Buffer.alloc(0), to);
    }, 5);
    try {
      await until(
        async () => {
          const heard = b.heard.slice(-Math.ceil(700 / outMs));
          expect(heard.filter(({ payload }) => payload.length !== 8 * outMs)).toEqual([]);
          const pcm = (await decodeAll(heard, STREAMS.PCMU)).subarray(800);
          return pcm.length > 4000 && measureTone(pcm, 8000, 440).snrDb > 30;
        },
        { within: 15_000, every: 200, what: 'a clean tone in packets of the other length' },
      );
    } finally {
      clearInterval(send);
    }
  });

  it('lets digits pass beside the audio, rescaled between the clocks', async () => {
    const { edge } = rig;
    const [a, b] = [await openPeer(), await openPeer()];
    const [fa, fb] = [formatOf('opus', EVENT_48K), formatOf('PCMU', EVENT_8K)];
    const portA = await openLeg(edge, 'a', { remotePort: a.port, format: fa });
    await openLeg(edge, 'b', { remotePort: b.port, format: fb });
    await edge.bridge(portId('a'), portId('b'));
    const payloads = await tonePayloads('opus');
    const audio = targetOf(portA, fa, 1);
    for (const [index, digit] of ['4', '7', '#'].entries()) {
      for (let i = 0; i < 15; i++) {
        a.send(payloads[index * 15 + i] ?? Buffer.alloc(0), audio);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await a.sendDigit(digit, 160, { ...audio, payloadType: EVENT_48K.payloadType, eventStep: 960 });
    }
    await untilSo(() => digitsIn(b.heard, EVENT_8K.payloadType).length === 3);
    await untilSo(() => digitsIn(b.heard, EVENT_8K.payloadType).every(({ ends }) => ends === 3));
    const digits = digitsIn(b.heard, EVENT_8K.payloadType);
    expect(digits.map(({ digit, duration, hasMarker }) => [digit, duration, hasMarker])).toEqual([
      ['4', 1280, true],
      ['7', 1280, true],
      ['#', 1280, true],
    ]);
    const numbers = b.heard.map(({ sequence }) => sequence);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(b.heard.filter(({ payloadType }) => payloadType === 0).length).toBeGreaterThanOrEqual(45);
    expect(rig.events.filter(({ kind }) => kind === 'digit')).toHaveLength(3);
  });

  it('plays the comfort noise of a PBX that falls silent', async () => {
    const { edge } = rig;
    const [a, b] = [await openPeer(), await openPeer()];
    const [fa, fb] = [formatOf('PCMU'), formatOf('G722')];
    const portA = await openLeg(edge, 'a', { remotePort: a.port, format: fa });
    await openLeg(edge, 'b', { remotePort: b.port, format: fb });
    await edge.bridge(portId('a'), portId('b'));
    const audio = targetOf(portA, fa, 1);
    await a.fill((await tonePayloads('PCMU'))[0] ?? Buffer.alloc(160), 20, audio);
    // -40 dBov, spectrum flat (RFC 3389 §3.1).
    a.send(Buffer.of(40), { ...audio, payloadType: 13 });
    const before = b.heard.length;
    await untilSo(() => b.heard.length > before + 50);
    const noise = (await decodeAll(b.heard.slice(-40), STREAMS.G722)).subarray(800);
    const { totalDbfs } = measureTone(noise, 16_000, 440);
    // The scale of dBFS has a sine at 0, that of dBov a square wave.
    expect(totalDbfs).toBeGreaterThan(-40);
    expect(totalDbfs).toBeLessThan(-34);
  });
});

describe('built-in parties', () => {
  it('play their tone on Opus', async () => {
    const { edge } = rig;
    const a = await openPeer();
    const format = formatOf('opus');
    await openBuiltIn(edge, 'tone', 'tone', format);
    await openLeg(edge, 'a', { remotePort: a.port, format });
    await edge.bridge(portId('tone'), portId('a'));
    await untilSo(() => a.heard.length > 45);
    await toneAt(a, 'opus', { snrDb: 18 });
    expect((await edge.counters()).transcodedMs).toBe(0);
  });

  it('echo and play in another codec than their caller', async () => {
    const { edge } = rig;
    const [a, b] = [await openPeer(), await openPeer()];
    const [opus, pcmu] = [formatOf('opus'), formatOf('PCMU')];
    await openBuiltIn(edge, 'echo', 'echo', pcmu);
    const portA = await openLeg(edge, 'a', { remotePort: a.port, format: opus });
    await edge.bridge(portId('echo'), portId('a'));
    await openBuiltIn(edge, 'tone', 'tone', pcmu);
    await openLeg(edge, 'b', { remotePort: b.port, format: opus });
    await edge.bridge(portId('b'), portId('tone'));
    a.play(await tonePayloads('opus'), targetOf(portA, opus, 1));
    await untilSo(() => a.heard.length > 45 && b.heard.length > 45);
    await toneAt(a, 'opus', { snrDb: 15 });
    await toneAt(b, 'opus', { snrDb: 18 });
  });
});
