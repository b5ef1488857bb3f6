/** Totals of threads, added up. */
import type { EdgeCounters } from './messages.ts';

export const NOTHING_COUNTED: EdgeCounters = {
  rtpPacketsReceived: 0,
  rtpPacketsSent: 0,
  rtpPacketsRejected: 0,
  srtpPacketsFailed: 0,
  rtcpPacketsReceived: 0,
  digitsRelayed: 0,
  transcodedMs: 0,
};

export function addCounters(a: EdgeCounters, b: EdgeCounters): EdgeCounters {
  return {
    rtpPacketsReceived: a.rtpPacketsReceived + b.rtpPacketsReceived,
    rtpPacketsSent: a.rtpPacketsSent + b.rtpPacketsSent,
    rtpPacketsRejected: a.rtpPacketsRejected + b.rtpPacketsRejected,
    srtpPacketsFailed: a.srtpPacketsFailed + b.srtpPacketsFailed,
    rtcpPacketsReceived: a.rtcpPacketsReceived + b.rtcpPacketsReceived,
    digitsRelayed: a.digitsRelayed + b.digitsRelayed,
    transcodedMs: a.transcodedMs + b.transcodedMs,
  };
}
