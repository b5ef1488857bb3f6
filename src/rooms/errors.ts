import { catalogue } from '../kernel/index.ts';

export const roomErrors = catalogue({
  ROOM_FULL: { retryable: true, text: 'the room has its %s participants' },
  NOT_IN_ROOM: { retryable: false, text: 'join the room first' },
  SOURCE_TAKEN: { retryable: false, text: 'there is a publication of the source "%s" already' },
  TOO_MANY_PUBLICATIONS: { retryable: false, text: 'a participant may have %s publications' },
  KIND_OF_SOURCE: { retryable: false, text: 'a %s is not %s' },
  PUBLICATION_UNKNOWN: { retryable: false, text: 'no such publication in this room' },
  PARTICIPANT_UNKNOWN: { retryable: false, text: 'no such participant in this room' },
  NOT_YOURS: { retryable: false, text: 'the publication is not yours' },
  HELD: { retryable: false, text: 'a moderator holds the publication mute' },
});
