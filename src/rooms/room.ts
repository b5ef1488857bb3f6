/** A Room as plain data: who is in it and what they offer. Kept in the Store as it is. */
import type { ParticipantView, PublicationKind, RoomView, Source } from '../signaling/protocol/index.ts';
import type { ParticipantId, PublicationId, RoomId } from './ids.ts';

export interface Room {
  readonly roomId: RoomId;
  readonly tenant: string;
  readonly name: string;
  /** In the order in which they came. */
  readonly participants: readonly Participant[];
}

export interface Participant {
  readonly participantId: ParticipantId;
  readonly sessionId: string;
  readonly subject: string;
  readonly name: string;
  /** ms since 1970. */
  readonly joinedAt: number;
  /** Without a connection, which may come back. */
  readonly isAway: boolean;
  readonly publications: readonly Publication[];
}

export interface Publication {
  readonly publicationId: PublicationId;
  readonly kind: PublicationKind;
  readonly source: Source;
  /** Of a data channel. */
  readonly label?: string;
  /** By its owner. */
  readonly isMuted: boolean;
  /** By a moderator. */
  readonly isHeld: boolean;
}

export function createRoom(roomId: RoomId, tenant: string, name: string): Room {
  return { roomId, tenant, name, participants: [] };
}

export function findParticipant(room: Room, participantId: string): Participant | undefined {
  return room.participants.find((each) => each.participantId === participantId);
}

export function findPublication(
  room: Room,
  publicationId: string,
): { readonly owner: Participant; readonly publication: Publication } | undefined {
  for (const owner of room.participants) {
    const publication = owner.publications.find((each) => each.publicationId === publicationId);
    if (publication !== undefined) return { owner, publication };
  }
  return undefined;
}

/** The room after a restart: nobody has a connection, and there is no media. */
export function afterRestart(room: Room): Room {
  return {
    ...room,
    participants: room.participants.map((each) => ({ ...each, isAway: true, publications: [] })),
  };
}

/** Without what is nobody's business, as session ids. */
export function viewOfParticipant({
  participantId,
  subject,
  name,
  isAway,
  publications,
}: Participant): ParticipantView {
  return { participantId, subject, name, isAway, publications: [...publications] };
}

export function viewOfRoom({ name, participants }: Room): RoomView {
  return { name, participants: participants.map(viewOfParticipant) };
}
