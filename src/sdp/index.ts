export type { SrtpKeyPair } from '../rtp/index.ts';
export { answerDirection } from './direction.ts';
export { sdpErrors } from './errors.ts';
export { formatAnswer, formatOffer } from './format.ts';
export { answerH264, formatH264Format, type H264Format, isSameH264, pairH264, parseH264Format } from './h264-format.ts';
export { sharedExtensions } from './header-extensions.ts';
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
export { bumpOrigin, createOrigin } from './origin.ts';
export { parseRemoteDescription } from './parse.ts';
export { resolveDtlsRole } from './parse-security.ts';
export { type AnswerPlan, planAnswer, planBuiltIn, planOffererAnswer } from './plan-answer.ts';
export { planOffer } from './plan-offer.ts';
export {
  acceptSrtp,
  answerSrtp,
  NO_SRTP,
  offerSrtp,
  type SrtpMode,
  type SrtpPolicy,
  type SrtpState,
} from './plan-srtp.ts';
export { planSameVideo, planVideoAnswer, planVideoOffer, type VideoPlan } from './plan-video.ts';
export { noCommonCodecWarning, warningFor } from './warning.ts';
export { widenedCodecs } from './widened-codecs.ts';
