export {
  type AgentAudio,
  type AgentEar,
  type AgentEncoding,
  type AgentL16,
  agentRateHz,
  agentSampleBytes,
  type HeardSpeech,
  type PlayoutNotice,
} from './agent-audio.ts';
export type { AgentCall, AgentCallEvents, AgentDesk, AgentFacts, AgentRun } from './agent-desk.ts';
export type { AgentEnd, AgentRecord, MarkRecord, TurnRecord, UtteranceRecord } from './agent-record.ts';
export type { Branch, Call, CallMedia, Fallback, InboundLeg, Leg, NewCall, Stage } from './call.ts';
export { type CallCodecs, type CodecRecord, type LegCodec, legCodecOf } from './call-codecs.ts';
export type { CallControl, OriginateRequest, OriginateResult } from './call-control.ts';
export type { CallEvent, CallObserver, ChallengeRefusal, TrunkRegistrationState } from './call-event.ts';
export { createCallId } from './call-id.ts';
export type { CallInput } from './call-input.ts';
export type { CallOutput, CallStep } from './call-output.ts';
export { type CallQuery, matchesQuery, sipCallIdsOf } from './call-query.ts';
export type { CallRecord, EndReason, LegRecord } from './call-record.ts';
export type { AgentCallVerbs, PlayRequest, VerbRefusal, VerbRefusalCode, VerbResult } from './call-verbs.ts';
export {
  type ConsultationInput,
  type ConsultationNews,
  type ConsultationOutput,
  type ConsultationState,
  type ConsultationStep,
  startConsultation,
  stepConsultation,
} from './consultation.ts';
export { CallEventFeed, FEED_TYPES, type FeedEvent, type FeedListener, type FeedType } from './event-feed.ts';
export type { LocalCall, LocalCallDesk, LocalCallEvents, LocalCallRequest } from './local-call.ts';
export type {
  ConnectAgentPort,
  ConnectBuiltInPort,
  ConnectPort,
  ConnectRtpPort,
  ConnectWebRtcPort,
  ConnectWebRtcVideo,
  DigitForm,
  DigitPress,
  KeyframeResult,
  MediaCounters,
  MediaEvent,
  MediaPath,
  MediaPlane,
  OpenAgentPort,
  OpenBuiltInPort,
  OpenPort,
  OpenRtpPort,
  OpenWebRtcPort,
  PortOwner,
  PortQuality,
  PortReport,
  RtpSourcePolicy,
} from './media-plane.ts';
export { mayRing } from './outcome.ts';
export { callRecordOf } from './record.ts';
export type { RingbackTone, Sound } from './sound.ts';
export { startCall, step } from './step.ts';
export {
  startTransfer,
  stepTransfer,
  type TransferInput,
  type TransferMethod,
  type TransferOutput,
  type TransferState,
} from './transfer.ts';
