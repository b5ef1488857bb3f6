export type { SrtpKeyPair, SrtpSuiteName } from '../rtp/index.ts';
export { isSameCodec, ownCodec } from './codec-list.ts';
export { answerDirection } from './direction.ts';
export { sdpErrors } from './errors.ts';
export { formatAnswer, formatOffer } from './format.ts';
export {
  answerH264,
  formatH264Format,
  type H264Format,
  isSameH264,
  pairH264,
  parameterSetsIn,
  parseH264Format,
} from './h264-format.ts';
export { sharedExtensions, TRANSPORT_CC } from './header-extensions.ts';
export type {
  AudioCodec,
  AudioCodecName,
  AudioFormat,
  Direction,
  DtlsParameters,
  HeaderExtension,
  IceParameters,
  LocalAudio,
  LocalRtp,
  LocalVideo,
  LocalWebRtc,
  RemoteAudio,
  RemoteDescription,
  RemoteVideo,
  RtpAddress,
  SdpKind,
  SdpOrigin,
  SrtpCrypto,
  SrtpDescription,
  TelephoneEventFormat,
  VideoCodec,
  VideoCodecName,
  VideoFeedback,
  VideoFormat,
} from './model.ts';
export type { OpusTerms } from './opus-parameters.ts';
export { bumpOrigin, createOrigin } from './origin.ts';
export { parseRemoteDescription } from './parse.ts';
export { resolveDtlsRole } from './parse-security.ts';
export { planBuiltIn } from './plan-built-in.ts';
export {
  type CodecPlan,
  isRefusal,
  type LegPlan,
  type PlanRefusal,
  type PlanSide,
  planCodecs,
  type SaidFormats,
} from './plan-codecs.ts';
export { type OfferRequest, planOffer } from './plan-offer.ts';
export {
  acceptSrtp,
  answerSrtp,
  NO_SRTP,
  offerSrtp,
  type SrtpMode,
  type SrtpPolicy,
  type SrtpState,
  videoSrtpPolicy,
} from './plan-srtp.ts';
export type { CodecTerms } from './plan-terms.ts';
export { planSameVideo, planVideoAnswer, planVideoOffer, USUAL_VIDEO, type VideoPlan } from './plan-video.ts';
export { noCommonCodecWarning, transcodingRefusedWarning, warningFor } from './warning.ts';
export { widenedCodecs } from './widened-codecs.ts';
