/**
 * The video section of one call's peer connection, where there is one: offered or taken only with the person's consent,
 * so that a call that is answered without it has none at all. Audio never waits for the camera.
 */
import type { VideoView } from './call-state.ts';
import { takeCamera } from './camera.ts';
import type { Trouble } from './trouble.ts';

export interface CallVideoWatcher {
  /** Whether there is video, or what we send of it, has changed. */
  onVideo(): void;
}

/** What the two pictures of a call show. */
export interface Pictures {
  readonly local: MediaStream | undefined;
  readonly remote: MediaStream | undefined;
}

export class CallVideo {
  readonly #connection: RTCPeerConnection;
  readonly #watcher: CallVideoWatcher;
  #camera: MediaStreamTrack | undefined;
  #isAsking = false;
  #isCameraOff = false;
  #isHeld = false;
  #isClosed = false;
  #trouble: Trouble | undefined;
  #local: MediaStream | undefined;
  #remote: MediaStream | undefined;

  constructor(connection: RTCPeerConnection, watcher: CallVideoWatcher) {
    this.#connection = connection;
    this.#watcher = watcher;
  }

  /** Undefined: the call has no video. */
  get view(): VideoView | undefined {
    const direction = this.#transceiver?.currentDirection ?? 'inactive';
    if (this.#isClosed || direction === 'inactive' || direction === 'stopped') return undefined;
    const isCameraOff = this.#isCameraOff || this.#trouble !== undefined || direction === 'recvonly';
    return { isCameraOff, trouble: this.#trouble };
  }

  get pictures(): Pictures {
    return { local: this.#isCameraOff ? undefined : this.#local, remote: this.#remote };
  }

  /** For our offer. */
  offer(): void {
    this.#connection.addTransceiver('video', { direction: 'sendrecv', streams: [new MediaStream()] });
    void this.#show();
  }

  /** In a call: shows us from the next offer on. False: it is so already. */
  begin(): boolean {
    const transceiver = this.#transceiver;
    if (transceiver?.direction === 'sendrecv' || transceiver?.direction === 'sendonly') return false;
    this.#isCameraOff = false;
    if (transceiver === undefined) this.offer();
    else {
      transceiver.direction = 'sendrecv';
      void this.#show();
    }
    return true;
  }

  /** That offer has not been taken. */
  giveUp(): void {
    const transceiver = this.#transceiver;
    if (transceiver?.currentDirection === null) transceiver.stop();
    else if (transceiver?.currentDirection === 'recvonly') transceiver.direction = 'recvonly';
    this.#letGo(this.#remote);
    this.#watcher.onVideo();
  }

  /** For our answer: with the camera as far as the person wants it. In a call the other party may be seen without. */
  answer(isWanted: boolean, isInCall: boolean): void {
    const transceiver = this.#transceiver;
    if (transceiver === undefined) return;
    // A stopped one would be refused in our next offer only (RFC 8829 §5.3.1); for the gateway this is a refusal as well.
    if (!isWanted) transceiver.direction = isInCall ? 'recvonly' : 'inactive';
    else if (this.#camera === undefined) {
      transceiver.direction = 'sendrecv';
      void this.#show();
    }
  }

  /** An offer or answer is in force: without video in it the camera is of no use. */
  settle(): void {
    if (this.view === undefined) this.#letGo();
    this.#watcher.onVideo();
  }

  onRemoteTrack(track: MediaStreamTrack): void {
    this.#remote = new MediaStream([track]);
    this.#watcher.onVideo();
  }

  set isCameraOff(isCameraOff: boolean) {
    this.#isCameraOff = isCameraOff;
    this.#apply();
    if (!isCameraOff && this.#camera === undefined) void this.#show();
    this.#watcher.onVideo();
  }

  /** Who is on hold sees nothing of us. */
  set isHeld(isHeld: boolean) {
    this.#isHeld = isHeld;
    this.#apply();
  }

  close(): void {
    this.#isClosed = true;
    this.#letGo();
  }

  get #transceiver(): RTCRtpTransceiver | undefined {
    return this.#connection
      .getTransceivers()
      .find(({ receiver, direction }) => receiver.track.kind === 'video' && direction !== 'stopped');
  }

  /** Puts the camera on the wire as soon as the person allows it. */
  async #show(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const result = await takeCamera();
    this.#isAsking = false;
    this.#trouble = result.kind === 'trouble' ? result.trouble : undefined;
    const sender = this.#transceiver?.sender;
    if (result.kind === 'track') {
      if (this.#isClosed || sender === undefined) result.track.stop();
      else {
        this.#camera = result.track;
        this.#local = new MediaStream([result.track]);
        this.#apply();
        await sender.replaceTrack(result.track);
      }
    }
    this.#watcher.onVideo();
  }

  /** The other side gets black pictures rather than a frozen one. */
  #apply(): void {
    if (this.#camera !== undefined) this.#camera.enabled = !this.#isCameraOff && !this.#isHeld;
  }

  #letGo(remote?: MediaStream): void {
    this.#camera?.stop();
    this.#camera = undefined;
    this.#local = undefined;
    this.#remote = remote;
  }
}
