/** What an SDP says about the audio section of a call, and about a video section beside it, as plain data. */
import type { SrtpKeys } from '../rtp/index.ts';

export type AudioCodecName = 'opus' | 'PCMU' | 'PCMA' | 'G722' | 'L16';
export type VideoCodecName = 'H264' | 'VP8';
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
/** `rtp`: plain RTP/AVP as SIP phones and trunks speak it. `webrtc`: ICE and DTLS-SRTP as browsers do. */
export type SdpKind = 'rtp' | 'webrtc';

/**
 * One codec under the payload type of one Leg. G.722 has clockRate 8000 on the wire (RFC 3551 §4.5.2), L16 that of its
 * samples.
 */
export interface AudioCodec {
  readonly name: AudioCodecName;
  readonly payloadType: number;
  readonly clockRate: number;
  /** 1, but 2 for Opus (RFC 7587 §7). */
  readonly channels: number;
  /** The parameters of a=fmtp, '' when there are none: what the one who said them can receive. */
  readonly fmtp: string;
}

/** telephone-event (RFC 4733) under the payload type of one Leg. */
export interface TelephoneEventFormat {
  readonly payloadType: number;
  readonly clockRate: number;
}

/** What one Leg sends and receives once offer and answer are done. */
export interface AudioFormat {
  readonly codec: AudioCodec;
  /** Every telephone-event format the Leg may send; the first is the one we send. Empty: no DTMF by RTP. */
  readonly telephoneEvents: readonly TelephoneEventFormat[];
  /**
   * How long the packets are that the Leg is sent, ms. Where two Legs with one codec differ in it, packets are cut or
   * joined on their way; where they do not, they pass as they come.
   */
  readonly ptimeMs: number;
}

/** RTCP feedback beside reports, as a=rtcp-fb writes it (RFC 4585 §4.2, RFC 5104 §7.1). */
export type VideoFeedback = 'nack' | 'nack pli' | 'ccm fir' | 'transport-cc';

/** One video codec under the payload type of one Leg. H.264 may be listed several times: by profile and packetization mode. */
export interface VideoCodec {
  readonly name: VideoCodecName;
  readonly payloadType: number;
  readonly clockRate: 90_000;
  /** The parameters of a=fmtp, '' when there are none. */
  readonly fmtp: string;
  readonly feedback: readonly VideoFeedback[];
}

/** What one Leg sends and receives beside its audio once offer and answer are done. */
export interface VideoFormat {
  readonly codec: VideoCodec;
}

export interface RtpAddress {
  readonly address: string;
  readonly rtpPort: number;
  readonly rtcpPort: number;
}

export interface IceParameters {
  readonly usernameFragment: string;
  readonly password: string;
}

export interface IceCandidate {
  readonly foundation: string;
  readonly priority: number;
  readonly address: string;
  readonly port: number;
  readonly protocol: 'udp' | 'tcp';
}

export interface DtlsFingerprint {
  /** 'sha-256' and stronger; weaker ones are refused. */
  readonly algorithm: 'sha-256' | 'sha-384' | 'sha-512';
  /** Upper-case hexadecimal pairs with colons. */
  readonly value: string;
}

export interface DtlsParameters {
  /** Of the one who is described: 'client' is a=setup:active, 'server' passive, 'auto' actpass. */
  readonly role: 'auto' | 'client' | 'server';
  readonly fingerprints: readonly DtlsFingerprint[];
}

/** One a=crypto line (RFC 4568): the keys that the describing side sends with. Never to be logged. */
export interface SrtpCrypto {
  /** What an answer refers to. */
  readonly tag: number;
  readonly keys: SrtpKeys;
}

/** What a description says about SDES-SRTP. */
export interface SrtpDescription {
  /** By the protocol RTP/SAVP. False: RTP/AVP, where SRTP is an offer that may be passed over (RFC 8643). */
  readonly isRequired: boolean;
  /** Those of a suite and with parameters we know, in the order of preference. An answer has exactly one. */
  readonly cryptos: readonly SrtpCrypto[];
}

export interface HeaderExtension {
  readonly uri: string;
  readonly id: number;
}

/** The audio section of a remote description. */
export interface RemoteAudio {
  /** '' when the description has no a=mid. */
  readonly mid: string;
  /** The codecs we know, in the remote's order of preference. */
  readonly codecs: readonly AudioCodec[];
  readonly telephoneEvents: readonly TelephoneEventFormat[];
  /** How long it wants packets to be, and how long they may be at most when it said so, ms (RFC 8866 §6.4). */
  readonly ptimeMs: number;
  readonly maxPtimeMs?: number | undefined;
  /** As the remote sees it. 0.0.0.0 (RFC 2543 hold) shows as sendonly. */
  readonly direction: Direction;
  readonly rtcpMux: boolean;
  /** Where the remote wants plain RTP; for webrtc of no meaning. */
  readonly rtp: RtpAddress;
  /** Both present exactly when kind is webrtc. */
  readonly ice: IceParameters | undefined;
  readonly dtls: DtlsParameters | undefined;
  /** Undefined: plain RTP, or webrtc. */
  readonly srtp?: SrtpDescription | undefined;
  /** From a=ssrc, when announced. */
  readonly ssrc: number | undefined;
  readonly cname: string | undefined;
  readonly headerExtensions: readonly HeaderExtension[];
}

/** The video section of a remote description: of the same kind as its audio, and for webrtc on the same transport. */
export interface RemoteVideo {
  readonly mid: string;
  /** The codecs we know, in the remote's order of preference. */
  readonly codecs: readonly VideoCodec[];
  readonly direction: Direction;
  readonly rtcpMux: boolean;
  /** Where the remote wants plain RTP; for webrtc of no meaning. */
  readonly rtp: RtpAddress;
  /** Undefined: plain RTP, or webrtc. */
  readonly srtp?: SrtpDescription | undefined;
  readonly ssrc: number | undefined;
  readonly cname: string | undefined;
  readonly headerExtensions: readonly HeaderExtension[];
}

export interface RemoteDescription {
  readonly kind: SdpKind;
  readonly audio: RemoteAudio;
  /** The first video section that can be used; undefined when there is none, which refuses no call. */
  readonly video: RemoteVideo | undefined;
  /** Every m= line in order, so that an answer can mirror them: what is not accepted is refused with port 0. */
  readonly sections: readonly { media: string; protocol: string; formats: string; mid: string }[];
  readonly audioIndex: number;
  /** -1 without `video`. */
  readonly videoIndex: number;
  /** The mids of the BUNDLE group (RFC 9143) the audio section is in, empty when it is in none. */
  readonly bundle: readonly string[];
}

/** The o= line of one local description: the id stays, the version goes up when the text changes (RFC 3264 §5). */
export interface SdpOrigin {
  readonly sessionId: string;
  readonly version: number;
}

/** Everything our side of an rtp description needs. */
export interface LocalRtp {
  readonly kind: 'rtp';
  readonly rtp: RtpAddress;
}

/** Everything our side of a webrtc description needs. We are ICE-lite. */
export interface LocalWebRtc {
  readonly kind: 'webrtc';
  readonly ice: IceParameters;
  readonly candidates: readonly IceCandidate[];
  readonly dtls: DtlsParameters;
  /** The header extensions we may use; in an answer only those whose ids the offer shares remain. */
  readonly headerExtensions: readonly HeaderExtension[];
}

/** Our side of a video section. */
export interface LocalVideo {
  readonly codecs: readonly VideoCodec[];
  readonly direction: Direction;
  /** Where we want plain RTP; undefined for webrtc, where it is on the transport of the audio. */
  readonly rtp: RtpAddress | undefined;
  /** Of an rtp transport only. */
  readonly srtp?: SrtpDescription | undefined;
  /** We have refused the section so far: it gets another mid (RFC 8829 §5.2.2). */
  readonly isNew?: boolean;
}

export interface LocalAudio {
  readonly origin: SdpOrigin;
  readonly transport: LocalRtp | LocalWebRtc;
  readonly codecs: readonly AudioCodec[];
  readonly telephoneEvents: readonly TelephoneEventFormat[];
  readonly ptimeMs: number;
  readonly maxPtimeMs?: number | undefined;
  readonly direction: Direction;
  /** Undefined: no video, and what the peer has of it is refused. */
  readonly video?: LocalVideo | undefined;
  /** Of an rtp transport only. */
  readonly srtp?: SrtpDescription | undefined;
}
