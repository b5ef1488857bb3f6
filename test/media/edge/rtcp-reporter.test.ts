import { describe, expect, it } from 'vitest';
import { Outgoing } from '../../../src/media/edge/outgoing.ts';
import { RtcpReporter } from '../../../src/media/edge/rtcp-reporter.ts';
import { buildRtcp, parseRtcp, Reception, type ReportBlock, type RtcpPacket } from '../../../src/rtp/index.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const OURS = 0x1111;

/** A clock whose wall time somebody sets. */
class SetClock extends VirtualClock {
  stepMs = 0;
  override wallTime(): number {
    return super.wallTime() + this.stepMs;
  }
}

function open() {
  const clock = new SetClock();
  const reception = new Reception();
  const outgoing = new Outgoing({ ssrc: OURS, sequence: 1, timestamp: 1 });
  const reporter = new RtcpReporter({ clock, outgoing, reception, cname: 'us' });
  const nextReport = (): Extract<RtcpPacket, { kind: 'sender-report' | 'receiver-report' }> => {
    for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 100) {
      const compound = reporter.due(clock.now());
      const [report] = (compound && parseRtcp(compound)) ?? [];
      if (report?.kind === 'sender-report' || report?.kind === 'receiver-report') return report;
      clock.advance(100);
    }
    throw new Error('no report in ten seconds');
  };
  return { clock, reception, outgoing, reporter, nextReport };
}

const block: ReportBlock = {
  ssrc: OURS,
  fractionLost: 10,
  packetsLost: 3,
  highestSequence: 100,
  jitter: 80,
  lastReport: 0,
  delay: 0,
};

const about = (changes: Partial<ReportBlock>): Buffer =>
  buildRtcp([{ kind: 'receiver-report', ssrc: 7, blocks: [{ ...block, ...changes }] }]);

const senderReport = (ssrc: number, seconds: number): Buffer =>
  buildRtcp([
    {
      kind: 'sender-report',
      ssrc,
      ntp: { seconds, fraction: 0 },
      rtpTimestamp: 0,
      packetCount: 1,
      octetCount: 1,
      blocks: [],
    },
  ]);

/** Our next sender report, as a peer refers to it that answers `afterMs` later and was given it `heldMs` before. */
function answered({ clock, outgoing, nextReport }: ReturnType<typeof open>, afterMs: number, heldMs: number): Buffer {
  outgoing.packets++;
  const report = nextReport();
  if (report.kind !== 'sender-report') throw new Error('no sender report');
  clock.advance(afterMs);
  const { seconds, fraction } = report.ntp;
  const lastReport = ((seconds << 16) | (fraction >>> 16)) >>> 0;
  return about({ lastReport, delay: Math.round((heldMs * 65_536) / 1000) });
}

describe('reports of the remote', () => {
  it('say nothing until there are any, and then loss, jitter and round trip of what we send', () => {
    const rig = open();
    expect(rig.reporter).toMatchObject({ remotePacketsLost: undefined, remoteJitterMs: undefined });
    rig.reporter.take(about({ ssrc: 0x2222 }), 0);
    expect(rig.reporter.remotePacketsLost).toBeUndefined();
    rig.reporter.take(answered(rig, 140, 100), rig.clock.now());
    expect(rig.reporter).toMatchObject({ remotePacketsLost: 3, remoteJitterMs: 10 });
    expect(rig.reporter.roundTripMs).toBeCloseTo(40, 0);
  });

  it.each([-3_600_000, 3_600_000])('T39: the round trip is true when the wall clock is set by %i ms', (stepMs) => {
    const rig = open();
    const report = answered(rig, 140, 100);
    rig.clock.stepMs = stepMs;
    rig.reporter.take(report, rig.clock.now());
    expect(rig.reporter.roundTripMs).toBeCloseTo(40, 0);
  });

  it('do not tell of round trips that cannot be', () => {
    const rig = open();
    rig.reporter.take(about({ lastReport: 1, delay: 0 }), 0);
    expect(rig.reporter.roundTripMs).toBeUndefined();
    rig.reporter.take(answered(rig, 10, 500), rig.clock.now());
    expect(rig.reporter.roundTripMs).toBeUndefined();
  });
});

describe('our reports', () => {
  it('refer to the sender report of the stream they are about, and to none of a former one', () => {
    const { reception, reporter, clock, nextReport } = open();
    reception.take(1, 100);
    reporter.take(senderReport(1, 5), clock.now());
    expect(nextReport().blocks).toMatchObject([{ ssrc: 1, lastReport: 5 << 16 }]);
    reception.take(2, 100);
    expect(nextReport().blocks).toMatchObject([{ ssrc: 2, lastReport: 0, delay: 0 }]);
    reporter.take(senderReport(2, 9), clock.now());
    expect(nextReport().blocks).toMatchObject([{ ssrc: 2, lastReport: 9 << 16 }]);
  });
});
