/** The softphone without its face: one line, at most two calls. The page uses it, and so do tests (`window.softphone`). */
import { type Invitation, Inviter, type Session, type URI, UserAgent } from 'sip.js';
import { type Clock, Emitter } from '../../kernel/index.ts';
import { readQuality } from './call-quality.ts';
import { idle } from './call-state.ts';
import type { Pictures } from './call-video.ts';
import { dialTarget } from './dial-target.ts';
import { EventLog, type PhoneEvent } from './event-log.ts';
import { WANTS_HOLD_NOTICES } from './hold-notice.ts';
import type { CallQuality, LineState, PhoneHook, PhoneState } from './hook.ts';
import { Line } from './line.ts';
import type { Microphone } from './microphone.ts';
import { PhoneCall } from './phone-call.ts';
import { type MediaWatcher, warmPeerConnection, zeroGatherFactory } from './session-description.ts';
import type { Account } from './sign-in.ts';
import type { Trouble } from './trouble.ts';

export interface PhoneEvents {
  readonly change: PhoneState;
  /** The sound of the call on the screen, to be played. */
  readonly remoteStream: MediaStream;
  /** What there is to be seen of the call on the screen. */
  readonly pictures: Pictures;
}

export class Softphone implements PhoneHook {
  readonly #clock: Clock;
  readonly #microphone: Microphone;
  readonly #instanceId: string;
  readonly #events = new Emitter<PhoneEvents>();
  readonly #log = new EventLog();
  #line: Line | undefined;
  #lineState: LineState = { kind: 'signed-out' };
  #account: Account | undefined;
  /** The call on the screen. */
  #shown: PhoneCall | undefined;
  /** A second one, held or waiting to be answered. */
  #other: PhoneCall | undefined;
  #hasInvited = false;

  constructor(clock: Clock, microphone: Microphone, instanceId: string) {
    this.#clock = clock;
    this.#microphone = microphone;
    this.#instanceId = instanceId;
  }

  get state(): PhoneState {
    return {
      line: this.#lineState,
      call: this.#shown?.state ?? idle,
      other: this.#other?.state,
      user: this.#account?.user,
    };
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
    const descriptions = zeroGatherFactory(this.#microphone, (session) => this.#watcherOf(session));
    const line = new Line(this.#clock, this.#account, uri, { instanceId: this.#instanceId, descriptions });
    this.#line = line;
    line.on('state', (state) => this.#onLine(state));
    line.on('confirmed', () => this.#eachCall((call) => call.restartIce()));
    line.on('invited', (invitation) => this.#onInvitation(invitation));
    line.on('sent', (startLine) => {
      if (!startLine.startsWith('INVITE ') || this.#shown?.state.kind !== 'calling' || this.#hasInvited) return;
      // The second one of a challenged call is the gateway's wish, not ours.
      this.#hasInvited = true;
      this.#log.add('invite-sent');
    });
    this.#onLine({ kind: 'connecting' });
    line.start();
    await this.#untilOnline();
  }

  async signOut(): Promise<void> {
    this.#other?.giveUp(undefined);
    this.hangUp();
    const line = this.#line;
    this.#line = undefined;
    this.#account = undefined;
    this.#microphone.release();
    this.#onLine({ kind: 'signed-out' });
    await line?.stop();
  }

  /** The page woke up. */
  checkLine(): void {
    this.#line?.check();
  }

  /** What was open may be dead, and a better path may be there: both are looked at before anybody hears of it. */
  networkChanged(): void {
    this.#log.add('network-changed');
    this.#eachCall((call) => call.wantRestart());
    this.#line?.check();
  }

  async warmMicrophone(): Promise<Trouble | undefined> {
    return this.#microphone.warm();
  }

  call(target: string, withVideo = false): void {
    this.#log.add('click');
    if (this.#shown?.isBusy === true) return;
    this.#shown = undefined;
    this.#dial(target.trim(), withVideo);
  }

  consult(target: string): void {
    const first = this.#shown;
    if (first?.state.kind !== 'active' || this.#other !== undefined) return;
    this.#log.add('click');
    void first.hold(true);
    this.#other = first;
    this.#dial(target.trim(), false);
  }

  transfer(target: string): void {
    const to = target.trim();
    const uri = this.#addressOf(to);
    if (uri !== undefined) this.#shown?.transfer(uri, to);
  }

  connectBoth(): void {
    const [consulted, held] = [this.#shown, this.#other];
    if (consulted?.state.kind !== 'active' || held?.state.kind !== 'active') return;
    if (consulted.session !== undefined) held.transfer(consulted.session, consulted.state.remote);
  }

  swap(): void {
    const [shown, other] = [this.#shown, this.#other];
    if (shown?.state.kind !== 'active' || other?.state.kind !== 'active') return;
    void shown.hold(true);
    void other.hold(false);
    this.#other = shown;
    this.#show(other);
  }

  answer(withVideo = false): void {
    const waiting = this.#other?.state.kind === 'incoming' ? this.#other : undefined;
    this.#log.add('answer-click');
    if (waiting === undefined) {
      this.#shown?.answer(withVideo);
      return;
    }
    const former = this.#shown;
    if (former?.state.kind === 'active') void former.hold(true);
    this.#other = former?.isBusy === true ? former : undefined;
    this.#show(waiting);
    waiting.answer(withVideo);
  }

  decline(why: 'declined' | 'busy' = 'declined'): void {
    const statusCode = why === 'busy' ? 486 : 603;
    if (this.#other?.state.kind === 'incoming') this.#other.decline(statusCode);
    else this.#shown?.decline(statusCode);
  }

  hangUp(): void {
    if (this.#shown?.isBusy !== true) return;
    this.#log.add('hang-up-click');
    this.#shown.giveUp(undefined);
  }

  mute(isMuted: boolean): void {
    this.#shown?.mute(isMuted);
  }

  turnCameraOff(isCameraOff: boolean): void {
    this.#shown?.turnCameraOff(isCameraOff);
  }

  async hold(isHeld: boolean): Promise<boolean> {
    return (await this.#shown?.hold(isHeld)) ?? false;
  }

  sendDigits(digits: string): boolean {
    return this.#shown?.sendDigits(digits) ?? false;
  }

  async quality(): Promise<CallQuality | undefined> {
    const connection = this.peerConnection;
    return connection === undefined ? undefined : readQuality(connection);
  }

  /** Puts a finished call off the screen; the other one comes back to it. */
  dismiss(): void {
    if (this.#shown?.state.kind !== 'ended') return;
    this.#bringBack();
  }

  /** The peer connection of the call, for measurements. */
  get peerConnection(): RTCPeerConnection | undefined {
    return this.#shown?.peerConnection;
  }

  #dial(remote: string, withVideo: boolean): void {
    this.#hasInvited = false;
    const line = this.#line;
    const uri = this.#addressOf(remote);
    const isOnline = line?.state.kind === 'online';
    const session =
      line === undefined || !isOnline || uri === undefined
        ? undefined
        : new Inviter(line.agent, uri, { earlyMedia: true, extraHeaders: [WANTS_HOLD_NOTICES] });
    const call = this.#newCall(session, withVideo);
    this.#show(call);
    call.dial(remote);
    if (!isOnline) call.finish('not-registered');
    else if (uri === undefined) call.finish('bad-number');
  }

  #addressOf(remote: string): URI | undefined {
    return UserAgent.makeURI(dialTarget(remote, this.#account?.domain ?? '') ?? '');
  }

  #onInvitation(invitation: Invitation): void {
    const isFree = this.#shown?.isBusy !== true;
    const mayWait = this.#shown?.state.kind === 'active' && this.#other === undefined;
    if (!isFree && !mayWait) {
      invitation.reject({ statusCode: 486 }).catch(() => {});
      return;
    }
    this.#log.add('incoming');
    const call = this.#newCall(invitation);
    if (mayWait) this.#other = call;
    else this.#show(call);
    call.ring(invitation);
  }

  #newCall(session: Session | undefined, withVideo = false): PhoneCall {
    const call = new PhoneCall({ clock: this.#clock, log: this.#log, session, withVideo });
    call.on('change', () => this.#onCall(call));
    call.on('lineDoubted', () => this.#line?.check());
    call.on('remoteStream', (stream) => {
      if (call === this.#shown) this.#events.emit('remoteStream', stream);
    });
    call.on('pictures', (pictures) => {
      if (call === this.#shown) this.#events.emit('pictures', pictures);
    });
    return call;
  }

  #onCall(call: PhoneCall): void {
    if (call === this.#other && !call.isBusy) {
      this.#other = undefined;
      // Its party talks with that of the call on the screen now, which the gateway ends too.
      if (call.state.kind === 'ended' && call.state.transferredTo !== undefined) this.#onConnected(call);
    }
    this.#changed();
  }

  #onConnected(first: PhoneCall): void {
    const consulted = this.#shown;
    this.#show(first);
    if (consulted?.isBusy === true) consulted.giveUp(undefined);
  }

  #show(call: PhoneCall): void {
    this.#shown = call;
    if (call.stream !== undefined) this.#events.emit('remoteStream', call.stream);
    this.#events.emit('pictures', call.pictures);
    this.#changed();
  }

  #bringBack(): void {
    const other = this.#other;
    this.#other = undefined;
    this.#shown = undefined;
    if (other === undefined) this.#changed();
    else this.#show(other);
  }

  #watcherOf(session: Session): MediaWatcher {
    const call = [this.#shown, this.#other].find((each) => each?.session === session);
    if (call === undefined) throw new Error('no call has this session');
    return call;
  }

  #onLine(state: LineState): void {
    const wasOnline = this.#lineState.kind === 'online';
    if (state.kind === 'online') this.#log.add('registered');
    if (state.kind === 'refused') this.#log.add('refused', state.trouble);
    if (wasOnline && state.kind === 'reconnecting') this.#log.add('line-lost');
    this.#lineState = state;
    // A call being set up cannot go on without its signaling; one that talks can.
    if (state.kind === 'reconnecting')
      this.#eachCall((call) => {
        if (call.state.kind !== 'active') call.giveUp('connection-lost');
      });
    this.#changed();
  }

  #eachCall(action: (call: PhoneCall) => void): void {
    for (const call of [this.#shown, this.#other]) if (call !== undefined) action(call);
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

  #changed(): void {
    this.#events.emit('change', this.state);
  }
}
