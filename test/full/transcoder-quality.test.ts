/** S77: what transcoding leaves of a voice, on a good network and on one that loses and mixes up packets. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EdgeRig, formatOf, openLeg, portId, startTestEdge } from '../conformance/edge-rig.ts';
import { delayOf, segmentalSnrDb, spectralDistanceDb } from '../support/audio-quality.ts';
import { decodeAll, encodeAll, type StreamCodec } from '../support/audio-stream.ts';
import { type Impairment, ImpairmentRelay } from '../support/impairment-relay.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { syntheticVoice } from '../support/synthetic-voice.ts';
import { until } from '../support/until.ts';

const RATE_HZ = 8000;
const SECONDS = 4;
/** Of silence before what was heard, for the alignment, samples. */
const PAD = RATE_HZ / 5;
const OPUS: StreamCodec = { name: 'opus', rateHz: RATE_HZ, clockRate: 48_000 };
const PCMU: StreamCodec = { name: 'PCMU', clockRate: 8000 };
const PCMA: StreamCodec = { name: 'PCMA', clockRate: 8000 };

const voice = syntheticVoice(RATE_HZ, SECONDS);
let rig: EdgeRig;

beforeEach(async () => {
  rig = await startTestEdge();
});
afterEach(() => rig.edge.stop());

/** The voice sent in one codec through a network, heard in another. */
async function hear(from: StreamCodec, to: StreamCodec, network: Impairment, encoderLoss = 0) {
  const id = `${from.name}-${to.name}-${encoderLoss}`;
  const [a, b] = [await RtpPeer.open(), await RtpPeer.open()];
  const relay = await ImpairmentRelay.open(network);
  const [fa, fb] = [formatOf(from.name), formatOf(to.name)];
  relay.from = a.port;
  relay.to = await openLeg(rig.edge, `a-${id}`, { remotePort: relay.port, format: fa });
  await openLeg(rig.edge, `b-${id}`, { remotePort: b.port, format: fb });
  await rig.edge.bridge(portId(`a-${id}`), portId(`b-${id}`));
  const payloads = await encodeAll(voice, from, encoderLoss);
  const sent = { port: relay.port, payloadType: fa.codec.payloadType, ssrc: 1, step: fa.codec.clockRate / 50 };
  let next = 0;
  const sentAt: number[] = [];
  const begin = performance.now();
  const timer = setInterval(() => {
    while (next < payloads.length && next * 20 <= performance.now() - begin) {
      const payload = payloads[next++];
      sentAt.push(performance.now());
      if (payload) a.send(payload, sent);
    }
  }, 5);
  try {
    await until(() => next === payloads.length && performance.now() > begin + SECONDS * 1000 + 500, {
      within: 30_000,
      what: 'the whole voice sent',
    });
  } finally {
    clearInterval(timer);
    await Promise.all([rig.edge.close(portId(`a-${id}`)), rig.edge.close(portId(`b-${id}`))]);
    await Promise.all([a.close(), b.close(), relay.close()]);
  }
  const arrived = relay.passed.map((packet) => ({
    ...SILENT,
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    payload: packet.subarray(12),
  }));
  return {
    heard: aligned(await decodeAll(b.heard, to)),
    /** What is heard when silence is played in place of what was lost. */
    gaps: aligned(await decodeAll(arrived, from)),
    lossRate: relay.lost / payloads.length,
    /** From a packet's way out to the way in of the one made of it, ms; only where nothing is lost. */
    addedMs: median(b.heard.map(({ at }, index) => at - (sentAt[index] ?? Number.NaN))),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}

const SILENT = { payloadType: 0, hasMarker: false, ssrc: 1, fromPort: 0, at: 0 };

/** From where the voice begins: the first packets may have been lost, or come too late. */
function aligned(pcm: Int16Array): Int16Array {
  const padded = new Int16Array(pcm.length + PAD);
  padded.set(pcm, PAD);
  return padded.subarray(delayOf(voice, padded, 2 * PAD));
}

const measured = (heard: Int16Array) => ({
  snrDb: segmentalSnrDb(voice, heard, RATE_HZ),
  distanceDb: spectralDistanceDb(voice, heard, RATE_HZ),
});

// Again when a crowded machine has cut up what was sent.
const OFTEN = { retry: 2 };

describe('a voice transcoded', OFTEN, () => {
  it('keeps its waveform from Opus to G.711 and back', async () => {
    const runs = await Promise.all([hear(OPUS, PCMU, { seed: 1 }), hear(PCMU, OPUS, { seed: 1 })]);
    const [down, up] = [measured(runs[0].heard), measured(runs[1].heard)];
    expect(down.snrDb).toBeGreaterThan(8);
    expect(up.snrDb).toBeGreaterThan(8);
    expect(Math.max(down.distanceDb, up.distanceDb)).toBeLessThan(6);
    // Two milliseconds on a quiet machine, the relay included.
    expect(Math.max(...runs.map(({ addedMs }) => addedMs))).toBeLessThan(10);
  });
});

describe('5 % loss and 60 ms jitter', OFTEN, () => {
  const bad: Impairment = { seed: 4711, loss: 0.05, jitterMs: 60, duplication: 0.02 };

  it('concealment is nearer to the voice than the gaps are', async () => {
    const { heard, gaps, lossRate } = await hear(PCMA, PCMU, bad);
    expect(lossRate).toBeGreaterThan(0.03);
    expect(measured(heard).distanceDb).toBeLessThan(0.85 * measured(gaps).distanceDb);
  });

  it('the redundancy of Opus gives back what concealment can only guess', async () => {
    const runs = await Promise.all([hear(OPUS, PCMU, bad, 0), hear(OPUS, PCMU, bad, 0.1)]);
    const [without, withFec] = [measured(runs[0].heard), measured(runs[1].heard)];
    expect(withFec.distanceDb).toBeLessThan(0.85 * without.distanceDb);
    expect(withFec.snrDb).toBeGreaterThan(without.snrDb);
  });
});
