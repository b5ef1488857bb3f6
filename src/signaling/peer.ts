/** One session of one person in one room: outlives its connection for a while, and owns what was opened for it. */
import type { AccessToken, Auth, Revocation } from '../auth/index.ts';
import type { Clock, Logger, Timer } from '../kernel/index.ts';
import type { ParticipantId, RoomMedia } from '../rooms/index.ts';
import type { PeerSocket } from './peer-socket.ts';
import {
  type CloseCode,
  closeCodes,
  type IceServer,
  type RtpCapabilities,
  type SignalNotification,
  type StatsReport,
} from './protocol/index.ts';
import { formatNotification, type RoomHost } from './room-host.ts';

export interface PeerParts {
  readonly auth: Auth;
  readonly media: RoomMedia;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newId: () => string;
  readonly iceServers: (token: AccessToken) => Promise<readonly IceServer[]>;
  readonly resumeMs: number;
  readonly subscriptions: number;
  /** The session is over for good (`isEnded`), or its time to resume has passed. */
  readonly onGone: (peer: Peer, isEnded: boolean) => void;
  /** Transport id → whose it is. */
  readonly owners: Map<string, Peer>;
  readonly onStats: (peer: Peer, report: StatsReport) => void;
  /** The moderator's verb. */
  readonly removeParticipant: (participantId: ParticipantId, from: RoomHost) => Promise<void>;
}

/** Before a token expires its bearer is told to bring another one, ms. */
const expiryNoticeMs = 60_000;

export class Peer {
  readonly participantId: ParticipantId;
  readonly host: RoomHost;
  readonly parts: PeerParts;
  readonly logger: Logger;
  readonly transports = new Map<'send' | 'receive', string>();
  readonly subscriptions = new Set<string>();
  /** Undefined before it joins. */
  rtpCapabilities: RtpCapabilities | undefined;
  #token: AccessToken;
  #socket: PeerSocket | undefined;
  #gone: Timer | undefined;
  #expiry: Timer | undefined;
  #isOver = false;

  constructor(token: AccessToken, participantId: ParticipantId, host: RoomHost, parts: PeerParts) {
    this.participantId = participantId;
    this.host = host;
    this.parts = parts;
    this.logger = parts.logger.child({ participantId, room: host.room.roomId });
    this.#token = token;
    this.#watchExpiry();
  }

  get token(): AccessToken {
    return this.#token;
  }

  get hasJoined(): boolean {
    return this.rtpCapabilities !== undefined;
  }

  /** Another token of the same session. */
  renew(token: AccessToken): void {
    this.#token = token;
    this.#watchExpiry();
  }

  /** Speaks over this connection from now on; the one before is closed. */
  attach(socket: PeerSocket): void {
    this.#socket?.close(closeCodes.replaced, 'resumed elsewhere');
    this.#socket = socket;
    this.#gone?.cancel();
    this.host.listen(this.participantId, { tell: (text) => this.#socket?.send(text) });
    if (this.hasJoined) this.host.apply({ kind: 'away', participantId: this.participantId, isAway: false });
  }

  /** The connection is lost; another one may come. */
  detach(socket: PeerSocket): void {
    if (this.#socket !== socket || this.#isOver) return;
    this.#socket = undefined;
    if (this.hasJoined) this.host.apply({ kind: 'away', participantId: this.participantId, isAway: true });
    this.#gone = this.parts.clock.after(this.parts.resumeMs, () => this.#leave(false));
  }

  notify(notification: SignalNotification): void {
    this.#socket?.send(formatNotification(notification));
  }

  isOf(revocation: Revocation): boolean {
    const { tokenId, sessionId, tenant, subject } = this.#token;
    switch (revocation.kind) {
      case 'token':
        return revocation.tokenId === tokenId;
      case 'session':
        return revocation.sessionId === sessionId;
      case 'subject':
        return revocation.tenant === tenant && revocation.subject === subject;
    }
  }

  /** The media of this participant is gone with its worker. */
  loseMedia(): void {
    this.closeMedia();
    this.host.apply({ kind: 'unpublish-all', participantId: this.participantId });
    this.notify({ name: 'mediaLost', data: {} });
  }

  /** One of each direction: a new one takes the place of the one before. */
  addTransport(direction: 'send' | 'receive', transportId: string): void {
    const former = this.transports.get(direction);
    if (former !== undefined) this.#closeTransport(former);
    this.transports.set(direction, transportId);
    this.parts.owners.set(transportId, this);
  }

  closeMedia(): void {
    for (const transportId of this.transports.values()) this.#closeTransport(transportId);
    this.transports.clear();
    this.subscriptions.clear();
  }

  /** Ends the session for good. */
  end(code: CloseCode, reason: string): void {
    this.#leave(true);
    this.#socket?.close(code, reason);
    this.#socket = undefined;
  }

  /** The gateway stops; the session may go on in the next run. */
  suspend(): void {
    this.#isOver = true;
    this.#stopTimers();
    this.#socket?.close(closeCodes.goingAway, 'restarting');
  }

  #closeTransport(transportId: string): void {
    this.parts.owners.delete(transportId);
    this.parts.media.closeTransport(transportId);
  }

  #leave(isEnded: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopTimers();
    this.closeMedia();
    this.host.unlisten(this.participantId);
    this.host.apply({ kind: 'leave', participantId: this.participantId });
    this.parts.onGone(this, isEnded);
  }

  #watchExpiry(): void {
    this.#expiry?.cancel();
    const { clock } = this.parts;
    const { expiresAt } = this.#token;
    const leftMs = expiresAt - clock.wallTime();
    const end = (): void => this.end(closeCodes.unauthenticated, 'TOKEN_EXPIRED');
    this.#expiry = clock.after(Math.max(0, leftMs - expiryNoticeMs), () => {
      this.notify({ name: 'tokenExpires', data: { expiresAt } });
      this.#expiry = clock.after(Math.max(0, expiresAt - clock.wallTime()), end);
    });
  }

  #stopTimers(): void {
    this.#gone?.cancel();
    this.#expiry?.cancel();
  }
}
