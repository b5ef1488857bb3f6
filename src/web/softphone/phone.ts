/** The softphone without its face: one line, at most one call. The page uses it, and so do tests (`window.softphone`). */
import { Invitation, Inviter, type Session, SessionState, UserAgent } from 'sip.js';
import { type Clock, Emitter, type Timer } from '../../kernel/index.ts';
import { readQuality } from './call-quality.ts';
import { type CallInput, type CallState, idle, isBusy, step } from './call-state.ts';
import { dialTarget } from './dial-target.ts';
import { EventLog, type PhoneEvent } from './event-log.ts';
import type { CallQuality, LineState, PhoneHook, PhoneState } from './hook.ts';
import { Line } from './line.ts';
import type { Microphone } from './microphone.ts';
import { warmPeerConnection, ZeroGatherDescription, zeroGatherFactory } from './session-description.ts';
import type { Account } from './sign-in.ts';
import { type Trouble, troubleOfStatus } from './trouble.ts';

export interface PhoneEvents {
  readonly change: PhoneState;
  /** The other party's sound, to be played. */
  readonly remoteStream: MediaStream;
}

/** Media may be away this long (a network change) before the call is given up. */
const MEDIA_AWAY_MS = 6_000;
const FIRST_PACKET_LOOK_MS = 10;

export class Softphone implements PhoneHook {
  readonly #clock: Clock;
  readonly #microphone: Microphone;
  readonly #instanceId: string;
  readonly #events = new Emitter<PhoneEvents>();
  readonly #log = new EventLog();
  #line: Line | undefined;
  #lineState: LineState = { kind: 'signed-out' };
  #account: Account | undefined;
  #call: CallState = idle;
  #session: Session | undefined;
  /** Why the call is ending, when we know better than the SIP status does. */
  #trouble: Trouble | undefined;
  #hasInvited = false;
  #mediaAway: Timer | undefined;

  constructor(clock: Clock, microphone: Microphone, instanceId: string) {
    this.#clock = clock;
    this.#microphone = microphone;
    this.#instanceId = instanceId;
  }

  get state(): PhoneState {
    return { line: this.#lineState, call: this.#call, user: this.#account?.user };
  }

  get log(): readonly PhoneEvent[] {
    return this.#log.events;
  }

  on<Name extends keyof PhoneEvents>(name: Name, listener: (event: PhoneEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  async register(account: Account): Promise<void> {
    await this.signOut();
    const domain = account.domain === '' ? new URL(account.server).hostname : account.domain;
    const uri = UserAgent.makeURI(`sip:${account.user}@${domain}`);
    if (uri === undefined) throw new Error('wrong-password');
    this.#account = { ...account, domain };
    this.#microphone.rawAudio = account.rawAudio === true;
    void this.#microphone.warm();
    void warmPeerConnection();
    const descriptions = zeroGatherFactory(this.#microphone, {
      onRemoteStream: (stream) => this.#events.emit('remoteStream', stream),
      onConnectionState: (state) => this.#onMediaState(state),
      onMicrophoneTrouble: (trouble) => this.#giveUp(trouble),
    });
    const line = new Line(this.#clock, this.#account, uri, { instanceId: this.#instanceId, descriptions });
    this.#line = line;
    line.on('state', (state) => this.#onLine(state));
    line.on('invited', (invitation) => this.#onInvitation(invitation));
    line.on('sent', (startLine) => {
      if (!startLine.startsWith('INVITE ') || this.#call.kind !== 'calling' || this.#hasInvited) return;
      // The second one of a challenged call is the gateway's wish, not ours.
      this.#hasInvited = true;
      this.#log.add('invite-sent');
    });
    this.#onLine({ kind: 'connecting' });
    line.start();
    await this.#untilOnline();
  }

  async signOut(): Promise<void> {
    this.hangUp();
    const line = this.#line;
    this.#line = undefined;
    this.#account = undefined;
    this.#microphone.release();
    this.#onLine({ kind: 'signed-out' });
    await line?.stop();
  }

  /** The network changed or the page woke up. */
  checkLine(): void {
    this.#line?.check();
  }

  async warmMicrophone(): Promise<Trouble | undefined> {
    return this.#microphone.warm();
  }

  call(target: string): void {
    this.#log.add('click');
    if (isBusy(this.#call)) return;
    const remote = target.trim();
    this.#trouble = undefined;
    this.#hasInvited = false;
    this.#input({ kind: 'dismissed' });
    this.#input({ kind: 'dialed', remote });
    const line = this.#line;
    const uri = UserAgent.makeURI(dialTarget(remote, this.#account?.domain ?? '') ?? '');
    if (line === undefined || line.state.kind !== 'online') this.#finish('not-registered');
    else if (uri === undefined) this.#finish('bad-number');
    else this.#invite(new Inviter(line.agent, uri, { earlyMedia: true }));
  }

  answer(): void {
    const invitation = this.#session;
    if (this.#call.kind !== 'incoming' || !(invitation instanceof Invitation)) return;
    this.#log.add('answer-click');
    this.#input({ kind: 'accepted' });
    invitation.accept().catch(() => this.#onFailure(invitation));
  }

  decline(why: 'declined' | 'busy' = 'declined'): void {
    const invitation = this.#session;
    if (this.#call.kind !== 'incoming' || !(invitation instanceof Invitation)) return;
    refuse(invitation, why === 'busy' ? 486 : 603);
    this.#finish(undefined);
  }

  hangUp(): void {
    if (!isBusy(this.#call)) return;
    this.#log.add('hang-up-click');
    this.#giveUp(undefined);
  }

  mute(isMuted: boolean): void {
    const description = this.#description();
    if (this.#call.kind !== 'active' || description === undefined) return;
    description.isMuted = isMuted;
    this.#input({ kind: 'muted', isMuted });
  }

  sendDigits(digits: string): boolean {
    return this.#call.kind === 'active' && (this.#description()?.sendDtmf(digits) ?? false);
  }

  async quality(): Promise<CallQuality | undefined> {
    const connection = this.peerConnection;
    return connection === undefined ? undefined : readQuality(connection);
  }

  /** Puts a finished call off the screen. */
  dismiss(): void {
    this.#input({ kind: 'dismissed' });
  }

  /** The peer connection of the call, for measurements. */
  get peerConnection(): RTCPeerConnection | undefined {
    return this.#description()?.peerConnection;
  }

  #description(): ZeroGatherDescription | undefined {
    const description = this.#session?.sessionDescriptionHandler;
    return description instanceof ZeroGatherDescription ? description : undefined;
  }

  #invite(inviter: Inviter): void {
    this.#adopt(inviter);
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
      .catch(() => this.#onFailure(inviter));
  }

  #onInvitation(invitation: Invitation): void {
    if (isBusy(this.#call)) {
      refuse(invitation, 486);
      return;
    }
    const { displayName, uri } = invitation.remoteIdentity;
    this.#log.add('incoming');
    this.#trouble = undefined;
    this.#adopt(invitation);
    this.#input({ kind: 'dismissed' });
    this.#input({ kind: 'invited', remote: displayName || uri.user || uri.host });
  }

  #adopt(session: Session): void {
    this.#session = session;
    session.stateChange.addListener((state) => {
      if (session !== this.#session) return;
      if (state === SessionState.Established) this.#onEstablished();
      // A BYE or an answerless end has no trouble; a refusal set it before sip.js ended the session.
      if (state === SessionState.Terminated)
        queueMicrotask(() => session === this.#session && this.#finish(this.#trouble));
    });
  }

  #onEstablished(): void {
    this.#log.add('answered');
    this.#input({ kind: 'established' });
    const connection = this.peerConnection;
    if (connection !== undefined) this.#awaitFirstPacket(connection);
  }

  #awaitFirstPacket(connection: RTCPeerConnection): void {
    const look = async (): Promise<void> => {
      if (connection.connectionState === 'closed') return;
      const { packetsReceived } = await readQuality(connection);
      if (packetsReceived > 0) this.#log.add('first-rtp');
      else this.#clock.after(FIRST_PACKET_LOOK_MS, () => void look());
    };
    void look();
  }

  #onMediaState(state: RTCPeerConnectionState): void {
    this.#mediaAway?.cancel();
    if (state === 'connected') this.#log.add('media-connected');
    if (state === 'failed') this.#giveUp('connection-lost');
    if (state === 'disconnected')
      this.#mediaAway = this.#clock.after(MEDIA_AWAY_MS, () => this.#giveUp('connection-lost'));
  }

  #onLine(state: LineState): void {
    const wasOnline = this.#lineState.kind === 'online';
    if (state.kind === 'online') this.#log.add('registered');
    if (state.kind === 'refused') this.#log.add('refused', state.trouble);
    if (wasOnline && state.kind === 'reconnecting') this.#log.add('line-lost');
    this.#lineState = state;
    // A call being set up cannot go on without its signaling; one that talks can.
    if (state.kind === 'reconnecting' && this.#call.kind !== 'active') this.#giveUp('connection-lost');
    this.#changed();
  }

  #untilOnline(): Promise<void> {
    return new Promise((resolve, reject) => {
      const off = this.#events.on('change', ({ line }) => {
        if (line.kind === 'online') resolve();
        else if (line.kind === 'refused') reject(new Error(line.trouble));
        else if (line.kind === 'signed-out') reject(new Error('signed-out'));
        else return;
        off();
      });
    });
  }

  /** Ends the call on our side, telling the other one as far as it still can be told. */
  #giveUp(trouble: Trouble | undefined): void {
    const session = this.#session;
    if (!isBusy(this.#call)) return;
    this.#finish(trouble);
    if (session !== undefined) endSession(session);
  }

  /** An offer, an answer or the sending of one failed. */
  #onFailure(session: Session): void {
    if (session === this.#session) this.#giveUp('failed');
  }

  #finish(trouble: Trouble | undefined): void {
    this.#mediaAway?.cancel();
    // sip.js closes it only when the SIP side is done too, which a dead gateway delays by half a minute.
    this.#description()?.close();
    this.#session = undefined;
    if (isBusy(this.#call)) this.#log.add('ended', trouble ?? '');
    this.#input({ kind: 'ended', trouble });
  }

  #input(input: CallInput): void {
    const next = step(this.#call, input, this.#clock.now());
    if (next === this.#call) return;
    this.#call = next;
    this.#changed();
  }

  #changed(): void {
    this.#events.emit('change', this.state);
  }
}

function refuse(invitation: Invitation, statusCode: number): void {
  invitation.reject({ statusCode }).catch(() => {});
}

/** CANCEL, a final refusal or BYE, whichever the state of the session asks for. */
function endSession(session: Session): void {
  if (session.state === SessionState.Established) session.bye().catch(() => {});
  else if (session.state !== SessionState.Initial && session.state !== SessionState.Establishing) return;
  else if (session instanceof Inviter) session.cancel().catch(() => {});
  else if (session instanceof Invitation) refuse(session, 603);
}
