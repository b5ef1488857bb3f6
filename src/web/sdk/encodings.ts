/** How a picture is sent: in which sizes, and at which bitrates. */
import type { types } from 'mediasoup-client';
import type { Source } from '../../signaling/protocol/index.ts';

export type VideoCodec = 'VP8' | 'VP9' | 'H264' | 'AV1';

/** Of 1080 lines: 180, 360 and 1080. Fewer lines, the same proportions. */
const simulcast: readonly types.RtpEncodingParameters[] = [
  { scaleResolutionDownBy: 6, maxBitrate: 150_000, scalabilityMode: 'L1T3' },
  { scaleResolutionDownBy: 3, maxBitrate: 500_000, scalabilityMode: 'L1T3' },
  { scaleResolutionDownBy: 1, maxBitrate: 2_500_000, scalabilityMode: 'L1T3' },
];

/** VP9 and AV1 put all sizes into one stream. */
const layered: readonly types.RtpEncodingParameters[] = [{ scalabilityMode: 'L3T3_KEY', maxBitrate: 2_500_000 }];
/** Text on a screen wants its lines, not more pictures. */
const screen: readonly types.RtpEncodingParameters[] = [{ maxBitrate: 3_000_000 }];
const single: readonly types.RtpEncodingParameters[] = [{ maxBitrate: 1_500_000 }];

export function encodingsFor(codec: VideoCodec, source: Source | 'single'): types.RtpEncodingParameters[] {
  if (source === 'single') return [...single];
  if (source === 'screen') return [...screen];
  return [...(codec === 'VP9' || codec === 'AV1' ? layered : simulcast)];
}
