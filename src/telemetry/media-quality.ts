/** How the media of each Leg did, as histograms: one observation for each Leg and direction at its end. */
import { Histogram, type Registry } from 'prom-client';
import type { LegRecord } from '../calls/index.ts';

/** `received` is counted by us, `sent` by the remote, which has told us by RTCP. */
type MediaDirection = 'received' | 'sent';

export interface MediaQualityMetrics {
  readonly mediaLoss: Histogram<'leg' | 'direction'>;
  readonly mediaJitter: Histogram<'leg' | 'direction'>;
  readonly mediaRoundTrip: Histogram<'leg'>;
}

export function mediaQualityMetrics(registers: Registry[]): MediaQualityMetrics {
  const labelNames = ['leg', 'direction'] as const;
  return {
    mediaLoss: new Histogram({
      name: 'viaduct_media_loss_ratio',
      help: 'Packets lost of those sent in the life of a Leg, by its kind and direction',
      labelNames,
      buckets: [0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
      registers,
    }),
    mediaJitter: new Histogram({
      name: 'viaduct_media_jitter_seconds',
      help: 'Interarrival jitter at the end of a Leg, by its kind and direction',
      labelNames,
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5],
      registers,
    }),
    mediaRoundTrip: new Histogram({
      name: 'viaduct_media_round_trip_seconds',
      help: 'From us to the remote and back at the end of a Leg, by its kind',
      labelNames: ['leg'],
      buckets: [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2],
      registers,
    }),
  };
}

export function observeQuality(metrics: MediaQualityMetrics, { kind: leg, media }: LegRecord): void {
  if (media === undefined) return;
  const { packetsReceived, packetsSent, packetsLost, jitterMs, remotePacketsLost, remoteJitterMs, roundTripMs } = media;
  const observe = (direction: MediaDirection, loss: number, jitter: number | undefined): void => {
    metrics.mediaLoss.observe({ leg, direction }, Math.min(1, loss));
    if (jitter !== undefined) metrics.mediaJitter.observe({ leg, direction }, jitter / 1000);
  };
  if (packetsReceived > 0) observe('received', packetsLost / (packetsReceived + packetsLost), jitterMs);
  if (packetsSent > 0 && remotePacketsLost !== undefined) {
    observe('sent', remotePacketsLost / packetsSent, remoteJitterMs);
  }
  if (roundTripMs !== undefined) metrics.mediaRoundTrip.observe({ leg }, roundTripMs / 1000);
}
