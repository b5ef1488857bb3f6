/** The codecs of rooms, and the terms on which they are received and sent. */
import type { types } from 'mediasoup';
import type { RtpCapabilities, RtpParameters } from '../../signaling/protocol/index.ts';

/**
 * H.264 in its constrained baseline profile, which every browser has (RFC 7742 §6.2), and in main for those that send
 * nothing else. Which one is used is for who sends to choose.
 */
export const roomCodecs: types.RouterRtpCodecCapability[] = [
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2 },
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000 },
  { kind: 'video', mimeType: 'video/VP9', clockRate: 90_000, parameters: { 'profile-id': 0 } },
  {
    kind: 'video',
    mimeType: 'video/H264',
    clockRate: 90_000,
    parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
  },
  { kind: 'video', mimeType: 'video/AV1', clockRate: 90_000 },
];

interface WithFeedback {
  readonly mimeType: string;
  readonly rtcpFeedback?: { type: string; parameter?: string }[];
}

/** Opus conceals better than a retransmission would arrive: NACK for audio only adds delay. */
function withoutNack<Codec extends WithFeedback>(codec: Codec): Codec {
  if (!codec.mimeType.toLowerCase().startsWith('audio/') || codec.rtcpFeedback === undefined) return codec;
  return { ...codec, rtcpFeedback: codec.rtcpFeedback.filter(({ type }) => type !== 'nack') };
}

/** What a client says it takes, less what we do not want; of types as mediasoup has them. */
export function capabilitiesOf(given: RtpCapabilities): types.RtpCapabilities {
  const wanted = { ...given, ...(given.codecs === undefined ? {} : { codecs: given.codecs.map(withoutNack) }) };
  return wanted as types.RtpCapabilities;
}

export function parametersOf(given: RtpParameters): types.RtpParameters {
  return { ...given, codecs: given.codecs.map(withoutNack) } as types.RtpParameters;
}

/** What clients are told of a router. */
export function publicCapabilities(router: types.RtpCapabilities): RtpCapabilities {
  return { ...router, codecs: (router.codecs ?? []).map(withoutNack) } as RtpCapabilities;
}
