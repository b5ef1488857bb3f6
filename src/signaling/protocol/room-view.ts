/** A room as its participants see it. */
import * as z from 'zod/mini';

/** Which of a participant's things is published; one of each at a time, data channels aside. */
export const source = z.enum(['microphone', 'camera', 'screen', 'screen-audio', 'data']);
export type Source = z.infer<typeof source>;
export const publicationKind = z.enum(['audio', 'video', 'data']);
export type PublicationKind = z.infer<typeof publicationKind>;

export const publicationView = z.object({
  publicationId: z.string(),
  kind: publicationKind,
  source,
  /** Of a data channel. */
  label: z.exactOptional(z.string()),
  /** By its owner. */
  isMuted: z.boolean(),
  /** By a moderator, who alone can lift it. */
  isHeld: z.boolean(),
});
export type PublicationView = z.infer<typeof publicationView>;

export const participantView = z.object({
  participantId: z.string(),
  subject: z.string(),
  name: z.string(),
  /** Its connection is lost; it may come back. */
  isAway: z.boolean(),
  publications: z.array(publicationView),
});
export type ParticipantView = z.infer<typeof participantView>;

export const roomView = z.object({ name: z.string(), participants: z.array(participantView) });
export type RoomView = z.infer<typeof roomView>;
