export { roomErrors } from './errors.ts';
export { type ParticipantId, type PublicationId, type RoomId, roomIdOf } from './ids.ts';
export {
  afterRestart,
  createRoom,
  findParticipant,
  findPublication,
  type Participant,
  type Publication,
  type Room,
  viewOfRoom,
} from './room.ts';
export type {
  OpenRoomTransport,
  PublishChannel,
  PublishMedia,
  RoomMedia,
  RoomMediaCounters,
  RoomMediaEvent,
  SubscribeMedia,
  SubscriptionChange,
} from './room-media.ts';
export { type RoomInput, type RoomLimits, type RoomOutput, stepRoom } from './step.ts';
export { videoCodecOrder } from './video-codecs.ts';
