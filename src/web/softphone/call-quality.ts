/** How a call sounds, from the browser's own statistics (W3C webrtc-stats). */
import type { CallQuality } from './hook.ts';

export async function readQuality(connection: RTCPeerConnection): Promise<CallQuality> {
  const report = await connection.getStats();
  let quality: CallQuality = {
    codec: undefined,
    packetsReceived: 0,
    lossShare: 0,
    jitterMs: 0,
    roundTripMs: undefined,
    packetsSent: 0,
  };
  for (const entry of report.values() as IterableIterator<RTCStats>) {
    if (isInbound(entry)) quality = { ...quality, ...inboundQuality(entry, report) };
    else if (isOutbound(entry)) quality = { ...quality, packetsSent: entry.packetsSent ?? 0 };
    else if (isPair(entry) && entry.nominated === true && entry.currentRoundTripTime !== undefined) {
      quality = { ...quality, roundTripMs: entry.currentRoundTripTime * 1000 };
    }
  }
  return quality;
}

function inboundQuality(entry: RTCInboundRtpStreamStats, report: RTCStatsReport): Partial<CallQuality> {
  const received = entry.packetsReceived ?? 0;
  const lost = Math.max(0, entry.packetsLost ?? 0);
  return {
    codec: codecName(report, entry.codecId),
    packetsReceived: received,
    lossShare: received + lost === 0 ? 0 : lost / (received + lost),
    jitterMs: (entry.jitter ?? 0) * 1000,
  };
}

function codecName(report: RTCStatsReport, id: string | undefined): string | undefined {
  const codec: unknown = id === undefined ? undefined : report.get(id);
  if (typeof codec !== 'object' || codec === null || !('mimeType' in codec)) return undefined;
  return typeof codec.mimeType === 'string' ? codec.mimeType.replace(/^audio\//i, '') : undefined;
}

const isOfAudio = (entry: RTCStats): boolean => 'kind' in entry && entry.kind === 'audio';
const isInbound = (entry: RTCStats): entry is RTCInboundRtpStreamStats =>
  entry.type === 'inbound-rtp' && isOfAudio(entry);
const isOutbound = (entry: RTCStats): entry is RTCOutboundRtpStreamStats =>
  entry.type === 'outbound-rtp' && isOfAudio(entry);
const isPair = (entry: RTCStats): entry is RTCIceCandidatePairStats => entry.type === 'candidate-pair';
