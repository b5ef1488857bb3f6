/** One call of the softphone: its SIP session, its media, and where it stands. */
import { Invitation, Inviter, type Notification, type Session, SessionState, type URI } from 'sip.js';
import { type Clock, Emitter } from '../../kernel/index.ts';
import { type CallInput, type CallState, idle, isBusy, step } from './call-state.ts';
import type { CallVideo, Pictures } from './call-video.ts';
import type { EventLog } from './event-log.ts';
import { readHoldNotice, WANTS_HOLD_NOTICES } from './hold-notice.ts';
import { MediaRecovery } from './media-recovery.ts';
import { type MediaWatcher, ZeroGatherDescription } from './session-description.ts';
import { type Trouble, troubleOfStatus } from './trouble.ts';

export interface PhoneCallEvents {
  readonly change: CallState;
  /** The other party's sound, to be played. */
  readonly remoteStream: MediaStream;
  /** The line must be looked at, and then `restartIce` called. */
  readonly lineDoubted: undefined;
  readonly pictures: Pictures;
}

const FIRST_PACKET_LOOK_MS = 10;

const noPictures: Pictures = { local: undefined, remote: undefined };

export interface PhoneCallParts {
  readonly clock: Clock;
  readonly log: EventLog;
  /** Undefined: the call cannot even be made. */
  readonly session: Session | undefined;
  /** Whether our own call begins with video. */
  readonly withVideo: boolean;
}

export class PhoneCall implements MediaWatcher {
  readonly session: Session | undefined;
  readonly #clock: Clock;
  readonly #log: EventLog;
  readonly #events = new Emitter<PhoneCallEvents>();
  #state: CallState = idle;
  #stream: MediaStream | undefined;
  /** Why the call is ending, when we know better than the SIP status does. */
  #trouble: Trouble | undefined;
  readonly #recovery: MediaRecovery;
  #wantsRestart = false;
  #wantsVideo: boolean;

  constructor({ clock, log, session, withVideo }: PhoneCallParts) {
    this.#wantsVideo = withVideo;
    this.#clock = clock;
    this.#log = log;
    this.session = session;
    this.#recovery = new MediaRecovery(clock, {
      onAway: (isAway) => this.#onAway(isAway),
      onDoubt: () => this.#events.emit('lineDoubted', undefined),
      onRestartWanted: () => this.wantRestart(),
      onGaveUp: () => this.giveUp('connection-lost'),
    });
  }

  get state(): CallState {
    return this.#state;
  }

  get stream(): MediaStream | undefined {
    return this.#stream;
  }

  get wantsVideo(): boolean {
    return this.#wantsVideo;
  }

  get pictures(): Pictures {
    return this.#description()?.video.pictures ?? noPictures;
  }

  get isBusy(): boolean {
    return isBusy(this.#state);
  }

  get peerConnection(): RTCPeerConnection | undefined {
    return this.#description()?.peerConnection;
  }

  on<Name extends keyof PhoneCallEvents>(name: Name, listener: (event: PhoneCallEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /** Sends the INVITE. */
  dial(remote: string): void {
    this.#input({ kind: 'dialed', remote });
    const inviter = this.session;
    if (!(inviter instanceof Inviter)) return;
    this.#watch(inviter);
    inviter
      .invite({
        requestDelegate: {
          onTrying: () => this.#log.add('trying'),
          onProgress: (response) => {
            this.#log.add('ringing', response.message.statusCode);
            this.#input({ kind: 'progressed', hasEarlyMedia: response.message.body.length > 0 });
          },
          onReject: (response) => {
            this.#trouble ??= troubleOfStatus(response.message.statusCode ?? 500);
          },
        },
      })
      .catch(() => this.giveUp('failed'));
  }

  /** Takes in the INVITE. */
  ring(invitation: Invitation): void {
    const { displayName, uri } = invitation.remoteIdentity;
    this.#watch(invitation);
    const hasVideo = /^m=video [1-9]/m.test(invitation.body ?? '');
    this.#input({ kind: 'invited', remote: displayName || uri.user || uri.host, hasVideo });
  }

  answer(withVideo: boolean): void {
    const { session } = this;
    if (this.#state.kind !== 'incoming' || !(session instanceof Invitation)) return;
    this.#wantsVideo = withVideo;
    this.#input({ kind: 'accepted' });
    session.accept({ extraHeaders: [WANTS_HOLD_NOTICES] }).catch(() => this.giveUp('failed'));
  }

  decline(statusCode: 486 | 603): void {
    const { session } = this;
    if (this.#state.kind !== 'incoming' || !(session instanceof Invitation)) return;
    session.reject({ statusCode }).catch(() => {});
    this.finish(undefined);
  }

  mute(isMuted: boolean): void {
    const description = this.#description();
    if (this.#state.kind !== 'active' || description === undefined) return;
    description.isMuted = isMuted;
    this.#input({ kind: 'muted', isMuted });
  }

  /** On: as far as the other side takes the re-INVITE that this needs in a call of audio alone. */
  turnCameraOff(isCameraOff: boolean): void {
    const video = this.#description()?.video;
    if (this.#state.kind !== 'active' || video === undefined) return;
    if (!isCameraOff && video.begin()) void this.#beginVideo(video);
    else if (video.view !== undefined) video.isCameraOff = isCameraOff;
  }

  async #beginVideo(video: CallVideo): Promise<void> {
    this.#wantsVideo = true;
    if (await this.#reinvite()) return;
    this.#wantsVideo = false;
    video.giveUp();
  }

  /** A re-INVITE with another direction. False: the other side has not taken it, and all is as before. */
  async hold(isHeld: boolean): Promise<boolean> {
    const description = this.#description();
    if (this.#state.kind !== 'active' || description === undefined) return false;
    if (this.#state.isHeld === isHeld) return true;
    description.isHeld = isHeld;
    this.#input({ kind: 'held', isHeld });
    if (await this.#reinvite()) return true;
    description.isHeld = !isHeld;
    this.#input({ kind: 'held', isHeld: !isHeld });
    return false;
  }

  /** Whether the other side has taken it. */
  async #reinvite(): Promise<boolean> {
    const { session } = this;
    if (session === undefined) return false;
    return new Promise<boolean>((resolve) => {
      session
        .invite({ requestDelegate: { onAccept: () => resolve(true), onReject: () => resolve(false) } })
        .catch(() => resolve(false));
    });
  }

  /** The network has changed, or the media is away. */
  wantRestart(): void {
    if (this.#state.kind !== 'active') return;
    this.#wantsRestart = true;
    this.#events.emit('lineDoubted', undefined);
  }

  /** If that is wanted: a re-INVITE with new ICE credentials (RFC 8445 §9, RFC 8839 §4.4.1.1.1). The line must be up. */
  restartIce(): void {
    const { session, peerConnection } = this;
    if (!this.#wantsRestart || this.#state.kind !== 'active' || session === undefined || peerConnection === undefined)
      return;
    this.#wantsRestart = false;
    this.#log.add('ice-restart');
    peerConnection.restartIce();
    session
      .invite({
        requestDelegate: {
          onReject: ({ message: { statusCode = 500 } }) => {
            // The gateway knows the call no more, and sip.js ends it (RFC 3261 §12.2.1.2).
            if (statusCode === 408 || statusCode === 481) this.#trouble ??= 'connection-lost';
          },
        },
      })
      // A negotiation is under way: the next attempt comes after it.
      .catch(() => {});
  }

  /** REFER: to an address, or to the party of another call of ours (RFC 5589). */
  transfer(target: URI | Session, to: string): void {
    const { session } = this;
    if (this.#state.kind !== 'active' || session === undefined) return;
    this.#log.add('transfer-click');
    this.#input({ kind: 'transferring', to });
    session
      .refer(target, {
        requestDelegate: {
          onReject: (response) => this.#onTransferStatus(response.message.statusCode ?? 500),
        },
        onNotify: (notification) => this.#onNotify(notification),
      })
      .catch(() => this.#onTransferStatus(500));
  }

  sendDigits(digits: string): boolean {
    return this.#state.kind === 'active' && (this.#description()?.sendDtmf(digits) ?? false);
  }

  /** Ends the call on our side, telling the other one as far as it still can be told. */
  giveUp(trouble: Trouble | undefined): void {
    if (!this.isBusy) return;
    this.finish(trouble);
    if (this.session !== undefined) endSession(this.session);
  }

  finish(trouble: Trouble | undefined): void {
    this.#recovery.stop();
    // sip.js closes it only when the SIP side is done too, which a dead gateway delays by half a minute.
    this.#description()?.close();
    if (this.isBusy) this.#log.add('ended', trouble ?? '');
    this.#input({ kind: 'ended', trouble });
  }

  onRemoteStream(stream: MediaStream): void {
    this.#stream = stream;
    this.#events.emit('remoteStream', stream);
  }

  onVideo(): void {
    this.#input({ kind: 'video', video: this.#description()?.video.view });
    this.#events.emit('pictures', this.pictures);
  }

  onConnectionState(state: RTCPeerConnectionState): void {
    if (state === 'connected') this.#log.add('media-connected');
    this.#recovery.onConnectionState(state);
  }

  onMicrophoneTrouble(trouble: Trouble): void {
    this.giveUp(trouble);
  }

  onRemoteHold(isHeld: boolean): void {
    this.#input({ kind: 'held-by-other', isHeld });
  }

  #description(): ZeroGatherDescription | undefined {
    const description = this.session?.sessionDescriptionHandler;
    return description instanceof ZeroGatherDescription ? description : undefined;
  }

  #watch(session: Session): void {
    session.delegate = {
      onInfo: (info) => {
        const isHeld = readHoldNotice(info);
        if (isHeld !== undefined) this.onRemoteHold(isHeld);
      },
    };
    session.stateChange.addListener((state) => {
      if (state === SessionState.Established) this.#onEstablished();
      // A BYE or an answerless end has no trouble; a refusal set it before sip.js ended the session.
      if (state === SessionState.Terminated) queueMicrotask(() => this.#onTerminated());
    });
  }

  #onAway(isAway: boolean): void {
    this.#log.add(isAway ? 'media-away' : 'media-back');
    this.#input({ kind: 'media-away', isAway });
    // Before there is a dialog nothing can be restarted.
    if (this.#state.kind !== 'active' && this.peerConnection?.connectionState === 'failed')
      this.giveUp('connection-lost');
  }

  /** A transferred call is ended by the gateway, sometimes before its last NOTIFY is heard. */
  #onTerminated(): void {
    const isTransferred = this.#state.kind === 'active' && this.#state.transfer?.kind === 'running';
    if (isTransferred) this.#onTransferStatus(200);
    else if (this.isBusy) this.finish(this.#trouble);
  }

  #onNotify(notification: Notification): void {
    notification.accept().catch(() => {});
    const status = /^SIP\/2\.0 (\d{3})/.exec(notification.request.body)?.[1];
    if (status !== undefined) this.#onTransferStatus(Number(status));
  }

  #onTransferStatus(status: number): void {
    if (status < 200) return;
    if (status >= 300) {
      this.#input({ kind: 'transfer-failed', trouble: troubleOfStatus(status) });
      return;
    }
    this.#log.add('transferred');
    this.#input({ kind: 'transferred' });
    this.#description()?.close();
    if (this.session !== undefined) endSession(this.session);
  }

  #onEstablished(): void {
    this.#log.add('answered');
    this.#input({ kind: 'established' });
    if (this.#recovery.isAway) this.#input({ kind: 'media-away', isAway: true });
    this.onVideo();
    const connection = this.peerConnection;
    if (connection !== undefined) this.#awaitFirstPacket(connection);
  }

  #awaitFirstPacket(connection: RTCPeerConnection): void {
    // Not by statistics, which Chromium keeps for 50 ms.
    const look = (): void => {
      if (connection.connectionState === 'closed') return;
      const isHeard = connection.getReceivers().some((each) => each.getSynchronizationSources().length > 0);
      if (isHeard) this.#log.add('first-rtp');
      else this.#clock.after(FIRST_PACKET_LOOK_MS, look);
    };
    look();
  }

  #input(input: CallInput): void {
    const next = step(this.#state, input, this.#clock.now());
    if (next === this.#state) return;
    this.#state = next;
    this.#events.emit('change', next);
  }
}

/** CANCEL, a final refusal or BYE, whichever the state of the session asks for. */
function endSession(session: Session): void {
  if (session.state === SessionState.Established) session.bye().catch(() => {});
  else if (session.state !== SessionState.Initial && session.state !== SessionState.Establishing) return;
  else if (session instanceof Inviter) session.cancel().catch(() => {});
  else if (session instanceof Invitation) session.reject({ statusCode: 603 }).catch(() => {});
}
