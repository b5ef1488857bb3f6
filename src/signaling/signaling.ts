/** Rooms over WebSockets: sessions are begun, resumed and ended here. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AccessToken, Auth } from '../auth/index.ts';
import { type Clock, CodedError, type Logger, type Random, Scope } from '../kernel/index.ts';
import {
  findParticipant,
  type ParticipantId,
  type RoomMedia,
  type RoomMediaEvent,
  videoCodecOrder,
} from '../rooms/index.ts';
import type { Store } from '../store/index.ts';
import { answer, formatResponse, parseRequest } from './dispatch.ts';
import { signalErrors } from './errors.ts';
import { Gate, type Hello } from './gate.ts';
import { type SignalingLimits, usualLimits } from './limits.ts';
import { Peer, type PeerParts } from './peer.ts';
import type { PeerSocket } from './peer-socket.ts';
import { closeCodes, type IceServer, type ReplyData, type StatsReport } from './protocol/index.ts';
import { RoomBook } from './room-book.ts';
import type { RoomHost } from './room-host.ts';
import { mayResume, SessionBook, type SessionRecord } from './session-book.ts';

export interface SignalingOptions {
  readonly auth: Auth;
  readonly media: RoomMedia;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly allowedOrigins: readonly string[];
  readonly allowPlain: boolean;
  readonly participants: number;
  readonly publications: number;
  readonly resumeMs: number;
  /** What a client may use besides our own addresses; asked after the token was verified. */
  readonly iceServers: (token: AccessToken) => Promise<readonly IceServer[]>;
  readonly onStats: (peer: { readonly participantId: string; readonly roomId: string }, report: StatsReport) => void;
  readonly limits?: Partial<SignalingLimits>;
}

/** For metrics; all but the first four only grow. */
export interface SignalingFigures {
  readonly connections: number;
  readonly sessions: number;
  readonly rooms: number;
  readonly participants: number;
  readonly sessionsBegun: number;
  readonly sessionsResumed: number;
  readonly requests: number;
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>;
}

export interface RoomSummary {
  readonly tenant: string;
  readonly name: string;
  readonly participants: readonly {
    readonly participantId: string;
    readonly subject: string;
    readonly name: string;
    readonly joinedAt: number;
    readonly isAway: boolean;
    readonly sources: readonly string[];
  }[];
}

export interface Signaling {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, isSecure: boolean): void;
  figures(): SignalingFigures;
  rooms(): readonly RoomSummary[];
  close(): Promise<void>;
}

const statsEveryMs = 5000;

export async function startSignaling(options: SignalingOptions): Promise<Signaling> {
  const signaling = new RoomSignaling(options);
  await signaling.start();
  return signaling;
}

class RoomSignaling implements Signaling {
  readonly #options: SignalingOptions;
  readonly #limits: SignalingLimits;
  readonly #scope = new Scope();
  readonly #rooms: RoomBook;
  readonly #sessions: SessionBook;
  readonly #gate: Gate;
  /** Session id → who has it. */
  readonly #peers = new Map<string, Peer>();
  readonly #owners = new Map<string, Peer>();
  /** Sessions that are just being begun: two connections with one token must not both get it. */
  readonly #opening = new Set<string>();
  readonly #refused = new Map<string, number>();
  #begun = 0;
  #resumed = 0;
  #requests = 0;

  constructor(options: SignalingOptions) {
    this.#options = options;
    this.#limits = { ...usualLimits, ...options.limits };
    const { store, clock, random } = options;
    this.#sessions = new SessionBook(store, clock, random);
    this.#rooms = new RoomBook({
      ...options,
      limits: { participants: options.participants, publications: options.publications },
    });
    this.#gate = new Gate({
      ...options,
      limits: this.#limits,
      onHello: (hello) => void this.#greet(hello),
      onRefused: (why) => this.#countRefused(why),
    });
  }

  async start(): Promise<void> {
    const { auth, media } = this.#options;
    await this.#rooms.load();
    this.#scope.add(media.onEvent((event) => this.#onMedia(event)));
    this.#scope.add(
      auth.onRevoked((revocation) => {
        for (const peer of this.#peers.values())
          if (peer.isOf(revocation)) peer.end(closeCodes.unauthenticated, 'TOKEN_REVOKED');
      }),
    );
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, isSecure: boolean): void {
    this.#gate.upgrade(request, socket, head, isSecure);
  }

  figures(): SignalingFigures {
    return {
      connections: this.#gate.connections,
      sessions: this.#peers.size,
      rooms: this.#rooms.size,
      participants: this.#rooms.participants,
      sessionsBegun: this.#begun,
      sessionsResumed: this.#resumed,
      requests: this.#requests,
      refused: Object.fromEntries(this.#refused),
    };
  }

  rooms(): readonly RoomSummary[] {
    return this.#rooms.rooms.map(({ tenant, name, participants }) => ({
      tenant,
      name,
      participants: participants.map(({ participantId, subject, name: shown, joinedAt, isAway, publications }) => ({
        participantId,
        subject,
        name: shown,
        joinedAt,
        isAway,
        sources: publications.map(({ source }) => source),
      })),
    }));
  }

  async close(): Promise<void> {
    await this.#scope.close();
    for (const peer of this.#peers.values()) peer.suspend();
    this.#peers.clear();
    this.#gate.close();
    this.#rooms.close();
  }

  /** Nothing is made before the token, its room and its session are found good. */
  async #greet(hello: Hello): Promise<void> {
    const { socket, id, data } = hello;
    let sessionId: string | undefined;
    // A connection that is lost meanwhile must not leave a peer with nobody behind.
    let isOpen = true;
    socket.hand({
      onText: () => socket.close(closeCodes.malformed, 'wait for hello'),
      onClosed: () => (isOpen = false),
    });
    try {
      const token = await this.#admit(data.token, data.room);
      sessionId = token.sessionId;
      if (this.#opening.has(sessionId)) throw signalErrors.SESSION_TAKEN();
      this.#opening.add(sessionId);
      const reply = await this.#openSession(hello, token, () => isOpen);
      if (reply !== undefined) socket.send(formatResponse(id, reply));
    } catch (error) {
      this.#refuse(socket, error);
    } finally {
      if (sessionId !== undefined) this.#opening.delete(sessionId);
    }
  }

  async #admit(text: string, room: string): Promise<AccessToken> {
    const { auth } = this.#options;
    const token = await auth.verify(text);
    auth.demand(token, 'join');
    if (token.room !== room) throw signalErrors.ROOM_FORBIDDEN();
    return token;
  }

  async #openSession(
    { socket, data, userAgent }: Hello,
    token: AccessToken,
    isOpen: () => boolean,
  ): Promise<ReplyData<'hello'> | undefined> {
    const known = await this.#sessions.find(token.sessionId);
    if (known !== undefined && !mayResume(known, token, data.resumeSecret)) throw signalErrors.SESSION_TAKEN();
    const { record, secret } =
      known === undefined ? this.#sessions.create(token) : { record: known, secret: data.resumeSecret ?? '' };
    await this.#sessions.keep(token, record);
    const iceServers = await this.#options.iceServers(token);
    if (!isOpen()) return undefined;
    const former = this.#peers.get(token.sessionId);
    const peer = former ?? this.#createPeer(token, record);
    if (former !== undefined) former.renew(token);
    if (known === undefined) this.#begun += 1;
    else this.#resumed += 1;
    this.#connect(peer, socket);
    return {
      sessionId: token.sessionId,
      participantId: peer.participantId,
      continuation: known === undefined ? 'new' : former === undefined ? 'rejoin' : 'kept',
      resumeSecret: secret,
      resumeWithinMs: this.#options.resumeMs,
      grants: [...token.grants],
      tokenExpiresAt: token.expiresAt,
      rtpCapabilities: this.#options.media.rtpCapabilities,
      videoCodecs: [...videoCodecOrder(userAgent)],
      iceServers: [...iceServers],
      statsEveryMs,
    };
  }

  #createPeer(token: AccessToken, record: SessionRecord): Peer {
    const { random, onStats } = this.#options;
    const host = this.#rooms.open(token.tenant, token.room);
    const parts: PeerParts = {
      ...this.#options,
      subscriptions: this.#limits.subscriptions,
      owners: this.#owners,
      newId: () => random.hex(16),
      onStats: (peer, report) => onStats({ participantId: peer.participantId, roomId: peer.host.room.roomId }, report),
      onGone: (peer, isEnded) => this.#gone(peer, record, isEnded),
      removeParticipant: (participantId, from) => this.#remove(participantId, from),
    };
    const peer = new Peer(token, record.participantId, host, parts);
    this.#peers.set(token.sessionId, peer);
    return peer;
  }

  /** One request of a peer after another, so that each sees what the one before has done. */
  #connect(peer: Peer, socket: PeerSocket): void {
    let waiting = 0;
    let queue: Promise<unknown> = Promise.resolve();
    socket.hand({
      onText: (text) => {
        const request = parseRequest(text);
        if (request === undefined) return socket.close(closeCodes.malformed, 'not a request');
        if (waiting >= this.#limits.waitingRequests) return socket.close(closeCodes.tooMany, 'too many requests');
        waiting += 1;
        this.#requests += 1;
        const before = queue;
        queue = (async () => {
          await before;
          socket.send(await answer(peer, request));
          waiting -= 1;
        })();
      },
      onClosed: () => peer.detach(socket),
    });
    peer.attach(socket);
  }

  #gone(peer: Peer, record: SessionRecord, isEnded: boolean): void {
    this.#peers.delete(peer.token.sessionId);
    this.#rooms.endIfEmpty(peer.host);
    if (!isEnded) return;
    this.#sessions.keep(peer.token, { ...record, isEnded: true }).catch((error: unknown) => {
      this.#options.logger.error({ err: error }, 'end of a session not kept');
    });
  }

  /** Whoever is removed does not come back with the same token; who waits to come back neither. */
  async #remove(participantId: ParticipantId, host: RoomHost): Promise<void> {
    const participant = findParticipant(host.room, participantId);
    if (participant === undefined) return;
    const peer = this.#peers.get(participant.sessionId);
    peer?.end(closeCodes.forbidden, 'removed');
    host.apply({ kind: 'leave', participantId });
    await this.#options.auth.revoke({ kind: 'session', sessionId: participant.sessionId });
  }

  #refuse(socket: PeerSocket, error: unknown): void {
    if (!(error instanceof CodedError)) {
      this.#options.logger.error({ err: error }, 'signaling hello failed');
      this.#countRefused('internal');
      return socket.close(closeCodes.goingAway, 'INTERNAL');
    }
    this.#countRefused(error.code);
    this.#options.logger.info({ code: error.code, why: error.message }, 'signaling connection refused');
    socket.close(error.code.startsWith('TOKEN_') ? closeCodes.unauthenticated : closeCodes.forbidden, error.code);
  }

  #countRefused(why: string): void {
    this.#refused.set(why, (this.#refused.get(why) ?? 0) + 1);
  }

  #onMedia(event: RoomMediaEvent): void {
    switch (event.kind) {
      case 'levels':
        return this.#rooms.find(event.roomId)?.onLevels(event.levels);
      case 'speaker':
        return this.#rooms.find(event.roomId)?.onSpeaker(event.publicationId);
      case 'lost':
        for (const peer of this.#peers.values())
          if (peer.host.room.roomId === event.roomId && event.participantIds.includes(peer.participantId))
            peer.loseMedia();
        return;
      case 'transport-state': {
        const { transportId, state } = event;
        return this.#owners.get(transportId)?.notify({ name: 'transportState', data: { transportId, state } });
      }
      case 'layers': {
        const { transportId, subscriptionId, layers } = event;
        const data = { subscriptionId, ...(layers === undefined ? {} : { layers }) };
        return this.#owners.get(transportId)?.notify({ name: 'layers', data });
      }
    }
  }
}
