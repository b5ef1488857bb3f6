import type { Brand } from '../kernel/index.ts';

/** `tenant/name`: rooms of two tenants are two rooms, whatever they are called. */
export type RoomId = Brand<string, 'RoomId'>;
export type ParticipantId = Brand<string, 'ParticipantId'>;
export type PublicationId = Brand<string, 'PublicationId'>;

export function roomIdOf(tenant: string, name: string): RoomId {
  return `${tenant}/${name}` as RoomId;
}
