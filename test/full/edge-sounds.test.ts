/** What the edge plays by itself: one stream with what the other party says, and nothing of the two at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDecoder, DtmfDetector, findGaps, measureTone, ToneGenerator } from '../../src/audio/index.ts';
import type { AudioCodecName } from '../../src/sdp/index.ts';
import { type EdgeRig, EVENT_8K, formatOf, openLeg, portId, startTestEdge, target } from '../conformance/edge-rig.ts';
import { digitsIn, type HeardPacket, RtpPeer } from '../support/rtp-peer.ts';
import { until } from '../support/until.ts';

let rig: EdgeRig;
let peers: RtpPeer[];

beforeEach(async () => {
  rig = await startTestEdge();
  peers = [];
});
afterEach(async () => {
  await Promise.all([rig.edge.stop(), ...peers.map((peer) => peer.close())]);
});

async function openPeer(): Promise<RtpPeer> {
  const peer = await RtpPeer.open();
  peers.push(peer);
  return peer;
}

const PAYLOAD_TYPE: Readonly<Record<string, number>> = { PCMU: 0, PCMA: 8, G722: 9, opus: 111 };

/** What was heard, as PCM; `rateHz` of the decoder. */
async function decode(
  heard: readonly HeardPacket[],
  codec: AudioCodecName,
): Promise<{ pcm: Int16Array; rateHz: number }> {
  const decoder = await createDecoder(codec);
  const frames = heard
    .filter(({ payloadType }) => payloadType === PAYLOAD_TYPE[codec])
    .map(({ payload }) => decoder.decode(payload).slice());
  decoder.close();
  return { pcm: Int16Array.from(frames.flatMap((frame) => [...frame])), rateHz: decoder.rateHz };
}

function expectOneStream(heard: readonly HeardPacket[]): void {
  expect(new Set(heard.map(({ ssrc }) => ssrc)).size).toBe(1);
  for (const [i, packet] of heard.entries()) {
    expect(packet.sequence).toBe(((heard[0]?.sequence ?? 0) + i) & 0xffff);
    const before = heard[i - 1];
    if (before !== undefined) expect((packet.timestamp - before.timestamp) >>> 0).toBeLessThan(0x8000_0000);
  }
}

const grow = (peer: RtpPeer, count: number): Promise<boolean> => {
  const before = peer.heard.length;
  return until(() => peer.heard.length >= before + count, { within: 5_000, what: `${count} packets` });
};

describe('a sound', () => {
  it.each(['PCMU', 'PCMA', 'G722', 'opus'] as const)(
    'ringback is heard in %s before anybody else is there',
    async (codec) => {
      const alice = await openPeer();
      await openLeg(rig.edge, 'a', { remotePort: alice.port, format: formatOf(codec) });
      await rig.edge.play(portId('a'), { kind: 'ringback', tone: 'eu' });
      await grow(alice, 80);
      await rig.edge.play(portId('a'), undefined);
      expectOneStream(alice.heard);
      const { pcm, rateHz } = await decode(alice.heard.slice(0, 80), codec);
      const tone = measureTone(pcm.subarray(rateHz * 0.2, rateHz * 0.9), rateHz, 425);
      expect(Math.abs(tone.frequencyHz - 425)).toBeLessThan(2);
      expect(tone.levelDbfs).toBeGreaterThan(-21);
      expect(findGaps(pcm, rateHz, { thresholdDb: -50, minMs: 400 })[0]?.startMs).toBeGreaterThan(980);
      const before = alice.heard.length;
      await sleep(100);
      expect(alice.heard.length - before).toBeLessThanOrEqual(1);
    },
  );

  it('takes the place of what the other party says, and gives it back, in one stream', async () => {
    const [alice, bob] = [await openPeer(), await openPeer()];
    await openLeg(rig.edge, 'a', { remotePort: alice.port });
    const b = await openLeg(rig.edge, 'b', { remotePort: bob.port });
    await rig.edge.bridge(portId('a'), portId('b'));
    bob.play([Buffer.alloc(160, 0x22)], target(b));
    const isBob = ({ payload }: HeardPacket): boolean => payload[0] === 0x22 && payload[100] === 0x22;
    await until(() => alice.heard.some(isBob), { within: 2_000, what: 'bob' });
    await rig.edge.play(portId('a'), { kind: 'ringback', tone: 'us' });
    const from = alice.heard.length + 1;
    await grow(alice, 40);
    expect(alice.heard.slice(from).some(isBob)).toBe(false);
    await rig.edge.play(portId('a'), undefined);
    await until(() => isBob(alice.heard.at(-1) as HeardPacket), { within: 2_000, what: 'bob again' });
    expectOneStream(alice.heard);
  });
});

describe('music on hold', () => {
  it('is heard while the holder is silent, muted too, and gives way to music of its own', async () => {
    const [alice, bob] = [await openPeer(), await openPeer()];
    await openLeg(rig.edge, 'a', { remotePort: alice.port });
    const b = await openLeg(rig.edge, 'b', { remotePort: bob.port, direction: 'recvonly' });
    await rig.edge.bridge(portId('a'), portId('b'));
    await rig.edge.play(portId('a'), { kind: 'music' });
    // A muted microphone sends digital silence without end.
    bob.play([Buffer.alloc(160, 0xff)], target(b));
    await grow(alice, 60);
    const { pcm } = await decode(alice.heard.slice(-50), 'PCMU');
    expect(findGaps(pcm, 8000, { thresholdDb: -55, minMs: 100 })).toEqual([]);
    bob.play([Buffer.alloc(160, 0x22)], target(b));
    const isBob = ({ payload }: HeardPacket): boolean => payload.every((byte) => byte === 0x22);
    await until(() => alice.heard.slice(-10).every(isBob), { within: 3_000, what: 'the music of the holder' });
    bob.pause();
    await until(() => alice.heard.length > 10 && !alice.heard.slice(-10).some(isBob), { within: 3_000, what: 'ours' });
    expectOneStream(alice.heard);
  });

  it('of a file is what is in the file', async () => {
    await rig.edge.stop();
    const rateHz = 44_100;
    const samples = new ToneGenerator(1000, rateHz, -10).next(rateHz);
    rig = await startTestEdge({ music: { rateHz, samples } });
    const alice = await openPeer();
    await openLeg(rig.edge, 'a', { remotePort: alice.port, format: formatOf('G722') });
    await rig.edge.play(portId('a'), { kind: 'music' });
    await grow(alice, 75);
    const { pcm } = await decode(alice.heard, 'G722');
    const tone = measureTone(pcm.subarray(8000, 16_000), 16_000, 1000);
    expect(Math.abs(tone.levelDbfs + 10)).toBeLessThan(1);
    expect(tone.snrDb).toBeGreaterThan(15);
  });

  it('none is none: what the holder sends is heard', async () => {
    await rig.edge.stop();
    rig = await startTestEdge({ music: 'none' });
    const [alice, bob] = [await openPeer(), await openPeer()];
    await openLeg(rig.edge, 'a', { remotePort: alice.port });
    const b = await openLeg(rig.edge, 'b', { remotePort: bob.port });
    await rig.edge.bridge(portId('a'), portId('b'));
    await rig.edge.play(portId('a'), { kind: 'music' });
    await sleep(100);
    expect(alice.heard).toEqual([]);
    bob.play([Buffer.alloc(160, 0xff)], target(b));
    await grow(alice, 5);
  });
});

describe('keys that were pressed faster than they sound', () => {
  it('as events: all, in order, one after another', async () => {
    const alice = await openPeer();
    await openLeg(rig.edge, 'a', { remotePort: alice.port, format: formatOf('PCMU', EVENT_8K) });
    for (const digit of '11#4')
      await rig.edge.sendDigit({ portId: portId('a'), digit, durationMs: 100, form: 'events' });
    await until(() => digitsIn(alice.heard, 101).filter(({ ends }) => ends === 3).length === 4, {
      within: 3_000,
      what: 'four keys',
    });
    const heard = digitsIn(alice.heard, 101);
    expect(heard.map(({ digit }) => digit).join('')).toBe('11#4');
    expect(heard.every(({ duration, hasMarker }) => duration === 800 && hasMarker)).toBe(true);
  });

  it.each(['PCMU', 'G722', 'opus'] as const)('as tones in %s, while the voice is muted', async (codec) => {
    const [alice, bob] = [await openPeer(), await openPeer()];
    const format = formatOf(codec);
    await openLeg(rig.edge, 'a', { remotePort: alice.port, format });
    const b = await openLeg(rig.edge, 'b', { remotePort: bob.port, format });
    await rig.edge.bridge(portId('a'), portId('b'));
    const to = target(b, { payloadType: format.codec.payloadType, step: format.codec.clockRate / 50 });
    bob.play([Buffer.alloc(codec === 'opus' ? 60 : 160, 0x22)], to);
    await grow(alice, 10);
    for (const digit of '159D')
      await rig.edge.sendDigit({ portId: portId('a'), digit, durationMs: 100, form: 'tones' });
    await grow(alice, 60);
    expectOneStream(alice.heard);
    const { pcm, rateHz } = await decode(alice.heard, codec);
    const detector = new DtmfDetector(rateHz);
    const keys: string[] = [];
    for (let at = 0; at < pcm.length; at += rateHz / 50) {
      const heard = detector.take(pcm.subarray(at, at + rateHz / 50));
      if (heard !== undefined) keys.push(heard.key);
    }
    expect(keys.join('')).toBe('159D');
    const tail = alice.heard.at(-1)?.payload ?? Buffer.alloc(0);
    expect(tail.length > 0 && tail.every((byte) => byte === 0x22)).toBe(true);
  });
});
