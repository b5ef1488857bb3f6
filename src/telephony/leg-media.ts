/**
 * One SIP Leg's side of offer and answer (RFC 3264), and its port: what we said last, what the peer said last.
 * Legs are isolated: what one peer renegotiates is answered here and never reaches the other (decision D3).
 */
import type { MediaPlane, PortOwner, PortReport } from '../calls/index.ts';
import type { Random } from '../kernel/index.ts';
import {
  type AudioCodec,
  type AudioFormat,
  answerDirection,
  bumpOrigin,
  createOrigin,
  formatAnswer,
  formatOffer,
  type LocalAudio,
  type LocalRtp,
  type LocalWebRtc,
  parseRemoteDescription,
  planBuiltIn,
  type RemoteDescription,
  resolveDtlsRole,
  type SdpKind,
  type SdpOrigin,
  sdpErrors,
  type TelephoneEventFormat,
} from '../sdp/index.ts';
import { telephonyErrors } from './errors.ts';
import type { ProfilePolicy } from './options.ts';

/** What a description of ours lists. */
export interface Formats {
  readonly codecs: readonly AudioCodec[];
  readonly telephoneEvents: readonly TelephoneEventFormat[];
  readonly ptimeMs: number;
}

export interface LegMediaOptions {
  readonly owner: PortOwner;
  readonly kind: SdpKind;
  readonly profile: ProfilePolicy;
  readonly media: MediaPlane;
  readonly random: Random;
}

export class LegMedia {
  readonly owner: PortOwner;
  readonly kind: SdpKind;
  readonly profile: ProfilePolicy;
  readonly #media: MediaPlane;
  #origin: SdpOrigin;
  #remote: RemoteDescription | undefined;
  #opening: Promise<LocalRtp | LocalWebRtc> | undefined;
  #local: LocalRtp | LocalWebRtc | undefined;
  #format: AudioFormat | undefined;
  #lastText = '';
  #isClosed = false;

  constructor(options: LegMediaOptions) {
    this.owner = options.owner;
    this.kind = options.kind;
    this.profile = options.profile;
    this.#media = options.media;
    this.#origin = createOrigin(options.random);
  }

  /** The peer's last description. */
  get remote(): RemoteDescription | undefined {
    return this.#remote;
  }

  /** Reads and keeps the peer's description. Throws what the SIP status is owed for. */
  hear(text: string): RemoteDescription {
    const remote = this.#parse(text);
    this.#remote = remote;
    return remote;
  }

  /** Opens the port, once. `join`: the port of a webrtc Leg with the same payload types. */
  async open(formats: Formats, join?: LegMedia): Promise<void> {
    // The call may have ended while it waited to open this port.
    if (this.#isClosed) throw telephonyErrors.TELEPHONY_LEG_ENDED();
    this.#opening ??= this.#open(formats, join);
    this.#local = await this.#opening;
  }

  /** Our offer, also as the answer to a re-INVITE without one. */
  offer(formats: Formats): string {
    return this.#say(formats, (local) => formatOffer(local, this.#remote));
  }

  /** Our answer to the peer's offer. */
  answer(format: AudioFormat): string {
    const remote = this.#remote;
    if (remote === undefined) throw sdpErrors.SDP_NO_AUDIO();
    return this.#say(formatsOf(format), (local) => formatAnswer(remote, local));
  }

  /** Applies what was agreed. Again for a plain RTP Leg whenever its peer moves; a browser's transport stays as it is. */
  async connect(format: AudioFormat): Promise<void> {
    const remote = this.#remote;
    if (remote === undefined) throw sdpErrors.SDP_NO_AUDIO();
    const isFirst = this.#format === undefined;
    this.#format = format;
    if (this.kind === 'rtp') await this.#connectRtp(remote, format);
    else if (isFirst) await this.#connectWebRtc(remote, format);
  }

  /** A re-INVITE or UPDATE with an offer: the answer to it, once it is applied. The codec in use stays. */
  async renegotiate(text: string): Promise<string> {
    const current = this.#format;
    const before = this.#remote;
    const next = this.#parse(text);
    const plan = current === undefined ? undefined : planBuiltIn({ remote: next.audio, codecs: [current.codec.name] });
    if (plan === undefined || isOtherIce(before, next)) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    this.#remote = next;
    const answer = this.answer(plan.format);
    await this.connect(plan.format);
    return answer;
  }

  /** Our offer for a re-INVITE that came without one (RFC 3261 §14.2). */
  reoffer(): string {
    if (this.#format === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    return this.offer(formatsOf(this.#format));
  }

  /** The answer to an offer of ours inside the dialog. */
  async accept(text: string): Promise<void> {
    const next = this.#parse(text);
    const plan =
      this.#format === undefined ? undefined : planBuiltIn({ remote: next.audio, codecs: [this.#format.codec.name] });
    if (plan === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    this.#remote = next;
    await this.connect(plan.format);
  }

  /** Closes the port, also one that is still being opened. */
  async close(): Promise<PortReport> {
    this.#isClosed = true;
    await this.#opening?.catch(() => {});
    return this.#media.close(this.owner.portId);
  }

  #parse(text: string): RemoteDescription {
    const remote = parseRemoteDescription(text);
    if (remote.kind !== this.kind)
      throw sdpErrors.SDP_PROTOCOL([remote.kind === 'rtp' ? 'RTP/AVP' : 'UDP/TLS/RTP/SAVPF']);
    return remote;
  }

  async #open({ codecs, telephoneEvents }: Formats, join: LegMedia | undefined): Promise<LocalRtp | LocalWebRtc> {
    const { announcedAddress } = this.profile;
    if (this.kind === 'rtp')
      return this.#media.open({
        ...this.owner,
        kind: 'rtp',
        ...(announcedAddress === undefined ? {} : { announcedAddress }),
      });
    const joined = join === undefined ? {} : { joinPortId: join.owner.portId };
    return this.#media.open({ ...this.owner, kind: 'webrtc', codecs, telephoneEvents, ...joined });
  }

  async #connectRtp({ audio }: RemoteDescription, format: AudioFormat): Promise<void> {
    await this.#media.connect({
      kind: 'rtp',
      portId: this.owner.portId,
      remote: audio.rtp,
      rtcpMux: audio.rtcpMux,
      sourcePolicy: this.profile.nat.source,
      format,
      direction: answerDirection(audio.direction, 'sendrecv'),
    });
  }

  async #connectWebRtc({ audio }: RemoteDescription, format: AudioFormat): Promise<void> {
    const { ice, dtls, mid, ssrc, cname } = audio;
    if (ice === undefined) throw sdpErrors.SDP_NO_ICE();
    if (dtls === undefined) throw sdpErrors.SDP_NO_FINGERPRINT();
    const direction = answerDirection(audio.direction, 'sendrecv');
    await this.#media.connect({
      kind: 'webrtc',
      portId: this.owner.portId,
      ice,
      dtls: resolveDtlsRole(dtls),
      mid,
      ssrc,
      cname,
      format,
      direction,
    });
  }

  /** The version of o= goes up only when the rest of the text changes (RFC 3264 §8). */
  #say(formats: Formats, format: (local: LocalAudio) => string): string {
    const transport = this.#local;
    if (transport === undefined) throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
    const local = (origin: SdpOrigin): LocalAudio => ({ origin, transport, ...formats, direction: 'sendrecv' });
    const draft = format(local(this.#origin));
    if (this.#lastText !== '') this.#origin = bumpOrigin(this.#origin, this.#lastText, draft);
    this.#lastText = format(local(this.#origin));
    return this.#lastText;
  }
}

function formatsOf({ codec, telephoneEvents, ptimeMs }: AudioFormat): Formats {
  return { codecs: [codec], telephoneEvents, ptimeMs };
}

/** An ICE restart would need a new transport, which the port cannot change to. */
function isOtherIce(before: RemoteDescription | undefined, next: RemoteDescription): boolean {
  return next.kind === 'webrtc' && before?.audio.ice?.usernameFragment !== next.audio.ice?.usernameFragment;
}
