export { type DigitPress, DigitReader } from './digit-reader.ts';
export { DIGIT_STEP_MS, DigitSender, type DigitStep } from './digit-sender.ts';
export { EventRescaler } from './event-rescaler.ts';
export { ParameterSets } from './h264-parameter-sets.ts';
export { type BufferCounts, type BufferInput, type BufferOutput, JitterBuffer } from './jitter-buffer.ts';
export { buildFir, buildPli, hasKeyframeRequest } from './keyframe-request.ts';
export {
  createLatch,
  type KnownStream,
  type Latch,
  type LatchInput,
  mayBecomeBelieved,
  moveLatch,
  QUORUM,
  SILENCE_MS,
  type Source,
  stepLatch,
} from './latch.ts';
export {
  classifyPacket,
  hasMarker,
  payloadLength,
  payloadOffset,
  payloadTypeOf,
  RTP_HEADER_BYTES,
  type RtpHeader,
  sequenceOf,
  setPayloadType,
  setSequence,
  setSsrc,
  setTimestamp,
  ssrcOf,
  timestampOf,
  withBareHeader,
  writeHeader,
} from './packet.ts';
export { byteDuration, type DurationOf, opusDuration, wordDuration } from './payload-duration.ts';
export { Reception, type ReceptionSummary } from './reception.ts';
export {
  buildRtcp,
  type NtpTime,
  ntpFromWallTime,
  parseRtcp,
  type ReportBlock,
  type RtcpPacket,
  shortNtp,
} from './rtcp.ts';
export { sequenceDelta, timestampDelta } from './sequence.ts';
export { type Silence, type SilenceBounds, SilenceWatch } from './silence-watch.ts';
export { Splice, type SpliceStart } from './splice.ts';
export { Srtp } from './srtp.ts';
export {
  isSameKey,
  isSrtpSuite,
  SRTP_SUITES,
  type SrtpKeyPair,
  type SrtpKeys,
  type SrtpSuiteName,
} from './srtp-suite.ts';
export {
  eventOf,
  readTelephoneEvent,
  setEventDuration,
  TELEPHONE_EVENT_BYTES,
  type TelephoneEvent,
  writeTelephoneEvent,
} from './telephone-event.ts';
