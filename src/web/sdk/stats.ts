/** From the browser's statistics to the report that the gateway gets each few seconds. */
import type { StatsReport } from '../../signaling/protocol/index.ts';

type Stream = StatsReport['sent'][number];

/** As much of RTCStats as is looked at; which fields are there depends on the type and on the browser. */
interface AnyStats {
  readonly id: string;
  readonly type: string;
  readonly kind?: 'audio' | 'video';
  readonly bytesSent?: number;
  readonly bytesReceived?: number;
  readonly packetsLost?: number;
  readonly jitter?: number;
  readonly framesPerSecond?: number;
  readonly frameHeight?: number;
  readonly totalDecodeTime?: number;
  readonly framesDecoded?: number;
  readonly freezeCount?: number;
  readonly nominated?: boolean;
  readonly state?: string;
  readonly currentRoundTripTime?: number;
  readonly availableOutgoingBitrate?: number;
  readonly localCandidateId?: string;
  readonly candidateType?: 'host' | 'srflx' | 'prflx' | 'relay';
  readonly protocol?: 'udp' | 'tcp';
}

interface Former {
  readonly bytes: number;
  readonly lost: number;
  readonly freezes: number;
  readonly decodeSec: number;
  readonly frames: number;
}

const none: Former = { bytes: 0, lost: 0, freezes: 0, decodeSec: 0, frames: 0 };

export interface SetupTimes {
  readonly signalingMs: number;
  readonly joinMs: number;
  readonly firstMediaMs?: number;
}

/** Keeps what the last report said: counters become what came since. */
export class StatsReporter {
  readonly #former = new Map<string, Former>();
  #at: number | undefined;

  /** Of both transports, as far as they are there. */
  report(
    { sent, received }: { readonly sent: RTCStatsReport | undefined; readonly received: RTCStatsReport | undefined },
    nowMs: number,
    setup: SetupTimes | undefined,
  ): StatsReport {
    const seconds = Math.max(0.001, (nowMs - (this.#at ?? nowMs - 1000)) / 1000);
    this.#at = nowMs;
    const [out, in_] = [entries(sent), entries(received)];
    return {
      ...path(out.length > 0 ? out : in_),
      sent: out.filter(({ type }) => type === 'outbound-rtp').map((each) => this.#stream(each, seconds)),
      received: in_.filter(({ type }) => type === 'inbound-rtp').map((each) => this.#stream(each, seconds)),
      ...(setup === undefined ? {} : { setup }),
    };
  }

  #stream(each: AnyStats, seconds: number): Stream {
    const now = countersOf(each);
    const before = this.#former.get(each.id) ?? none;
    this.#former.set(each.id, now);
    const frames = now.frames - before.frames;
    return {
      kind: each.kind ?? 'audio',
      bitsPerSec: (since(now.bytes, before.bytes) * 8) / seconds,
      packetsLost: since(now.lost, before.lost),
      freezes: since(now.freezes, before.freezes),
      ...(each.jitter === undefined ? {} : { jitterMs: each.jitter * 1000 }),
      ...(each.framesPerSecond === undefined ? {} : { framesPerSec: each.framesPerSecond }),
      ...(each.frameHeight === undefined ? {} : { frameHeight: each.frameHeight }),
      ...(frames > 0 ? { decodeMs: (since(now.decodeSec, before.decodeSec) * 1000) / frames } : {}),
    };
  }
}

function countersOf(each: AnyStats): Former {
  return {
    bytes: each.bytesReceived ?? each.bytesSent ?? 0,
    lost: each.packetsLost ?? 0,
    freezes: each.freezeCount ?? 0,
    decodeSec: each.totalDecodeTime ?? 0,
    frames: each.framesDecoded ?? 0,
  };
}

/** A counter of a new stream under an old id, or of duplicates found late, may have gone down. */
function since(now: number, before: number): number {
  return Math.max(0, now - before);
}

function entries(report: RTCStatsReport | undefined): readonly AnyStats[] {
  const all: AnyStats[] = [];
  report?.forEach((each: AnyStats) => all.push(each));
  return all;
}

function path(all: readonly AnyStats[]): Partial<StatsReport> {
  const pair = all.find(
    ({ type, state, nominated }) => type === 'candidate-pair' && state === 'succeeded' && nominated,
  );
  if (pair === undefined) return {};
  const local = all.find(({ id }) => id === pair.localCandidateId);
  return {
    ...(pair.currentRoundTripTime === undefined ? {} : { rttMs: pair.currentRoundTripTime * 1000 }),
    ...(pair.availableOutgoingBitrate === undefined ? {} : { availableBitsPerSec: pair.availableOutgoingBitrate }),
    ...(local?.candidateType === undefined ? {} : { candidateType: local.candidateType }),
    ...(local?.protocol === undefined ? {} : { protocol: local.protocol }),
  };
}
