/**
 * Rooms in a browser:
 *
 *     const room = await joinRoom({ url: 'wss://gateway.example/rtc', room: 'blue', token: async () => '…' });
 *     room.on('track', ({ track, participantId }) => …);
 *     await room.publish({ source: 'camera', track });
 */
import { type JoinOptions, RoomClient } from './room-client.ts';

export type { VideoCodec } from './encodings.ts';
export type { RemoteTrack } from './receptions.ts';
export { type JoinOptions, RoomClient, type RoomEvents, type RoomState } from './room-client.ts';
export { RoomError } from './room-error.ts';
export type { PublishOptions } from './room-media.ts';

export function joinRoom(options: JoinOptions): Promise<RoomClient> {
  return RoomClient.join(options);
}
