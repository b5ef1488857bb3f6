/** What a peer is told without having asked. */
import * as z from 'zod/mini';
import { participantView, publicationView } from './room-view.ts';

const participantId = z.string();
const publicationId = z.string();
const subscriptionId = z.string();

export const notifications = {
  participantJoined: z.object({ participant: participantView }),
  participantLeft: z.object({ participantId }),
  /** Its connection was lost, or is there again. */
  participantAway: z.object({ participantId, isAway: z.boolean() }),
  published: z.object({ participantId, publication: publicationView }),
  unpublished: z.object({ participantId, publicationId }),
  muted: z.object({ participantId, publicationId, isMuted: z.boolean(), isHeld: z.boolean() }),
  /** Who is heard, loudest first; dBov as in RFC 6464, -127 to 0. */
  audioLevels: z.object({ levels: z.array(z.object({ participantId, publicationId, dBov: z.number() })) }),
  activeSpeaker: z.object({ participantId: z.nullable(participantId) }),
  /** The layers that come now; undefined: none. */
  layers: z.object({
    subscriptionId,
    layers: z.exactOptional(z.object({ spatial: z.number(), temporal: z.exactOptional(z.number()) })),
  }),
  /** A transport has lost its peer or works again, as we see it. */
  transportState: z.object({ transportId: z.string(), state: z.enum(['connected', 'disconnected', 'failed']) }),
  /** Our media is gone: everything has to be opened and published anew. */
  mediaLost: z.object({}),
  tokenExpires: z.object({ expiresAt: z.number() }),
};

export type NotificationName = keyof typeof notifications;
export type NotificationData<N extends NotificationName> = z.infer<(typeof notifications)[N]>;
export type SignalNotification = {
  readonly [N in NotificationName]: { readonly name: N; readonly data: NotificationData<N> };
}[NotificationName];
