/** The video codecs of one Leg as mediasoup wants them: under the Leg's own payload types (decision D10). */
import { isDeepStrictEqual } from 'node:util';
import type { types } from 'mediasoup';
import {
  type H264Format,
  type HeaderExtension,
  parseH264Format,
  type VideoCodec,
  type VideoFeedback,
} from '../sdp/index.ts';

/** The payload types that mediasoup gives the retransmissions of each video codec of a router, in its order. */
const RTX_TYPES = [...Array.from({ length: 28 }, (_, index) => 100 + index), 96, 97, 98, 99];

/**
 * For `createRouter`, beside the codecs of the audio. mediasoup takes a payload type for retransmissions with each, and
 * would refuse all when a later codec has it: such a one is left out.
 */
export function routerVideo(
  codecs: readonly VideoCodec[],
  audioTypes: readonly number[],
): readonly types.RtpCodecCapability[] {
  const taken = new Set(audioTypes);
  const result: types.RtpCodecCapability[] = [];
  for (const codec of codecs) {
    if (taken.has(codec.payloadType) || result.some((known) => isSame(known, videoCapability(codec)))) continue;
    taken.add(codec.payloadType);
    const rtx = RTX_TYPES.find((payloadType) => !taken.has(payloadType));
    if (rtx === undefined) break;
    taken.add(rtx);
    result.push(videoCapability(codec));
  }
  return result;
}

/** For a consuming transport that gets this codec. */
export function videoCapabilities(
  codec: VideoCodec,
  extensions: readonly HeaderExtension[] = [],
): types.RtpCapabilities {
  return {
    codecs: [videoCapability(codec)],
    headerExtensions: extensions.map(({ uri, id }) => ({
      kind: 'video',
      uri: uri as types.RtpHeaderExtensionUri,
      preferredId: id,
    })),
  };
}

/** As the one codec of a producer. */
export function videoParameters(codec: VideoCodec): types.RtpCodecParameters {
  const { payloadType, clockRate, feedback } = codec;
  return {
    mimeType: `video/${codec.name}`,
    payloadType,
    clockRate,
    parameters: parametersOf(codec),
    rtcpFeedback: feedback.map(feedbackOf),
  };
}

function videoCapability(codec: VideoCodec): types.RtpCodecCapability {
  return {
    kind: 'video',
    mimeType: `video/${codec.name}`,
    preferredPayloadType: codec.payloadType,
    clockRate: codec.clockRate,
    parameters: parametersOf(codec),
    rtcpFeedback: codec.feedback.filter((each) => each !== 'transport-cc').map(feedbackOf),
  };
}

/** One spelling of each profile that mediasoup can read, all of one level. */
const PROFILES: Readonly<Record<H264Format['profile'], string | undefined>> = {
  'constrained-baseline': '42e01f',
  baseline: '42001f',
  main: '4d001f',
  extended: undefined,
  'constrained-high': '640c1f',
  high: '64001f',
};
const OTHER_PROFILE = 'f4001f';

/** What mediasoup tells configurations of H.264 by; it never looks into the payload. */
function parametersOf({ name, fmtp }: VideoCodec): Record<string, string | number> {
  if (name !== 'H264') return {};
  const format = parseH264Format(fmtp);
  return {
    'packetization-mode': format?.packetizationMode ?? 0,
    'level-asymmetry-allowed': 1,
    'profile-level-id': PROFILES[format?.profile ?? 'baseline'] ?? OTHER_PROFILE,
  };
}

function feedbackOf(feedback: VideoFeedback): types.RtcpFeedback {
  const [type = '', parameter = ''] = feedback.split(' ');
  return { type, parameter };
}

function isSame(a: types.RtpCodecCapability, b: types.RtpCodecCapability): boolean {
  return a.mimeType === b.mimeType && isDeepStrictEqual(a.parameters, b.parameters);
}
