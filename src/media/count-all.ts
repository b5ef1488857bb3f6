/** What the parts of the media plane have counted, added up. */
import type { MediaCounters } from '../calls/index.ts';
import type { Edge } from './edge/index.ts';
import type { HandOvers } from './hand-overs.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface CountedParts {
  readonly edge: Edge;
  readonly pool: WorkerPool;
  readonly handOvers: HandOvers;
  readonly portsOpen: number;
  /** Keys that the edge has not seen. */
  readonly digitsPast: number;
}

export async function countAll(parts: CountedParts): Promise<MediaCounters> {
  const { edge, pool, handOvers, portsOpen, digitsPast } = parts;
  const [counted, pooled, direct] = await Promise.all([edge.counters(), pool.counts(), handOvers.totals()]);
  return {
    rtpPacketsReceived: counted.rtpPacketsReceived + direct.packetsReceived,
    rtpPacketsSent: counted.rtpPacketsSent + direct.packetsSent,
    rtpPacketsRejected: counted.rtpPacketsRejected,
    srtpPacketsFailed: counted.srtpPacketsFailed,
    digitsRelayed: counted.digitsRelayed + digitsPast,
    transcodedSeconds: counted.transcodedMs / 1000,
    portsOpen,
    portsHandedOver: handOvers.size,
    portsQuarantined: counted.portsQuarantined,
    routersOpen: pooled.routers,
    webRtcTransportsOpen: pooled.webRtcTransports,
  };
}
