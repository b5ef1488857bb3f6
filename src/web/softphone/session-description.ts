/**
 * Offers and answers of the browser for sip.js, without waiting for candidates: the gateway is ICE-lite and
 * learns our addresses from our own connectivity checks (RFC 8445 §7.3.1.3), so an INVITE may leave at once.
 */
import type { BodyAndContentType, Session, SessionDescriptionHandler, SessionDescriptionHandlerFactory } from 'sip.js';
import { CallVideo, type CallVideoWatcher } from './call-video.ts';
import type { Microphone } from './microphone.ts';
import type { Trouble } from './trouble.ts';

const offeredCodecs = ['audio/opus', 'audio/g722', 'audio/pcmu', 'audio/pcma', 'audio/telephone-event'];
/** How long a digit sounds and how long the pause after it is, in milliseconds. */
const DIGIT_MS = 120;
const DIGIT_GAP_MS = 80;

export interface MediaWatcher extends CallVideoWatcher {
  /** Whether the person has agreed to be seen in this call. */
  readonly wantsVideo: boolean;
  /** What the other party says. */
  onRemoteStream(stream: MediaStream): void;
  onConnectionState(state: RTCPeerConnectionState): void;
  onMicrophoneTrouble(trouble: Trouble): void;
  /** An offer of the other side: whether it puts us on hold. */
  onRemoteHold(isHeld: boolean): void;
}

/** The offer/answer side of one call: one peer connection with one audio section, and one for video if it is wanted. */
export class ZeroGatherDescription implements SessionDescriptionHandler {
  readonly peerConnection: RTCPeerConnection;
  readonly video: CallVideo;
  readonly #microphone: Microphone;
  readonly #watcher: MediaWatcher;
  #track: MediaStreamTrack | undefined;
  #isMuted = false;
  #isHeld = false;
  #isClosed = false;

  constructor(microphone: Microphone, watcher: MediaWatcher) {
    this.#microphone = microphone;
    this.#watcher = watcher;
    this.peerConnection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' });
    this.video = new CallVideo(this.peerConnection, watcher);
    this.peerConnection.addEventListener('connectionstatechange', () => {
      if (!this.#isClosed) watcher.onConnectionState(this.peerConnection.connectionState);
    });
    this.peerConnection.addEventListener('track', (event) => {
      if (event.track.kind === 'video') this.video.onRemoteTrack(event.track);
      else watcher.onRemoteStream(event.streams[0] ?? new MediaStream([event.track]));
    });
  }

  /** Our offer when nothing is pending, our answer when the gateway's offer is. */
  async getDescription(): Promise<BodyAndContentType> {
    const pc = this.peerConnection;
    if (pc.signalingState === 'have-remote-offer') {
      this.#speak(pc.getTransceivers()[0]);
      this.video.answer(this.#watcher.wantsVideo, pc.currentLocalDescription !== null);
      this.#applyHold();
      await pc.setLocalDescription(await pc.createAnswer());
      this.video.settle();
    } else {
      if (pc.getTransceivers().length === 0) {
        this.#openAudio();
        if (this.#watcher.wantsVideo) this.video.offer();
      }
      this.#applyHold();
      await pc.setLocalDescription(await pc.createOffer());
    }
    return { body: pc.localDescription?.sdp ?? '', contentType: 'application/sdp' };
  }

  hasDescription(contentType: string): boolean {
    return contentType.toLowerCase().startsWith('application/sdp');
  }

  async setDescription(sdp: string): Promise<void> {
    const type = this.peerConnection.signalingState === 'have-local-offer' ? 'answer' : 'offer';
    await this.peerConnection.setRemoteDescription({ type, sdp });
    if (type === 'answer') this.video.settle();
    // Only sendonly and inactive are a hold of the other side (RFC 3264 §8.4), and only of the audio.
    const [audio = ''] = sdp.split(/^m=video /m);
    if (type === 'offer') this.#watcher.onRemoteHold(/^a=(?:sendonly|inactive)\s*$/m.test(audio));
  }

  async rollbackDescription(): Promise<void> {
    await this.peerConnection.setLocalDescription({ type: 'rollback' });
  }

  /** Sends digits as telephone-events (RFC 4733), after those that are still sounding. */
  sendDtmf(digits: string): boolean {
    const dtmf = this.peerConnection.getSenders()[0]?.dtmf;
    if (!dtmf?.canInsertDTMF) return false;
    dtmf.insertDTMF(dtmf.toneBuffer + digits, DIGIT_MS, DIGIT_GAP_MS);
    return true;
  }

  set isMuted(isMuted: boolean) {
    this.#isMuted = isMuted;
    this.#applyMute();
  }

  /** Takes effect with the next offer or answer: the direction of each section changes, ICE and DTLS stay. */
  set isHeld(isHeld: boolean) {
    this.#isHeld = isHeld;
    this.video.isHeld = isHeld;
    this.#applyMute();
  }

  close(): void {
    this.#isClosed = true;
    this.video.close();
    this.#track?.stop();
    this.peerConnection.close();
  }

  #applyHold(): void {
    const direction = this.#isHeld ? 'sendonly' : 'sendrecv';
    for (const transceiver of this.peerConnection.getTransceivers())
      if (transceiver.direction === 'sendrecv' || transceiver.direction === 'sendonly')
        transceiver.direction = direction;
  }

  /** Who is on hold hears nothing of us, but the packets go on: a gateway must not take us for dead. */
  #applyMute(): void {
    if (this.#track !== undefined) this.#track.enabled = !this.#isMuted && !this.#isHeld;
  }

  #openAudio(): void {
    const transceiver = this.peerConnection.addTransceiver('audio', {
      direction: 'sendrecv',
      streams: [new MediaStream()],
    });
    const codecs = RTCRtpReceiver.getCapabilities('audio')?.codecs ?? [];
    transceiver.setCodecPreferences(codecs.filter((codec) => offeredCodecs.includes(codec.mimeType.toLowerCase())));
    this.#speak(transceiver);
  }

  /** Puts the microphone on the wire now, or as soon as the person allows it: the INVITE does not wait. */
  #speak(transceiver: RTCRtpTransceiver | undefined): void {
    if (transceiver === undefined || this.#track !== undefined) return;
    if (transceiver.direction === 'recvonly') transceiver.direction = 'sendrecv';
    const track = this.#microphone.takeNow();
    if (track === undefined) void this.#speakLater(transceiver.sender);
    else void this.#attach(transceiver.sender, track);
  }

  async #speakLater(sender: RTCRtpSender): Promise<void> {
    const result = await this.#microphone.take();
    if (result.kind === 'track') await this.#attach(sender, result.track);
    else if (!this.#isClosed) this.#watcher.onMicrophoneTrouble(result.trouble);
  }

  async #attach(sender: RTCRtpSender, track: MediaStreamTrack): Promise<void> {
    if (this.#isClosed) {
      track.stop();
      return;
    }
    this.#track = track;
    this.#applyMute();
    await sender.replaceTrack(track);
  }
}

/** Gives sip.js a ZeroGatherDescription for each call. */
export function zeroGatherFactory(
  microphone: Microphone,
  watcherOf: (session: Session) => MediaWatcher,
): SessionDescriptionHandlerFactory {
  return (session) => new ZeroGatherDescription(microphone, watcherOf(session));
}

/**
 * The first peer connection of a page starts the browser's media threads, which takes longer than the whole
 * rest of a call's set-up: do that before the first click.
 */
export async function warmPeerConnection(): Promise<void> {
  const pc = new RTCPeerConnection();
  pc.addTransceiver('audio');
  try {
    await pc.setLocalDescription(await pc.createOffer());
  } finally {
    pc.close();
  }
}
