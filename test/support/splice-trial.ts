/**
 * A browser on one side of a real gateway, a PBX made by hand on the other, which changes what a PBX may change about its
 * stream: each time the page itself measures how long it takes until it hears the tone of the new stream.
 */
import { expect } from 'vitest';
import { createEncoder } from '../../src/audio/index.ts';
import { sequenceDelta, timestampDelta } from '../../src/rtp/index.ts';
import { type Chromium, type SoftphonePage } from './chromium.ts';
import type { Gateway } from './gateway.ts';
import { PbxDialog, pbxSdp } from './pbx-dialog.ts';
import { type HeardPacket, RtpPeer, type RtpTarget } from './rtp-peer.ts';
import type { SipPeer } from './sip-peer.ts';
import { sine } from './sound.ts';
import { watchMachine } from './stalls.ts';
import { ToneWatch } from './tone-watch.ts';
import { until } from './until.ts';

/** Whole numbers of periods in 10 ms, and in a packet. */
const TONES_HZ = [400, 1200] as const;
const AMPLITUDE = 0.3;
/** A tone of the test is heard: well above what concealment leaves of the former one, and stronger than that. */
const HEARD = 0.1;
/** How long a change is watched. */
const WATCH_MS = 300;
const UNANNOUNCED_WATCH_MS = 2_200;
const HOLD = 'hold';
const UNANNOUNCED = 'unannounced';
const MOST_TRIES = 4;
const FRAME_MS = 10;
const SAMPLES_PER_MS = 48;

export type TrialCodec = 'PCMU' | 'PCMA' | 'G722' | 'opus';

const RTPMAPS: Readonly<Record<TrialCodec, { payloadType: number; rtpmap: string; rateHz: number; step: number }>> = {
  PCMU: { payloadType: 0, rtpmap: 'PCMU/8000', rateHz: 8000, step: 160 },
  PCMA: { payloadType: 8, rtpmap: 'PCMA/8000', rateHz: 8000, step: 160 },
  G722: { payloadType: 9, rtpmap: 'G722/8000', rateHz: 16_000, step: 160 },
  opus: { payloadType: 96, rtpmap: 'opus/48000/2', rateHz: 48_000, step: 960 },
};

/** A second of a tone as payloads of 20 ms. */
export async function tonePayloads(codec: TrialCodec, hz: number): Promise<readonly Buffer[]> {
  const { rateHz } = RTPMAPS[codec];
  const encoder = await createEncoder(codec, { rateHz });
  const { samples } = sine(hz, 1, { rateHz, amplitude: AMPLITUDE });
  const frame = rateHz / 50;
  const payloads = Array.from({ length: 50 }, (_, index) =>
    Buffer.from(
      encoder.encode(Int16Array.from(samples.subarray(index * frame, (index + 1) * frame), (value) => value * 32_767)),
    ),
  );
  encoder.close();
  return payloads;
}

export interface Measure {
  readonly change: string;
  /** From the first packet of the new stream to the first frame of its tone, ms: the browser's jitter buffer included. */
  readonly backMs: number;
  /** For how much of that time neither this tone nor the former one was heard, ms. */
  readonly silentMs: number;
  /** How much sound the browser had to make up, ms. */
  readonly concealedMs: number;
  /** To the first look at the statistics that has more packets, ms. */
  readonly risesMs: number;
  readonly packetsReceived: number;
}

export interface SpliceTrialParts {
  readonly gateway: Gateway;
  readonly chromium: Chromium;
  readonly pbx: SipPeer;
  readonly codec: TrialCodec;
  /** Each change comes when the gateway has handed the PBX's port over to mediasoup. */
  readonly isHandedOver?: boolean;
}

export class SpliceTrial {
  readonly measures: Measure[] = [];
  /** Changes made once more, because the machine stood still meanwhile. */
  repeated = 0;
  /** Resolves when the next change may come. */
  readonly #ready: () => Promise<void>;
  readonly #alice: SoftphonePage;
  readonly #dialog: PbxDialog;
  readonly #watch: ToneWatch;
  #codec: TrialCodec;
  #payloadType: number;
  readonly #tones = new Map<string, readonly Buffer[]>();
  readonly #peers: RtpPeer[];
  #port: number;
  #tone = 0;
  #ssrc = 0x1000;

  private constructor(parts: {
    alice: SoftphonePage;
    dialog: PbxDialog;
    watch: ToneWatch;
    codec: TrialCodec;
    peer: RtpPeer;
    port: number;
    ready: () => Promise<void>;
  }) {
    this.#ready = parts.ready;
    this.#alice = parts.alice;
    this.#dialog = parts.dialog;
    this.#watch = parts.watch;
    this.#codec = parts.codec;
    this.#payloadType = RTPMAPS[parts.codec].payloadType;
    this.#peers = [parts.peer];
    this.#port = parts.port;
  }

  /** A call from the PBX to the softphone, in which both hear each other. */
  static async start({ gateway, chromium, pbx, codec, isHandedOver = false }: SpliceTrialParts): Promise<SpliceTrial> {
    const alice = await chromium.softphone(gateway.origin);
    await alice.register(gateway.credentials('alice'));
    await alice.answerAll();
    const peer = await RtpPeer.open();
    const dialog = new PbxDialog(pbx, `sip:alice@${gateway.domain}`);
    const { port } = await dialog.offer(pbxSdp({ port: peer.port, codecs: [RTPMAPS[codec]] }));
    await alice.callIs('active');
    await until(() => peer.heard.length > 10, { within: 10_000, what: 'the browser to be heard' });
    const watch = await ToneWatch.start(alice.page, TONES_HZ);
    const ready = async (): Promise<void> => {
      if (!isHandedOver) return;
      const isAway = async (): Promise<boolean> => (await gateway.metric('viaduct_media_ports_handed_over')) === 1;
      await until(isAway, { within: 15_000, what: 'the port to be handed over' });
    };
    const trial = new SpliceTrial({ alice, dialog, watch, codec, peer, port, ready });
    for (const name of Object.keys(RTPMAPS) as TrialCodec[])
      for (const [tone, hz] of TONES_HZ.entries()) trial.#tones.set(`${name} ${tone}`, await tonePayloads(name, hz));
    await trial.#play();
    await until(() => trial.#isHeard(), { within: 5_000, what: 'the PBX to be heard' });
    return trial;
  }

  /** What the PBX has heard of the browser, on all of its ports. */
  get heard(): readonly HeardPacket[] {
    return this.#peers.flatMap(({ heard }) => heard).toSorted((a, b) => a.at - b.at);
  }

  /** Held, while the PBX counts on by `packets`: a call of 20 ms frames counts 45,000 in a quarter of an hour. */
  async hold(packets: number): Promise<void> {
    await this.#measure(`${HOLD} of ${packets}`, async () => {
      await this.#offer('inactive');
      this.#peer.pause();
      await new Promise((resolve) => setTimeout(resolve, 100));
      const { sequence, timestamp } = this.#peer.counters;
      const { step } = RTPMAPS[this.#codec];
      this.#peer.countFrom({ sequence: sequence + packets, timestamp: timestamp + packets * step });
      await this.#offer('sendrecv');
    });
  }

  async newSsrc(): Promise<void> {
    await this.#measure('new SSRC', async () => {
      this.#ssrc += 1;
      this.#restart(20_000);
    });
  }

  /** Under the same SSRC: `by` so many packets forward, or back. */
  async rtpRestart(by: number): Promise<void> {
    await this.#measure(`RTP restart by ${by}`, async () => this.#restart(by));
  }

  async newPort(): Promise<void> {
    await this.#measure('re-INVITE to a new port', async () => {
      const former = await this.#openPeer();
      await this.#offer('sendrecv');
      former.pause();
      this.#ssrc += 1;
    });
  }

  /** As behind a NAT that has given the PBX another port. */
  async unannouncedPort(): Promise<void> {
    await this.#measure(
      `${UNANNOUNCED} source`,
      async () => {
        const former = await this.#openPeer();
        this.#peer.countFrom(former.counters);
        former.pause();
      },
      UNANNOUNCED_WATCH_MS,
    );
  }

  async newPayloadType(): Promise<void> {
    await this.#measure('payload type', async () => {
      this.#payloadType = this.#payloadType === 96 ? 107 : 96;
      await this.#offer('sendrecv');
    });
  }

  async newCodec(codec: TrialCodec): Promise<void> {
    await this.#measure(`codec ${codec}`, async () => {
      this.#codec = codec;
      this.#payloadType = RTPMAPS[codec].payloadType;
      await this.#offer('sendrecv');
    });
  }

  async quality(): Promise<Awaited<ReturnType<SoftphonePage['quality']>>> {
    return this.#alice.quality();
  }

  async stop(): Promise<void> {
    await this.#watch.stop().catch(() => {});
    await this.#dialog.bye();
    for (const peer of this.#peers) await peer.close();
    await this.#alice.close();
  }

  get #peer(): RtpPeer {
    return this.#peers.at(-1) as RtpPeer;
  }

  /** From now on the PBX sends from another port; its former one. */
  async #openPeer(): Promise<RtpPeer> {
    const former = this.#peer;
    this.#peers.push(await RtpPeer.open());
    return former;
  }

  async #offer(direction: 'sendrecv' | 'inactive'): Promise<void> {
    const codecs = [{ payloadType: this.#payloadType, rtpmap: RTPMAPS[this.#codec].rtpmap }];
    this.#port = (await this.#dialog.offer(pbxSdp({ port: this.#peer.port, codecs, direction }))).port;
  }

  #restart(by: number): void {
    const { sequence, timestamp } = this.#peer.counters;
    this.#peer.countFrom({ sequence: sequence + by, timestamp: timestamp + by * 4_711 });
  }

  /** Makes a change and plays the other tone; measured once more when the machine stood still. */
  async #measure(change: string, make: () => Promise<void>, watchMs = WATCH_MS): Promise<void> {
    for (let time = 1; ; time++) {
      await this.#ready();
      await this.#watch.take();
      this.#watch.clear();
      const machine = watchMachine();
      await make();
      const since = await this.#play();
      await new Promise((resolve) => setTimeout(resolve, watchMs));
      await this.#watch.take();
      const measure = this.#read(change, since);
      const isSpoilt = machine.stop();
      if (isSpoilt && isLate(measure, BACK_WITHIN_MS.announced) && time < MOST_TRIES) {
        this.repeated += 1;
        continue;
      }
      this.measures.push(measure);
      return;
    }
  }

  /** Plays the other tone; when its first packet went, in milliseconds since 1970. */
  async #play(): Promise<number> {
    this.#tone = 1 - this.#tone;
    const target: RtpTarget = {
      port: this.#port,
      payloadType: this.#payloadType,
      ssrc: this.#ssrc,
      step: RTPMAPS[this.#codec].step,
    };
    const peer = this.#peer;
    peer.play(this.#tones.get(`${this.#codec} ${this.#tone}`) ?? [], target);
    await until(() => peer.beganAt > 0, { within: 1_000, every: 1, what: 'a packet to be sent' });
    return performance.timeOrigin + peer.beganAt;
  }

  #read(change: string, since: number): Measure {
    const { frames, counts } = this.#watch;
    const back = frames.find(({ at, levels }) => at >= since && this.#isTone(levels));
    const backAt = back?.at ?? Number.POSITIVE_INFINITY;
    const former = frames.findLast(({ at, levels }) => at < backAt && this.#isTone(levels.toReversed()));
    const before = counts.findLast(({ at }) => at < since) ?? counts[0];
    const rise = counts.find(
      ({ at, packetsReceived }) => at >= since && packetsReceived > (before?.packetsReceived ?? 0),
    );
    return {
      change,
      backMs: backAt - since,
      silentMs: backAt - Math.max(since, (former?.at ?? 0) + FRAME_MS),
      concealedMs: ((counts.at(-1)?.concealedSamples ?? 0) - (before?.concealedSamples ?? 0)) / SAMPLES_PER_MS,
      risesMs: (rise?.at ?? Number.POSITIVE_INFINITY) - since,
      packetsReceived: counts.at(-1)?.packetsReceived ?? 0,
    };
  }

  #isTone(levels: readonly number[]): boolean {
    const [ours = 0, other = 0] = this.#tone === 0 ? levels : levels.toReversed();
    return ours > HEARD && ours > 2 * other;
  }

  async #isHeard(): Promise<boolean> {
    this.#watch.clear();
    await this.#watch.take();
    return this.#watch.frames.some(({ levels }) => this.#isTone(levels));
  }
}

/** One line for each kind of change: how many, and how long until the new stream was heard. */
export function distribution(measures: readonly Measure[]): string {
  const kinds = [...new Set(measures.map(({ change }) => change))];
  const figures = (values: readonly number[]): string => {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (share: number): string =>
      (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(0);
    return `${at(0.5)}/${at(0.95)}/${at(1)}`;
  };
  const lines = kinds.map((kind) => {
    const all = measures.filter(({ change }) => change === kind);
    const of = (pick: (measure: Measure) => number): string => figures(all.map(pick));
    return [
      `${kind}, ${all.length} times: heard after ${of(({ backMs }) => backMs)}, silent ${of(({ silentMs }) => silentMs)},`,
      `made up ${of(({ concealedMs }) => concealedMs)}, packets rise after ${of(({ risesMs }) => risesMs)}`,
    ].join(' ');
  });
  return ['median/95 %/most, ms', ...lines].join('\n');
}

/** Of a source that nobody announced, and of everything else, ms. */
const BACK_WITHIN_MS = { unannounced: 2_000, announced: 100 } as const;
/** Looks at the statistics are 10 ms apart, and an answer to one takes its time. */
const LOOK_MS = 50;

/** Not back in time. After a pause the browser makes sound up too, so there that says nothing. */
function isLate({ change, silentMs, concealedMs, risesMs }: Measure, announcedMs: number): boolean {
  const within = change.startsWith(UNANNOUNCED) ? BACK_WITHIN_MS.unannounced : announcedMs;
  const hasPause = change.startsWith(HOLD) || change.startsWith(UNANNOUNCED);
  return !(silentMs <= within && risesMs <= within + LOOK_MS && (hasPause || concealedMs <= within));
}

/** The page heard the new stream in time, every time, and its count of packets only rose. */
export function expectHeard(measures: readonly Measure[], announcedMs: number = BACK_WITHIN_MS.announced): void {
  const late = measures.filter((measure) => isLate(measure, announcedMs));
  expect(late.length === 0 ? [] : [distribution(measures), ...late]).toEqual([]);
  const counts = measures.map(({ packetsReceived }) => packetsReceived);
  expect(counts.every((count, index) => index === 0 || count > (counts[index - 1] ?? 0))).toBe(true);
}

/**
 * Towards the PBX a stream's numbers only went forward, whatever it changed. There was one stream, or one more for each
 * way by which mediasoup has sent on its own.
 */
export function expectContinuous(heard: readonly HeardPacket[], streams = 1): void {
  const ssrcs = new Set(heard.map(({ ssrc }) => ssrc));
  expect(ssrcs.size).toBeLessThanOrEqual(streams);
  for (const ssrc of ssrcs) {
    const packets = heard.filter((packet) => packet.ssrc === ssrc);
    const steps = packets.slice(1).map(({ sequence, timestamp }, index) => {
      const former = packets[index];
      return [
        sequenceDelta(sequence, former?.sequence ?? 0),
        timestampDelta(timestamp, former?.timestamp ?? 0),
      ] as const;
    });
    expect(steps.filter(([count, units]) => count < 1 || count > 100 || units < 1)).toEqual([]);
  }
}
