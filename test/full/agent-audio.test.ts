/** An agent's port in every encoding: what it hears of a phone, what the phone hears of it, and what is counted. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeG711, encodeG711, findGaps, measureTone, ToneGenerator } from '../../src/audio/index.ts';
import { type AgentEncoding, agentRateHz, agentSampleBytes, type PlayoutNotice } from '../../src/calls/index.ts';
import type { EdgeEvent } from '../../src/media/edge/index.ts';
import type { AudioCodecName, AudioFormat } from '../../src/sdp/index.ts';
import { type EdgeRig, formatOf, openLeg, owner, portId, startTestEdge } from '../conformance/edge-rig.ts';
import { decodeAll, encodeAll, type StreamCodec } from '../support/audio-stream.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { until } from '../support/until.ts';

const STREAMS: Readonly<Record<AudioCodecName, StreamCodec & { readonly rateHz: number }>> = {
  PCMU: { name: 'PCMU', rateHz: 8000, clockRate: 8000 },
  PCMA: { name: 'PCMA', rateHz: 8000, clockRate: 8000 },
  G722: { name: 'G722', rateHz: 16_000, clockRate: 8000 },
  L16: { name: 'L16', rateHz: 16_000, clockRate: 16_000 },
  opus: { name: 'opus', rateHz: 16_000, clockRate: 48_000 },
};
const AGENT = portId('agent');

let rig: EdgeRig;
let phone: RtpPeer;

beforeEach(async () => {
  rig = await startTestEdge();
  phone = await RtpPeer.open();
});
afterEach(async () => {
  await rig.edge.stop();
  await phone.close();
});

/** An agent and a phone that hear each other; the phone's target. */
async function talk(encoding: AgentEncoding, codec: AudioCodecName) {
  const { edge } = rig;
  const format = formatOf(codec);
  const port = await openLeg(edge, 'phone', { remotePort: phone.port, format });
  await edge.openAgent({ kind: 'agent', ...owner('agent'), encoding, prebufferMs: 40 });
  await edge.connect({ kind: 'agent', portId: AGENT, format: formatFor(encoding) });
  await edge.bridge(portId('phone'), AGENT);
  edge.tellAgent({ op: 'release-agent', portId: AGENT });
  return { port, payloadType: format.codec.payloadType, ssrc: 7, step: format.codec.clockRate / 50 };
}

function formatFor(encoding: AgentEncoding): AudioFormat {
  if (encoding === 'PCMU' || encoding === 'PCMA') return formatOf(encoding);
  const { codec, ...more } = formatOf('L16');
  return { ...more, codec: { ...codec, clockRate: agentRateHz(encoding) } };
}

const framesHeard = (): readonly Uint8Array[] =>
  rig.events.filter((event) => event.kind === 'heard').map(({ audio }) => audio);

function noticesOf<Kind extends PlayoutNotice['kind']>(kind: Kind): Extract<PlayoutNotice, { kind: Kind }>[] {
  const told = rig.events.filter((event): event is Extract<EdgeEvent, { kind: 'playout' }> => event.kind === 'playout');
  return told.map(({ notice }) => notice).filter((notice) => notice.kind === kind) as never;
}

/** In the agent's own encoding. */
function agentTone(encoding: AgentEncoding, ms: number): Uint8Array {
  const rateHz = agentRateHz(encoding);
  const pcm = new ToneGenerator(440, rateHz, -12).next((rateHz * ms) / 1000);
  return encoding === 'PCMU' || encoding === 'PCMA' ? encodeG711(encoding, pcm) : littleEndian(pcm);
}

function pcmOf(encoding: AgentEncoding, audio: Uint8Array): Int16Array {
  if (encoding === 'PCMU' || encoding === 'PCMA') return decodeG711(encoding, audio);
  const view = new DataView(audio.buffer, audio.byteOffset, audio.byteLength);
  return Int16Array.from({ length: audio.length / 2 }, (_, at) => view.getInt16(2 * at, true));
}

function littleEndian(pcm: Int16Array): Uint8Array {
  const bytes = Buffer.alloc(2 * pcm.length);
  for (const [at, sample] of pcm.entries()) bytes.writeInt16LE(sample, 2 * at);
  return bytes;
}

const bytesIn20ms = (encoding: AgentEncoding): number => (agentRateHz(encoding) / 50) * agentSampleBytes(encoding);

/**
 * Measured once so much has come, and again while a crowded machine has cut it up: not all the time, because measuring
 * keeps the phone of this thread from sending.
 */
async function cleanTone(
  of: { readonly count: () => number; readonly rateHz: number; readonly snrDb: number },
  take: () => Promise<Int16Array>,
) {
  for (let attempt = 1; ; attempt++) {
    const enough = of.count() + 45;
    await until(() => of.count() >= enough, { within: 10_000, what: `${enough} frames` });
    const pcm = await take();
    const measure = measureTone(pcm, of.rateHz, 440);
    const gaps = findGaps(pcm, of.rateHz, { thresholdDb: -20, minMs: 5 });
    if (gaps.length === 0 && measure.snrDb > of.snrDb) return measure;
    if (attempt === 5) throw new Error(`no clean tone: ${JSON.stringify({ ...measure, gaps })}`);
  }
}

const say = (utterance: string, audio: Uint8Array) =>
  rig.edge.tellAgent({ op: 'speak', portId: AGENT, utterance, audio });

const pairs: readonly (readonly [AgentEncoding, AudioCodecName, number])[] = [
  ['L16/8000', 'opus', 10],
  ['L16/24000', 'PCMU', 30],
  ['L16/24000', 'G722', 30],
  ['L16/16000', 'opus', 10],
  ['L16/16000', 'L16', 60],
];

describe('an agent', () => {
  it.each(pairs)('of %s and a phone of %s hear each other', async (encoding, codec, snrDb) => {
    const target = await talk(encoding, codec);
    const stream = STREAMS[codec];
    const tone = new ToneGenerator(440, stream.rateHz, -12).next(stream.rateHz * 4);
    phone.play(await encodeAll(tone, stream), target);
    say('long', agentTone(encoding, 15_000));
    const rateHz = agentRateHz(encoding);
    const heard = await cleanTone({ count: () => framesHeard().length, rateHz, snrDb }, async () => {
      const frames = framesHeard();
      expect(new Set(frames.map(({ length }) => length))).toEqual(new Set([bytesIn20ms(encoding)]));
      return pcmOf(encoding, Buffer.concat(frames.slice(-30)));
    });
    expect(heard.levelDbfs).toBeCloseTo(-12, 0);
    const back = await cleanTone({ count: () => phone.heard.length, rateHz: stream.rateHz, snrDb }, async () =>
      (await decodeAll(phone.heard.slice(-40), stream)).subarray(stream.rateHz / 5),
    );
    expect(back.levelDbfs).toBeCloseTo(-12, 0);
    const packets = phone.heard.slice(-30);
    const steps = packets.slice(1).map(({ timestamp }, i) => timestamp - (packets[i]?.timestamp ?? 0));
    expect(new Set(steps)).toEqual(new Set([target.step]));
  });

  it.each(['PCMU', 'L16/8000', 'L16/16000', 'L16/24000'] as const)(
    'of %s: what was heard is counted in ms',
    async (encoding) => {
      await talk(encoding, 'PCMU');
      say('short', agentTone(encoding, 100));
      rig.edge.tellAgent({ op: 'mark-speech', portId: AGENT, name: 'one' });
      say('long', agentTone(encoding, 3000));
      rig.edge.tellAgent({ op: 'mark-speech', portId: AGENT, name: 'two' });
      await until(() => noticesOf('mark').length > 0, { within: 5_000, what: 'the first mark' });
      const heard = await rig.edge.flushSpeech(AGENT);
      expect(noticesOf('over')[0]).toEqual({
        kind: 'over',
        utterance: 'short',
        receivedMs: 100,
        playedMs: 100,
        flushedMs: 0,
        skippedMs: 0,
      });
      const [long] = heard?.filter(({ utterance }) => utterance === 'long') ?? [];
      expect(long?.receivedMs).toBe(3000);
      expect((long?.playedMs ?? 0) + (long?.flushedMs ?? 0)).toBe(3000);
      expect(long?.flushedMs).toBeGreaterThan(0);
      expect(noticesOf('mark')).toEqual([
        { kind: 'mark', name: 'one', isCleared: false },
        { kind: 'mark', name: 'two', isCleared: true },
      ]);
    },
  );

  it.each(['PCMU', 'L16/24000'] as const)('of %s: no more than ten minutes wait', async (encoding) => {
    await talk(encoding, 'PCMU');
    const minute = agentTone(encoding, 60_000);
    for (let i = 0; i < 12; i++) say('flood', minute);
    const heard = await rig.edge.flushSpeech(AGENT);
    const received = heard?.[0]?.receivedMs ?? 0;
    expect(received).toBeGreaterThanOrEqual(600_000);
    // As much as has left the queue meanwhile is taken in addition.
    expect(received).toBeLessThanOrEqual(600_000 + (heard?.[0]?.playedMs ?? 0));
  });
});
