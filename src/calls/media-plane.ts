/**
 * The media plane as calls see it: plain data with ids, no sockets and no vendor objects (decision D11),
 * so that it could live in another process. `media` implements it, `telephony` uses it.
 */

import type { CallId, LegId, PortId, Unsubscribe } from '../kernel/index.ts';
import type {
  AudioCodec,
  AudioCodecName,
  AudioFormat,
  Direction,
  DtlsParameters,
  HeaderExtension,
  IceParameters,
  LocalRtp,
  LocalWebRtc,
  RtpAddress,
  SrtpKeyPair,
  SrtpSuiteName,
  TelephoneEventFormat,
  VideoFormat,
} from '../sdp/index.ts';
import type { AgentAudio, AgentEncoding } from './agent-audio.ts';

import type { Sound } from './sound.ts';

export interface PortOwner {
  readonly portId: PortId;
  readonly callId: CallId;
  readonly legId: LegId;
}

/** `sdp`: send to the address of the SDP only. `latch`: follow a peer behind NAT once, by a quorum of coherent packets. */
export type RtpSourcePolicy = 'sdp' | 'latch';

/** How long the remote of a Leg may send neither RTP nor RTCP before that is told, ms; 0: for any time. */
export interface MediaTimeout {
  /** While it is to send. */
  readonly talkingMs: number;
  /** While it need not: on hold, or in a pause that it has announced by comfort noise. */
  readonly restingMs: number;
}

export interface OpenRtpPort extends PortOwner {
  readonly kind: 'rtp';
  /** The address family of the peer; undefined: that of the first listen address. */
  readonly family?: 4 | 6;
  /** The address the peer will be told; undefined: the configured default. */
  readonly announcedAddress?: string;
}

export interface OpenWebRtcPort extends PortOwner {
  readonly kind: 'webrtc';
  /** Every codec and telephone-event of the offer (ours or theirs), under the payload types of this Leg. */
  readonly codecs: readonly AudioCodec[];
  readonly telephoneEvents: readonly TelephoneEventFormat[];
  /** Share the router of this webrtc port: only when both use the same payload types (decision D10). */
  readonly joinPortId?: PortId;
}

/** A party without a network side: `echo` returns what it hears, `tone` plays 440 Hz. */
export interface OpenBuiltInPort extends PortOwner {
  readonly kind: 'built-in';
  readonly endpoint: 'echo' | 'tone';
}

/** An agent: what it says is queued here, what it hears is handed out (agent-audio.ts). Heard by nobody until the other side is up. */
export interface OpenAgentPort extends PortOwner {
  readonly kind: 'agent';
  readonly encoding: AgentEncoding;
  /** What is gathered before speech begins, ms. */
  readonly prebufferMs: number;
}

export type OpenPort = OpenRtpPort | OpenWebRtcPort | OpenBuiltInPort | OpenAgentPort;

/** Of a port whose video has been opened. */
export interface ConnectRtpVideo {
  readonly remote: RtpAddress;
  readonly format: VideoFormat;
  /** Ours. */
  readonly direction: Direction;
  /** As of the audio. */
  readonly srtp?: SrtpKeyPair | undefined;
}

/** On the transport of the audio. */
export interface ConnectWebRtcVideo
  extends Pick<ConnectWebRtcPort, 'mid' | 'headerExtensions' | 'ssrc' | 'cname' | 'direction'> {
  readonly format: VideoFormat;
}

export interface ConnectRtpPort {
  readonly kind: 'rtp';
  readonly portId: PortId;
  readonly remote: RtpAddress;
  readonly rtcpMux: boolean;
  readonly sourcePolicy: RtpSourcePolicy;
  /** Where the peer's signaling comes from, unless others stand in between: narrows down whom `latch` may follow. */
  readonly signalingAddress?: string | undefined;
  readonly format: AudioFormat;
  /** Ours: what the gateway may do on this Leg. */
  readonly direction: Direction;
  /** SRTP and SRTCP under these keys and nothing else; left out: plain RTP and nothing else. */
  readonly srtp?: SrtpKeyPair | undefined;
  /** Undefined: its silence is never told. */
  readonly mediaTimeout?: MediaTimeout | undefined;
  /** Undefined: there is none, and what was opened for it is closed. */
  readonly video?: ConnectRtpVideo | undefined;
}

export interface ConnectWebRtcPort {
  readonly kind: 'webrtc';
  readonly portId: PortId;
  readonly ice: IceParameters;
  /** The remote's, its role resolved to 'client' or 'server'. */
  readonly dtls: DtlsParameters;
  readonly mid: string;
  /** Those of ours that the browser has agreed to. With MID it tells our streams by it, and by nothing else (RFC 8843 §9.2). */
  readonly headerExtensions?: readonly HeaderExtension[];
  readonly ssrc: number | undefined;
  readonly cname: string | undefined;
  readonly format: AudioFormat;
  readonly direction: Direction;
  /** Undefined: there is none, or none any more. */
  readonly video?: ConnectWebRtcVideo | undefined;
}

export interface ConnectBuiltInPort {
  readonly kind: 'built-in';
  readonly portId: PortId;
  readonly format: AudioFormat;
}

export interface ConnectAgentPort {
  readonly kind: 'agent';
  readonly portId: PortId;
  readonly format: AudioFormat;
}

export type ConnectPort = ConnectRtpPort | ConnectWebRtcPort | ConnectBuiltInPort | ConnectAgentPort;

/**
 * What has gone over one port in its life, and how well it got through in both directions: what we count of the remote's
 * stream, and what the remote says of ours by RTCP (RFC 3550 §6.4). Bytes are those of RTP packets, headers included.
 */
export interface PortQuality {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Gaps in the sequence numbers received. */
  readonly packetsLost: number;
  readonly jitterMs: number;
  /** What the remote has lost of ours. This and the following are undefined until it has said so. */
  readonly remotePacketsLost: number | undefined;
  readonly remoteJitterMs: number | undefined;
  readonly roundTripMs: number | undefined;
}

/**
 * Which way the packets of a port take: `carried` through the edge, `handed-over` to mediasoup which serves the port alone,
 * or `direct` between two browsers of one router.
 */
export interface MediaPath {
  /** Undefined: the port is closed. */
  readonly phase: 'carried' | 'handed-over' | 'direct' | undefined;
  /** Why it is carried, as `formats-differ` or `encrypted`; undefined when it is not. */
  readonly carriedBecause: string | undefined;
  /** For how long it was handed over so far. */
  readonly handedOverSec: number;
}

export interface PortReport extends PortQuality {
  readonly portId: PortId;
  /** Of ports with a network side that were connected. A browser's suite is agreed on inside DTLS (RFC 5764). */
  readonly encryption?: 'none' | 'DTLS-SRTP' | SrtpSuiteName;
  readonly path?: MediaPath;
}

/** `events`: telephone-event beside the audio (RFC 4733). `tones`: DTMF in the audio. */
export type DigitForm = 'events' | 'tones';

export interface DigitPress {
  /** 0-9 * # A-D */
  readonly digit: string;
  readonly durationMs: number;
  readonly form: DigitForm;
}

export type MediaEvent =
  /** DTLS done (webrtc) or the first valid packet received (rtp): this Leg's media works. Again after `port-disconnected`. */
  | { readonly kind: 'port-up'; readonly portId: PortId; readonly callId: CallId; readonly legId: LegId }
  /** Nothing is heard of the browser any more (RFC 7675): an ICE restart may still bring it back, else `port-failed` follows. */
  | { readonly kind: 'port-disconnected'; readonly portId: PortId; readonly callId: CallId; readonly legId: LegId }
  /** ICE or DTLS failed, or the worker died: the Leg has no media any more. */
  | {
      readonly kind: 'port-failed';
      readonly portId: PortId;
      readonly callId: CallId;
      readonly legId: LegId;
      readonly reason: 'ice' | 'dtls' | 'worker' | 'edge';
    }
  /** Neither RTP nor RTCP has come from this Leg for that long. Told again when it has lasted as long once more. */
  | {
      readonly kind: 'media-timeout';
      readonly portId: PortId;
      readonly callId: CallId;
      readonly legId: LegId;
      readonly silentMs: number;
      /** False: nothing has come ever. */
      readonly wasHeard: boolean;
    }
  /** A recording has been played to this Leg to its end. */
  | { readonly kind: 'sound-over'; readonly portId: PortId; readonly callId: CallId; readonly legId: LegId }
  /** Who sees this Leg needs a complete picture, and its remote knows no RTCP for that: it is to be asked by SIP (RFC 5168). */
  | { readonly kind: 'keyframe-wanted'; readonly portId: PortId; readonly callId: CallId; readonly legId: LegId }
  /** A digit (0-9 * # A-D) was recognized from this Leg; reported once, at its end. */
  | ({
      readonly kind: 'digit';
      readonly portId: PortId;
      readonly callId: CallId;
      readonly legId: LegId;
    } & DigitPress);

/** Totals since start, for metrics. */
export interface MediaCounters {
  readonly rtpPacketsReceived: number;
  readonly rtpPacketsSent: number;
  /** Packets from an address, SSRC or payload type that the port does not accept. */
  readonly rtpPacketsRejected: number;
  /** Of those: SRTP and SRTCP packets that were forged, repeated or under an unknown key. */
  readonly srtpPacketsFailed: number;
  readonly digitsRelayed: number;
  readonly transcodedSeconds: number;
  readonly portsOpen: number;
  /** Ports towards SIP peers that mediasoup serves alone. */
  readonly portsHandedOver: number;
  readonly portsQuarantined: number;
  readonly routersOpen: number;
  readonly webRtcTransportsOpen: number;
}

/** `no-video`: the Leg carries none, or is gone. */
export type KeyframeResult = 'requested' | 'no-video';

export interface MediaPlane {
  /** What agents say and hear. */
  readonly agentAudio: AgentAudio;
  /** The codecs that it turns into one another where two ports that are bridged differ; none: they must not differ. */
  readonly transcodable: readonly AudioCodecName[];
  /** Opens a port and says what our SDP must tell the peer. Throws MEDIA_NO_PORTS (503) when the range is used up. */
  open(request: OpenRtpPort): Promise<LocalRtp>;
  open(request: OpenWebRtcPort): Promise<LocalWebRtc>;
  open(request: OpenBuiltInPort | OpenAgentPort): Promise<undefined>;
  /** Opens a second pair of ports beside an rtp port's own, for video: what our SDP must tell. Once; errors as of `open`. */
  openVideo(portId: PortId): Promise<RtpAddress>;
  /** Applies what was negotiated. Called again (re-INVITE) it moves an rtp port's address, and the format and direction of any. */
  connect(request: ConnectPort): Promise<void>;
  /** New ICE credentials for a webrtc port (RFC 8445 §9): what our answer must tell. Media flows on over the old path meanwhile. */
  restartIce(portId: PortId): Promise<LocalWebRtc>;
  /** Two ports hear each other from now on, and nobody else. Both may still be unconnected; media starts when both are. */
  bridge(a: PortId, b: PortId): Promise<void>;
  /**
   * Plays a key (0-9 * # A-D) to the port's remote, after those before it. As events nothing comes of it when the Leg has
   * none negotiated; as tones the other party is not heard meanwhile.
   */
  sendDigit(portId: PortId, press: DigitPress): Promise<void>;
  /** Whether to listen for keys in the audio of the port's remote. They are taken out of it: they go on otherwise. */
  detectTones(portId: PortId, isOn: boolean): Promise<void>;
  /** What comes from the port's remote reaches nobody, or the port it is bridged with again; also after another `bridge`. */
  mute(portId: PortId, isMuted: boolean): Promise<void>;
  /**
   * Plays a sound to the port's remote in place of what it would hear from the port that it is bridged with, now or
   * later, until `stopPlaying` or the end of a recording. Called again it begins another sound. Throws
   * MEDIA_NO_SOUND for a file that is not there or cannot be used.
   */
  play(portId: PortId, sound: Sound): Promise<void>;
  /** Idempotent. */
  stopPlaying(portId: PortId): Promise<void>;
  /** Asks the port's remote for a complete picture (RFC 5168, RFC 5104 §4.3.1). */
  requestKeyframe(portId: PortId): Promise<KeyframeResult>;
  /** How an open port does by now; undefined when there is none of this id. */
  quality(portId: PortId): Promise<PortReport | undefined>;
  /** Closes a port and everything behind it. Idempotent: a port that is gone reports zeros. */
  close(portId: PortId): Promise<PortReport>;
  onEvent(listener: (event: MediaEvent) => void): Unsubscribe;
  counters(): Promise<MediaCounters>;
}
