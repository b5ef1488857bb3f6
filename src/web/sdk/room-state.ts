/** What is known of the room: a notification makes the next state of it. Pure. */
import type { ParticipantView, PublicationView, RoomView, SignalNotification } from '../../signaling/protocol/index.ts';

export function nextRoom(room: RoomView, notification: SignalNotification): RoomView {
  switch (notification.name) {
    case 'participantJoined': {
      const { participant } = notification.data;
      const others = room.participants.filter((each) => each.participantId !== participant.participantId);
      return { ...room, participants: [...others, participant] };
    }
    case 'participantLeft':
      return {
        ...room,
        participants: room.participants.filter((each) => each.participantId !== notification.data.participantId),
      };
    case 'participantAway': {
      const { participantId, isAway } = notification.data;
      return changed(room, participantId, (each) => ({ ...each, isAway }));
    }
    case 'published': {
      const { participantId, publication } = notification.data;
      return changed(room, participantId, (each) => ({
        ...each,
        publications: [...without(each, publication.publicationId), publication],
      }));
    }
    case 'unpublished': {
      const { participantId, publicationId } = notification.data;
      return changed(room, participantId, (each) => ({ ...each, publications: without(each, publicationId) }));
    }
    case 'muted': {
      const { participantId, publicationId, isMuted, isHeld } = notification.data;
      return changed(room, participantId, (each) => ({
        ...each,
        publications: each.publications.map((one) =>
          one.publicationId === publicationId ? { ...one, isMuted, isHeld } : one,
        ),
      }));
    }
    case 'activeSpeaker':
    case 'audioLevels':
    case 'layers':
    case 'mediaLost':
    case 'tokenExpires':
    case 'transportState':
      return room;
  }
}

export interface Offer {
  readonly participantId: string;
  readonly publication: PublicationView;
}

/** Everything that others publish. */
export function offersTo(room: RoomView, self: string): readonly Offer[] {
  return room.participants
    .filter(({ participantId }) => participantId !== self)
    .flatMap(({ participantId, publications }) => publications.map((publication) => ({ participantId, publication })));
}

/** The spatial layer of 180, 360 and 1080 lines that fills a picture of this height on the page. */
export function layerForHeight(pixels: number): number {
  if (pixels <= 220) return 0;
  return pixels <= 440 ? 1 : 2;
}

function changed(room: RoomView, participantId: string, change: (each: ParticipantView) => ParticipantView): RoomView {
  return {
    ...room,
    participants: room.participants.map((each) => (each.participantId === participantId ? change(each) : each)),
  };
}

function without({ publications }: ParticipantView, publicationId: string): PublicationView[] {
  return publications.filter((each) => each.publicationId !== publicationId);
}
