/** What a peer may ask for, and what it is answered. */
import * as z from 'zod/mini';
import {
  dtlsParameters,
  iceParameters,
  iceServer,
  mediaKind,
  rtpCapabilities,
  rtpParameters,
  sctpStreamParameters,
  transportOffer,
} from './media.ts';
import { roomView, source } from './room-view.ts';
import { statsReport } from './stats.ts';

/** Of ours: unguessable, and checked nevertheless. */
const id = z.string().check(z.regex(/^[\w-]{1,64}$/));
const nothing = z.object({});
const label = z.string().check(z.maxLength(64));
const layer = z.int().check(z.minimum(0), z.maximum(3));

const hello = {
  data: z.object({
    token: z.string().check(z.maxLength(4096)),
    room: z.string().check(z.maxLength(64)),
    /** Of the connection that was lost. */
    resumeSecret: z.exactOptional(z.string().check(z.maxLength(64))),
  }),
  reply: z.object({
    sessionId: z.string(),
    participantId: z.string(),
    /** new: nobody was there; kept: media runs on; rejoin: the room is there, media has to be made anew. */
    continuation: z.enum(['new', 'kept', 'rejoin']),
    resumeSecret: z.string(),
    /** How long after its connection is lost a peer may resume, ms. */
    resumeWithinMs: z.number(),
    grants: z.array(z.string()),
    /** ms since 1970. */
    tokenExpiresAt: z.number(),
    /** Of the room's routers: always the same. */
    rtpCapabilities,
    /** Names of video codecs, the one to send with first. */
    videoCodecs: z.array(z.string()),
    iceServers: z.array(iceServer),
    statsEveryMs: z.number(),
  }),
};

export const requests = {
  /** The first one of a connection; nothing else is answered before. */
  hello,
  /** Before the token expires: another one of the same session. */
  refreshToken: {
    data: z.object({ token: z.string().check(z.maxLength(4096)) }),
    reply: z.object({ tokenExpiresAt: z.number() }),
  },
  /** Becomes a participant, or looks again at a room one is in. */
  join: {
    data: z.object({ rtpCapabilities }),
    reply: z.object({ room: roomView, activeSpeaker: z.exactOptional(z.string()) }),
  },
  leave: { data: nothing, reply: nothing },
  iceServers: { data: nothing, reply: z.object({ iceServers: z.array(iceServer) }) },
  openTransport: { data: z.object({ direction: z.enum(['send', 'receive']) }), reply: transportOffer },
  connectTransport: { data: z.object({ transportId: id, dtlsParameters }), reply: nothing },
  restartIce: { data: z.object({ transportId: id }), reply: z.object({ iceParameters }) },
  publish: {
    data: z.object({ transportId: id, kind: mediaKind, source, rtpParameters, isMuted: z.boolean() }),
    reply: z.object({ publicationId: z.string() }),
  },
  publishData: {
    data: z.object({ transportId: id, label, sctpStreamParameters }),
    reply: z.object({ publicationId: z.string() }),
  },
  unpublish: { data: z.object({ publicationId: id }), reply: nothing },
  /** One's own publication. */
  mute: { data: z.object({ publicationId: id, isMuted: z.boolean() }), reply: nothing },
  /** Media comes paused; `updateSubscription` lets it run once the receiver is ready. */
  subscribe: {
    data: z.object({ transportId: id, publicationId: id }),
    reply: z.object({ subscriptionId: z.string(), kind: mediaKind, rtpParameters }),
  },
  subscribeData: {
    data: z.object({ transportId: id, publicationId: id }),
    reply: z.object({ subscriptionId: z.string(), label, sctpStreamParameters }),
  },
  updateSubscription: {
    data: z.object({
      subscriptionId: id,
      isPaused: z.exactOptional(z.boolean()),
      /** The highest layers wanted; fewer come when the way is narrow. */
      layers: z.exactOptional(z.object({ spatial: layer, temporal: z.exactOptional(layer) })),
      /** 1 to 255: who gets bandwidth first. */
      priority: z.exactOptional(z.int().check(z.minimum(1), z.maximum(255))),
    }),
    reply: nothing,
  },
  unsubscribe: { data: z.object({ subscriptionId: id }), reply: nothing },
  /** By moderators: holds a publication mute, or lets go of it. */
  hold: { data: z.object({ publicationId: id, isHeld: z.boolean() }), reply: nothing },
  /** By moderators: the session is over, and its token is worth nothing any more. */
  remove: { data: z.object({ participantId: id }), reply: nothing },
  reportStats: { data: statsReport, reply: nothing },
};

export type Method = keyof typeof requests;
export type RequestData<M extends Method> = z.infer<(typeof requests)[M]['data']>;
export type ReplyData<M extends Method> = z.infer<(typeof requests)[M]['reply']>;
