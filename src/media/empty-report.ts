import type { PortReport } from '../calls/index.ts';
import type { PortId } from '../kernel/index.ts';

/** The report of a port that is gone, or that nothing went over. */
export function emptyReport(portId: PortId): PortReport {
  return {
    portId,
    packetsReceived: 0,
    packetsSent: 0,
    bytesReceived: 0,
    bytesSent: 0,
    packetsLost: 0,
    jitterMs: 0,
    remotePacketsLost: undefined,
    remoteJitterMs: undefined,
    roundTripMs: undefined,
  };
}
