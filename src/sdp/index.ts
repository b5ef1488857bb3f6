export { answerDirection } from './direction.ts';
export { sdpErrors } from './errors.ts';
export { formatAnswer, formatOffer, sharedExtensions } from './format.ts';
export { answerH264, formatH264Format, type H264Format, isSameH264, pairH264, parseH264Format } from './h264-format.ts';
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
  LocalWebRtc,
  RemoteAudio,
  RemoteDescription,
  RtpAddress,
  SdpKind,
  SdpOrigin,
  TelephoneEventFormat,
} from './model.ts';
export { bumpOrigin, createOrigin } from './origin.ts';
export { parseRemoteDescription } from './parse.ts';
export { resolveDtlsRole } from './parse-security.ts';
export { type AnswerPlan, planAnswer, planBuiltIn, planOffererAnswer } from './plan-answer.ts';
export { planOffer } from './plan-offer.ts';
export { noCommonCodecWarning, warningFor } from './warning.ts';
export { widenedCodecs } from './widened-codecs.ts';
