/** Our reports about one stream sent and one received (RFC 3550 §6.4), and what the remote's reports say about ours. */
import type { Clock } from '../../kernel/index.ts';
import {
  buildRtcp,
  type NtpTime,
  ntpFromWallTime,
  parseRtcp,
  type Reception,
  type ReportBlock,
  shortNtp,
} from '../../rtp/index.ts';
import type { Outgoing } from './outgoing.ts';

/** Between two reports, ms; varied by half, so that those of many calls spread out (RFC 3550 §6.2). */
const INTERVAL_MS = 5000;
const SHORT_NTP_PER_SEC = 65_536;
/** A round trip longer than this is nonsense in the remote's report, and no news about the network, ms. */
const MAX_ROUND_TRIP_MS = 60_000;

export class RtcpReporter {
  /** By the remote's last report about our stream. */
  remotePacketsLost: number | undefined;
  remoteJitterMs: number | undefined;
  /** The fraction of our packets lost of late: what rises counts at once, what falls by half with each report. */
  remoteLoss = 0;
  roundTripMs: number | undefined;
  readonly #clock: Clock;
  readonly #outgoing: Outgoing;
  readonly #reception: Reception;
  readonly #cname: string;
  /** Wall time when the monotonic clock was 0: what is measured by NTP times does not jump when the machine's clock is set. */
  readonly #epochMs: number;
  #dueMs: number;
  #packetsThen = 0;
  // The remote's last sender report, and of which of its streams.
  #reportedSsrc = -1;
  #lastReport = 0;
  #lastReportMs = 0;

  constructor(parts: { clock: Clock; outgoing: Outgoing; reception: Reception; cname: string }) {
    this.#clock = parts.clock;
    this.#outgoing = parts.outgoing;
    this.#reception = parts.reception;
    this.#cname = parts.cname;
    this.#epochMs = this.#clock.wallTime() - this.#clock.now();
    this.#dueMs = this.#clock.now() + INTERVAL_MS / 2;
  }

  /** The next report, when it is time for one. */
  due(nowMs: number): Buffer | undefined {
    if (nowMs < this.#dueMs) return undefined;
    // Which call is how late depends on its SSRC: no randomness is needed to spread them.
    this.#dueMs = nowMs + INTERVAL_MS * (0.75 + (this.#outgoing.splice.ssrc % 512) / 1024);
    return this.#build(nowMs, false);
  }

  /** A report out of turn, for something else to go with it. */
  now(nowMs: number): Buffer {
    return this.#build(nowMs, false);
  }

  /** The last report, with a goodbye; undefined when nothing ever went over. */
  goodbye(nowMs: number): Buffer | undefined {
    return this.#outgoing.packets > 0 || this.#reception.ssrc !== -1 ? this.#build(nowMs, true) : undefined;
  }

  /** Reads a compound packet of the remote. A goodbye ends nothing: only signaling ends calls. */
  take(compound: Buffer, nowMs: number): void {
    for (const packet of parseRtcp(compound) ?? []) {
      if (packet.kind !== 'sender-report' && packet.kind !== 'receiver-report') continue;
      if (packet.kind === 'sender-report' && packet.ssrc === this.#reception.ssrc) {
        this.#reportedSsrc = packet.ssrc;
        this.#lastReport = shortNtp(packet.ntp);
        this.#lastReportMs = nowMs;
      }
      for (const block of packet.blocks) this.#takeBlock(block, nowMs);
    }
  }

  #takeBlock(block: ReportBlock, nowMs: number): void {
    if (block.ssrc !== this.#outgoing.splice.ssrc) return;
    this.remotePacketsLost = Math.max(0, block.packetsLost);
    this.remoteJitterMs = (block.jitter * 1000) / this.#outgoing.audioClock;
    const lost = block.fractionLost / 256;
    this.remoteLoss = lost > this.remoteLoss ? lost : (lost + this.remoteLoss) / 2;
    if (block.lastReport === 0) return;
    const units = (shortNtp(this.#ntpAt(nowMs)) - block.lastReport - block.delay) | 0;
    const roundTripMs = (units * 1000) / SHORT_NTP_PER_SEC;
    if (roundTripMs >= 0 && roundTripMs <= MAX_ROUND_TRIP_MS) this.roundTripMs = roundTripMs;
  }

  #ntpAt(nowMs: number): NtpTime {
    return ntpFromWallTime(this.#epochMs + nowMs);
  }

  #build(nowMs: number, isLast: boolean): Buffer {
    const { splice, packets, payloadBytes, audioClock } = this.#outgoing;
    const isSender = packets > this.#packetsThen;
    this.#packetsThen = packets;
    const blocks = this.#blocks(nowMs);
    const report = isSender
      ? ({
          kind: 'sender-report',
          ssrc: splice.ssrc,
          ntp: this.#ntpAt(nowMs),
          rtpTimestamp: splice.timestampAt(nowMs, audioClock),
          packetCount: packets,
          octetCount: payloadBytes,
          blocks,
        } as const)
      : ({ kind: 'receiver-report', ssrc: splice.ssrc, blocks } as const);
    const description = { kind: 'source-description', ssrc: splice.ssrc, cname: this.#cname } as const;
    const goodbye = { kind: 'goodbye', ssrcs: [splice.ssrc] } as const;
    return buildRtcp(isLast ? [report, description, goodbye] : [report, description]);
  }

  #blocks(nowMs: number): ReportBlock[] {
    const block = this.#reception.nextBlock();
    if (!block) return [];
    // A report about another stream of the remote is none about this one.
    if (this.#reportedSsrc !== block.ssrc) return [{ ...block, lastReport: 0, delay: 0 }];
    const delay = Math.round(((nowMs - this.#lastReportMs) * SHORT_NTP_PER_SEC) / 1000) >>> 0;
    return [{ ...block, lastReport: this.#lastReport, delay }];
  }
}
