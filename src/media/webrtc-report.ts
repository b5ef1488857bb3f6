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
    return { ...emptyReport(portId), ...receivedPart(received?.[0], clockRateOf(says)), ...sentPart(sent) };
  } catch {
    // What the worker knew is lost, and the Leg's end must not fail for that.
    return emptyReport(portId);
  }
}

const clockRateOf = (says: types.Producer | undefined): number => says?.rtpParameters.codecs[0]?.clockRate ?? 8000;

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

function sentPart(
  stats: readonly { type: string; packetCount: number; byteCount: number }[] | undefined,
): Partial<PortReport> {
  const stat = stats?.find(({ type }) => type === 'outbound-rtp');
  return stat === undefined ? {} : { packetsSent: stat.packetCount, bytesSent: stat.byteCount };
}
