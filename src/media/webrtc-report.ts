import type { types } from 'mediasoup';
import type { PortReport } from '../calls/index.ts';
import type { PortId } from '../kernel/index.ts';
import { emptyReport } from './empty-report.ts';

/** What went over a browser Leg: `says` is what it sent, `hears` what it was sent. Zeros when the worker died. */
export async function webRtcReport(
  portId: PortId,
  says: types.Producer | undefined,
  hears: types.Consumer | undefined,
): Promise<PortReport> {
  try {
    const [received, sent] = await Promise.all([says?.getStats(), hears?.getStats()]);
    return {
      ...emptyReport(portId),
      ...receivedPart(received?.[0], clockRateOf(says)),
      ...sentPart(sent, clockRateOf(hears)),
    };
  } catch {
    // What the worker knew is lost, and the Leg's end must not fail for that.
    return emptyReport(portId);
  }
}

/** One report for two streams that went over the port one after the other: counts are of both, measures of the later. */
export function addReport(former: PortReport, later: PortReport): PortReport {
  const hasLost = former.remotePacketsLost !== undefined || later.remotePacketsLost !== undefined;
  return {
    portId: later.portId,
    packetsReceived: former.packetsReceived + later.packetsReceived,
    packetsSent: former.packetsSent + later.packetsSent,
    bytesReceived: former.bytesReceived + later.bytesReceived,
    bytesSent: former.bytesSent + later.bytesSent,
    packetsLost: former.packetsLost + later.packetsLost,
    jitterMs: later.packetsReceived > 0 ? later.jitterMs : former.jitterMs,
    remotePacketsLost: hasLost ? (former.remotePacketsLost ?? 0) + (later.remotePacketsLost ?? 0) : undefined,
    remoteJitterMs: later.remoteJitterMs ?? former.remoteJitterMs,
    roundTripMs: later.roundTripMs ?? former.roundTripMs,
  };
}

const clockRateOf = (stream: types.Producer | types.Consumer | undefined): number =>
  stream?.rtpParameters.codecs[0]?.clockRate ?? 8000;

function receivedPart(stat: types.ProducerStat | undefined, clockRate: number): Partial<PortReport> {
  if (stat === undefined) return {};
  return {
    packetsReceived: stat.packetCount,
    bytesReceived: stat.byteCount,
    // Duplicates make it negative (RFC 3550 §6.4.1).
    packetsLost: Math.max(0, stat.packetsLost),
    // mediasoup counts jitter in timestamp units.
    jitterMs: (stat.jitter / clockRate) * 1000,
  };
}

/** `outbound-rtp` counts what was sent, and repeats the browser's last report about it, of which there may be none yet. */
function sentPart(
  stats: Awaited<ReturnType<types.Consumer['getStats']>> | undefined,
  clockRate: number,
): Partial<PortReport> {
  const stat = stats?.find(({ type }) => type === 'outbound-rtp');
  if (stat === undefined) return {};
  const counts = { packetsSent: stat.packetCount, bytesSent: stat.byteCount };
  const { roundTripTime, packetsLost, jitter } = stat;
  if (roundTripTime === undefined && packetsLost === 0 && jitter === 0) return counts;
  return {
    ...counts,
    remotePacketsLost: Math.max(0, packetsLost),
    remoteJitterMs: (jitter / clockRate) * 1000,
    roundTripMs: roundTripTime,
  };
}
