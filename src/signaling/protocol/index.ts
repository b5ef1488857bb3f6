export { type CloseCode, closeCodes, isWorthRetrying } from './close-codes.ts';
export {
  type SignalError,
  type SignalFromGateway,
  type SignalRequest,
  SUBPROTOCOL,
  signalFromGateway,
  signalRequest,
} from './envelope.ts';
export type {
  DtlsParameters,
  IceParameters,
  IceServer,
  RtpCapabilities,
  RtpParameters,
  SctpStreamParameters,
  TransportOffer,
} from './media.ts';
export {
  type NotificationData,
  type NotificationName,
  notifications,
  type SignalNotification,
} from './notifications.ts';
export { type Method, type ReplyData, type RequestData, requests } from './requests.ts';
export type { ParticipantView, PublicationKind, PublicationView, RoomView, Source } from './room-view.ts';
export type { StatsReport } from './stats.ts';
