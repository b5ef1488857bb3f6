/**
 * What happens in a Room: pure. An input that is not allowed throws a coded error and changes nothing; whether the
 * token grants it has been asked before.
 */
import type { PublicationKind, SignalNotification, Source } from '../signaling/protocol/index.ts';
import { roomErrors } from './errors.ts';
import type { ParticipantId, PublicationId } from './ids.ts';
import {
  findParticipant,
  findPublication,
  type Participant,
  type Publication,
  type Room,
  viewOfParticipant,
} from './room.ts';

export interface RoomLimits {
  readonly participants: number;
  /** Of one participant. */
  readonly publications: number;
}

export type RoomInput =
  | {
      readonly kind: 'join';
      readonly participant: Pick<Participant, 'participantId' | 'sessionId' | 'subject' | 'name' | 'joinedAt'>;
    }
  | { readonly kind: 'away'; readonly participantId: ParticipantId; readonly isAway: boolean }
  | { readonly kind: 'leave'; readonly participantId: ParticipantId }
  | {
      readonly kind: 'publish';
      readonly participantId: ParticipantId;
      readonly publication: Omit<Publication, 'isHeld'>;
    }
  | { readonly kind: 'unpublish'; readonly participantId: ParticipantId; readonly publicationId: string }
  /** All media of the participant is gone, and it stays. */
  | { readonly kind: 'unpublish-all'; readonly participantId: ParticipantId }
  | {
      readonly kind: 'mute';
      readonly participantId: ParticipantId;
      readonly publicationId: string;
      readonly isMuted: boolean;
    }
  | { readonly kind: 'hold'; readonly publicationId: string; readonly isHeld: boolean };

export type RoomOutput =
  /** To everybody in the room but one. */
  | { readonly kind: 'tell'; readonly notification: SignalNotification; readonly except?: ParticipantId }
  | { readonly kind: 'pause'; readonly publicationId: PublicationId; readonly isPaused: boolean }
  | { readonly kind: 'close-publication'; readonly publicationId: PublicationId };

export interface RoomStep {
  readonly room: Room;
  readonly outputs: readonly RoomOutput[];
}

const kindOfSource: Readonly<Record<Source, PublicationKind>> = {
  microphone: 'audio',
  camera: 'video',
  screen: 'video',
  'screen-audio': 'audio',
  data: 'data',
};

export function stepRoom(room: Room, input: RoomInput, limits: RoomLimits): RoomStep {
  switch (input.kind) {
    case 'join':
      return join(room, input.participant, limits);
    case 'away':
      return away(room, input);
    case 'leave':
      return leave(room, input.participantId);
    case 'publish':
      return publish(room, input, limits);
    case 'unpublish':
      return unpublish(room, input);
    case 'unpublish-all':
      return unpublishAll(room, input.participantId);
    case 'mute':
      return mute(room, input);
    case 'hold':
      return hold(room, input);
  }
}

type InputOf<Kind extends RoomInput['kind']> = Extract<RoomInput, { kind: Kind }>;

function join(room: Room, given: InputOf<'join'>['participant'], limits: RoomLimits): RoomStep {
  if (findParticipant(room, given.participantId) !== undefined)
    return away(room, { kind: 'away', participantId: given.participantId, isAway: false });
  if (room.participants.length >= limits.participants) throw roomErrors.ROOM_FULL([limits.participants]);
  const participant: Participant = { ...given, isAway: false, publications: [] };
  return {
    room: { ...room, participants: [...room.participants, participant] },
    outputs: [
      {
        kind: 'tell',
        notification: { name: 'participantJoined', data: { participant: viewOfParticipant(participant) } },
        except: participant.participantId,
      },
    ],
  };
}

function away(room: Room, { participantId, isAway }: InputOf<'away'>): RoomStep {
  const participant = findParticipant(room, participantId);
  if (participant === undefined || participant.isAway === isAway) return { room, outputs: [] };
  return {
    room: replace(room, { ...participant, isAway }),
    outputs: [
      {
        kind: 'tell',
        notification: { name: 'participantAway', data: { participantId, isAway } },
        except: participantId,
      },
    ],
  };
}

function leave(room: Room, participantId: ParticipantId): RoomStep {
  const participant = findParticipant(room, participantId);
  if (participant === undefined) return { room, outputs: [] };
  return {
    room: { ...room, participants: room.participants.filter((each) => each !== participant) },
    outputs: [
      ...participant.publications.map(closed),
      { kind: 'tell', notification: { name: 'participantLeft', data: { participantId } } },
    ],
  };
}

function publish(room: Room, { participantId, publication }: InputOf<'publish'>, limits: RoomLimits): RoomStep {
  const owner = demandParticipant(room, participantId);
  const { source, kind } = publication;
  if (kindOfSource[source] !== kind) throw roomErrors.KIND_OF_SOURCE([source, kind]);
  if (source !== 'data' && owner.publications.some((each) => each.source === source))
    throw roomErrors.SOURCE_TAKEN([source]);
  if (owner.publications.length >= limits.publications) throw roomErrors.TOO_MANY_PUBLICATIONS([limits.publications]);
  const added: Publication = { ...publication, isHeld: false };
  return {
    room: replace(room, { ...owner, publications: [...owner.publications, added] }),
    outputs: [
      {
        kind: 'tell',
        notification: { name: 'published', data: { participantId, publication: added } },
      },
    ],
  };
}

function unpublish(room: Room, { participantId, publicationId }: InputOf<'unpublish'>): RoomStep {
  const { owner, publication } = demandOwn(room, participantId, publicationId);
  return {
    room: replace(room, { ...owner, publications: owner.publications.filter((each) => each !== publication) }),
    outputs: [closed(publication), unpublished(owner, publication)],
  };
}

function unpublishAll(room: Room, participantId: ParticipantId): RoomStep {
  const owner = findParticipant(room, participantId);
  if (owner === undefined || owner.publications.length === 0) return { room, outputs: [] };
  return {
    room: replace(room, { ...owner, publications: [] }),
    outputs: owner.publications.flatMap((each) => [closed(each), unpublished(owner, each)]),
  };
}

function mute(room: Room, { participantId, publicationId, isMuted }: InputOf<'mute'>): RoomStep {
  const { owner, publication } = demandOwn(room, participantId, publicationId);
  if (publication.isHeld && !isMuted) throw roomErrors.HELD();
  return changed(room, owner, publication, { ...publication, isMuted });
}

/** Whoever was held stays mute until they speak up by themselves: nobody's microphone is opened by another. */
function hold(room: Room, { publicationId, isHeld }: InputOf<'hold'>): RoomStep {
  const { owner, publication } = demandPublication(room, publicationId);
  return changed(room, owner, publication, { ...publication, isHeld, isMuted: publication.isMuted || isHeld });
}

function changed(room: Room, owner: Participant, before: Publication, after: Publication): RoomStep {
  const { publicationId, isMuted, isHeld } = after;
  if (before.isMuted === isMuted && before.isHeld === isHeld) return { room, outputs: [] };
  const publications = owner.publications.map((each) => (each === before ? after : each));
  return {
    room: replace(room, { ...owner, publications }),
    outputs: [
      { kind: 'pause', publicationId, isPaused: isMuted },
      {
        kind: 'tell',
        notification: {
          name: 'muted',
          data: { participantId: owner.participantId, publicationId, isMuted, isHeld },
        },
      },
    ],
  };
}

function closed({ publicationId }: Publication): RoomOutput {
  return { kind: 'close-publication', publicationId };
}

function unpublished({ participantId }: Participant, { publicationId }: Publication): RoomOutput {
  return {
    kind: 'tell',
    notification: { name: 'unpublished', data: { participantId, publicationId } },
  };
}

function replace(room: Room, participant: Participant): Room {
  const participants = room.participants.map((each) =>
    each.participantId === participant.participantId ? participant : each,
  );
  return { ...room, participants };
}

function demandParticipant(room: Room, participantId: string): Participant {
  const participant = findParticipant(room, participantId);
  if (participant === undefined) throw roomErrors.NOT_IN_ROOM();
  return participant;
}

function demandPublication(room: Room, publicationId: string): NonNullable<ReturnType<typeof findPublication>> {
  const found = findPublication(room, publicationId);
  if (found === undefined) throw roomErrors.PUBLICATION_UNKNOWN();
  return found;
}

function demandOwn(room: Room, participantId: string, publicationId: string): ReturnType<typeof demandPublication> {
  demandParticipant(room, participantId);
  const found = demandPublication(room, publicationId);
  if (found.owner.participantId !== participantId) throw roomErrors.NOT_YOURS();
  return found;
}
