/** What each request does. The grant is judged here each time; what the room allows, the room decides. */
import { findParticipant, type Publication, type PublicationId, roomErrors, viewOfRoom } from '../rooms/index.ts';
import { signalErrors } from './errors.ts';
import type { Peer } from './peer.ts';
import { closeCodes, type Method, type ReplyData, type RequestData } from './protocol/index.ts';

export type PeerMethod = Exclude<Method, 'hello'>;
export type Handlers = { readonly [M in PeerMethod]: (peer: Peer, data: RequestData<M>) => Promise<ReplyData<M>> };

export const handlers: Handlers = {
  async refreshToken(peer, { token: text }) {
    const token = await peer.parts.auth.verify(text);
    const { sessionId, subject, room, tenant } = peer.token;
    const isSame =
      token.sessionId === sessionId && token.subject === subject && token.room === room && token.tenant === tenant;
    if (!isSame) throw signalErrors.SESSION_MISMATCH();
    peer.renew(token);
    return { tokenExpiresAt: token.expiresAt };
  },

  async join(peer, { rtpCapabilities }) {
    const { auth, clock } = peer.parts;
    auth.demand(peer.token, 'join');
    const { participantId, host, token } = peer;
    const { sessionId, subject, name } = token;
    host.apply({ kind: 'join', participant: { participantId, sessionId, subject, name, joinedAt: clock.wallTime() } });
    peer.rtpCapabilities = rtpCapabilities;
    const { speaker } = host;
    return { room: viewOfRoom(host.room), ...(speaker === undefined ? {} : { activeSpeaker: speaker }) };
  },

  async leave(peer) {
    peer.end(closeCodes.normal, 'left');
    return {};
  },

  async iceServers(peer) {
    peer.parts.auth.demand(peer.token, 'join');
    return { iceServers: [...(await peer.parts.iceServers(peer.token))] };
  },

  async openTransport(peer, { direction }) {
    peer.parts.auth.demand(peer.token, direction === 'send' ? 'publish' : 'subscribe');
    demandJoined(peer);
    const { media, newId } = peer.parts;
    const transportId = newId();
    peer.addTransport(direction, transportId);
    // What ran over the one before is gone with it.
    if (direction === 'receive') peer.subscriptions.clear();
    else peer.host.apply({ kind: 'unpublish-all', participantId: peer.participantId });
    return media.openTransport({ roomId: peer.host.room.roomId, participantId: peer.participantId, transportId });
  },

  async connectTransport(peer, { transportId, dtlsParameters }) {
    demandTransport(peer, transportId);
    await peer.parts.media.connectTransport(transportId, dtlsParameters);
    return {};
  },

  async restartIce(peer, { transportId }) {
    peer.parts.auth.demand(peer.token, 'join');
    demandTransport(peer, transportId);
    return { iceParameters: await peer.parts.media.restartIce(transportId) };
  },

  async publish(peer, { transportId, kind, source, rtpParameters, isMuted }) {
    peer.parts.auth.demand(peer.token, 'publish');
    demandTransport(peer, transportId, 'send');
    const publicationId = peer.parts.newId() as PublicationId;
    const request = { transportId, publicationId, kind, rtpParameters, isPaused: isMuted };
    await peer.parts.media.publish(request);
    announce(peer, { publicationId, kind, source, isMuted });
    return { publicationId };
  },

  async publishData(peer, { transportId, label, sctpStreamParameters }) {
    peer.parts.auth.demand(peer.token, 'publish');
    demandTransport(peer, transportId, 'send');
    const publicationId = peer.parts.newId() as PublicationId;
    await peer.parts.media.publishData({ transportId, publicationId, label, sctpStreamParameters });
    announce(peer, { publicationId, kind: 'data', source: 'data', label, isMuted: false });
    return { publicationId };
  },

  async unpublish({ host, participantId }, { publicationId }) {
    host.apply({ kind: 'unpublish', participantId, publicationId });
    return {};
  },

  async mute(peer, { publicationId, isMuted }) {
    peer.parts.auth.demand(peer.token, 'publish');
    peer.host.apply({ kind: 'mute', participantId: peer.participantId, publicationId, isMuted });
    return {};
  },

  async subscribe(peer, { transportId, publicationId }) {
    peer.parts.auth.demand(peer.token, 'subscribe');
    const rtpCapabilities = demandJoined(peer);
    const subscriptionId = subscribing(peer, transportId);
    const opened = await peer.parts.media.subscribe({ transportId, publicationId, subscriptionId, rtpCapabilities });
    peer.subscriptions.add(subscriptionId);
    return { subscriptionId, ...opened };
  },

  async subscribeData(peer, { transportId, publicationId }) {
    peer.parts.auth.demand(peer.token, 'subscribe');
    demandJoined(peer);
    const subscriptionId = subscribing(peer, transportId);
    const opened = await peer.parts.media.subscribeData({ transportId, publicationId, subscriptionId });
    peer.subscriptions.add(subscriptionId);
    return { subscriptionId, ...opened };
  },

  async updateSubscription(peer, { subscriptionId, ...change }) {
    peer.parts.auth.demand(peer.token, 'subscribe');
    if (!peer.subscriptions.has(subscriptionId)) throw signalErrors.SUBSCRIPTION_UNKNOWN();
    await peer.parts.media.updateSubscription(subscriptionId, change);
    return {};
  },

  async unsubscribe(peer, { subscriptionId }) {
    if (!peer.subscriptions.delete(subscriptionId)) throw signalErrors.SUBSCRIPTION_UNKNOWN();
    peer.parts.media.closeSubscription(subscriptionId);
    return {};
  },

  async hold(peer, { publicationId, isHeld }) {
    peer.parts.auth.demand(peer.token, 'moderate');
    demandJoined(peer);
    peer.host.apply({ kind: 'hold', publicationId, isHeld });
    return {};
  },

  async remove(peer, { participantId }) {
    peer.parts.auth.demand(peer.token, 'moderate');
    demandJoined(peer);
    const participant = findParticipant(peer.host.room, participantId);
    if (participant === undefined) throw roomErrors.PARTICIPANT_UNKNOWN();
    await peer.parts.removeParticipant(participant.participantId, peer.host);
    return {};
  },

  async reportStats(peer, report) {
    peer.parts.onStats(peer, report);
    return {};
  },
};

function demandJoined(peer: Peer): NonNullable<Peer['rtpCapabilities']> {
  const isIn = findParticipant(peer.host.room, peer.participantId) !== undefined;
  if (!isIn || peer.rtpCapabilities === undefined) throw roomErrors.NOT_IN_ROOM();
  return peer.rtpCapabilities;
}

/** Only one's own transports are there. */
function demandTransport(peer: Peer, transportId: string, direction?: 'send' | 'receive'): void {
  demandJoined(peer);
  for (const [each, id] of peer.transports) {
    if (id === transportId && (direction === undefined || direction === each)) return;
  }
  throw signalErrors.TRANSPORT_UNKNOWN();
}

/** Nobody hears of a publication before its media is there; when the room then refuses it, the media is closed again. */
function announce(peer: Peer, publication: Omit<Publication, 'isHeld'>): void {
  try {
    peer.host.apply({ kind: 'publish', participantId: peer.participantId, publication });
  } catch (error) {
    peer.parts.media.closePublication(publication.publicationId);
    throw error;
  }
}

function subscribing(peer: Peer, transportId: string): string {
  demandTransport(peer, transportId, 'receive');
  if (peer.subscriptions.size >= peer.parts.subscriptions)
    throw signalErrors.TOO_MANY_SUBSCRIPTIONS([peer.parts.subscriptions]);
  return peer.parts.newId();
}
