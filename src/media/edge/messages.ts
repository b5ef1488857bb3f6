/** What the control side and an edge thread say to each other: plain data only. */
import type { AgentEncoding, DigitPress, HeardSpeech, PlayoutNotice, PortReport } from '../../calls/index.ts';
import type { PortId } from '../../kernel/index.ts';
import type { KnownStream, Silence, SilenceBounds, Source, SpliceStart } from '../../rtp/index.ts';
import type { AudioFormat, Direction, RtpAddress, SrtpKeyPair, VideoFormat } from '../../sdp/index.ts';
import type { EdgeSound } from './edge-sound.ts';
import type { Music } from './sound-library.ts';

/** Totals of a thread, or of all, since start. */
export interface EdgeCounters {
  readonly rtpPacketsReceived: number;
  readonly rtpPacketsSent: number;
  /** From an address, SSRC or payload type that the port does not accept, or malformed. */
  readonly rtpPacketsRejected: number;
  /** SRTP and SRTCP that was forged, repeated or under an unknown key; the RTP among it is counted as rejected, too. */
  readonly srtpPacketsFailed: number;
  readonly rtcpPacketsReceived: number;
  readonly digitsRelayed: number;
  /** Of calls whose ends have different codecs. */
  readonly transcodedMs: number;
}

export interface ConnectEdgePort {
  readonly portId: PortId;
  readonly remote: RtpAddress;
  readonly rtcpMux: boolean;
  readonly sourcePolicy: 'sdp' | 'latch';
  readonly signalingAddress: string | undefined;
  readonly format: AudioFormat;
  /** Ours: recvonly and inactive send no RTP, sendonly and inactive drop what arrives. */
  readonly direction: Direction;
  /** Undefined: plain RTP. */
  readonly srtp: SrtpKeyPair | undefined;
  /** Undefined: it may be silent for any time. */
  readonly mediaTimeout: SilenceBounds | undefined;
}

/**
 * `carrying`: everything goes through this port. `listening`: it receives, and a PlainTransport beneath sends.
 * `away`: the PlainTransport does both, RTCP included.
 */
export type Place = 'carrying' | 'listening' | 'away';

export interface PlacePort {
  readonly portId: PortId;
  readonly place: Place;
  /** How long the peer has been silent when the port comes back to us, ms. */
  readonly silentMs: number;
}

/** The same for a port that carries video. */
export interface ConnectVideoPort extends Omit<ConnectEdgePort, 'format' | 'mediaTimeout'> {
  readonly video: VideoFormat;
}

export interface ConnectInner {
  readonly portId: PortId;
  /** Of the PlainTransport, on 127.0.0.1. */
  readonly remotePort: number;
  readonly format: AudioFormat;
  /** When given, packets with another SSRC are rejected. */
  readonly consumerSsrc?: number;
}

/** The same for an endpoint that carries video. */
export interface ConnectVideoInner extends Omit<ConnectInner, 'format' | 'consumerSsrc'> {
  readonly video: VideoFormat;
  /** Of what the PlainTransport sends. */
  readonly consumerSsrc: number;
}

export interface ConnectBuiltIn {
  readonly portId: PortId;
  readonly format: AudioFormat;
}

export interface SendDigit extends DigitPress {
  readonly portId: PortId;
}

export type AgentCommand =
  /** The other side hears from now on. */
  | { readonly op: 'release-agent'; readonly portId: PortId }
  | { readonly op: 'speak'; readonly portId: PortId; readonly utterance: string; readonly audio: Uint8Array }
  | { readonly op: 'mark-speech'; readonly portId: PortId; readonly name: string }
  /** Quieter by so much; 0: as it is. */
  | { readonly op: 'duck-speech'; readonly portId: PortId; readonly db: number }
  | FlushSpeech;

export interface FlushSpeech {
  readonly op: 'flush-speech';
  readonly portId: PortId;
}

export type EdgeCommand =
  | {
      readonly op: 'open-port';
      readonly portId: PortId;
      readonly address: string;
      readonly rtpPort: number;
      readonly start: SpliceStart;
      readonly cname: string;
      readonly refused: KnownStream | undefined;
      /** After which a stream without changes is told as `flow`; undefined: it is not. */
      readonly stableMs: number | undefined;
    }
  | {
      readonly op: 'open-inner';
      readonly portId: PortId;
      readonly start: SpliceStart;
      readonly cname: string;
      /** On a socket of its own. */
      readonly isAlone: boolean;
    }
  | {
      readonly op: 'open-built-in';
      readonly portId: PortId;
      readonly endpoint: 'echo' | 'tone';
      readonly start: SpliceStart;
    }
  | {
      readonly op: 'open-agent';
      readonly portId: PortId;
      readonly encoding: AgentEncoding;
      readonly prebufferMs: number;
      readonly start: SpliceStart;
    }
  | AgentCommand
  | ({ readonly op: 'connect-port' } & ConnectEdgePort)
  | ({ readonly op: 'connect-inner' } & ConnectInner)
  | ({ readonly op: 'connect-video-port' } & ConnectVideoPort)
  | ({ readonly op: 'connect-video-inner' } & ConnectVideoInner)
  | ({ readonly op: 'connect-built-in' } & ConnectBuiltIn)
  | { readonly op: 'bridge'; readonly a: PortId; readonly b: PortId }
  | ({ readonly op: 'send-digit' } & SendDigit)
  | { readonly op: 'detect-tones'; readonly portId: PortId; readonly isOn: boolean }
  | { readonly op: 'mute'; readonly portId: PortId; readonly isMuted: boolean }
  /** Undefined: nothing any more. */
  | { readonly op: 'play'; readonly portId: PortId; readonly sound: EdgeSound | undefined }
  | { readonly op: 'note-loss'; readonly portId: PortId; readonly fraction: number }
  | { readonly op: 'report'; readonly portId: PortId }
  /** From now on what the believed source sends comes here, whoever else is bound to the port. */
  | { readonly op: 'shield'; readonly portId: PortId }
  /** Binds the port above whoever has been bound to it meanwhile. */
  | { readonly op: 'rise'; readonly portId: PortId }
  | ({ readonly op: 'place' } & PlacePort)
  | { readonly op: 'want-keyframe'; readonly portId: PortId }
  | { readonly op: 'close'; readonly portId: PortId }
  | { readonly op: 'counters' }
  | { readonly op: 'stop' };

/** What a command answers with. */
export interface EdgeResults {
  /** False: the pair is in use by somebody else. */
  readonly 'open-port': boolean;
  /** The port of the inner socket on 127.0.0.1. */
  readonly 'open-inner': number;
  readonly 'open-built-in': undefined;
  readonly 'open-agent': undefined;
  readonly 'release-agent': undefined;
  readonly 'duck-speech': undefined;
  readonly speak: undefined;
  readonly 'mark-speech': undefined;
  readonly 'flush-speech': readonly HeardSpeech[];
  readonly 'connect-port': undefined;
  readonly 'connect-inner': undefined;
  readonly 'connect-video-port': undefined;
  readonly 'connect-video-inner': undefined;
  readonly 'connect-built-in': undefined;
  readonly bridge: undefined;
  readonly 'send-digit': undefined;
  readonly 'detect-tones': undefined;
  readonly mute: undefined;
  readonly play: undefined;
  readonly 'note-loss': undefined;
  readonly report: PortReport | undefined;
  readonly shield: undefined;
  readonly rise: undefined;
  readonly place: undefined;
  readonly 'want-keyframe': undefined;
  readonly close: ClosedPort | undefined;
  readonly counters: EdgeCounters;
  readonly stop: undefined;
}

export interface ClosedPort {
  readonly report: PortReport;
  /** The stream last believed, which the next call on this port must not hear. */
  readonly stream: KnownStream | undefined;
}

/** What an agent's port tells: the other party's audio, 20 ms at a time, and how far the agent's own has come. */
export type AgentPortEvent =
  | { readonly kind: 'heard'; readonly portId: PortId; readonly audio: Uint8Array }
  | { readonly kind: 'playout'; readonly portId: PortId; readonly notice: PlayoutNotice };

/** A stream that has been the same for a while. */
export interface ProvenFlow {
  readonly portId: PortId;
  readonly ssrc: number;
  /** Where it comes from and our packets go. */
  readonly source: Source;
  /** Undefined when RTCP uses the port of RTP. */
  readonly rtcp: Source | undefined;
}

export type EdgeThreadEvent =
  | AgentPortEvent
  | { readonly kind: 'port-up'; readonly portId: PortId }
  /** Somebody sends RTP that is not protected by the keys agreed on; told now and then, with how many it were since. */
  | { readonly kind: 'srtp-failed'; readonly portId: PortId; readonly packets: number }
  | ({ readonly kind: 'flow' } & ProvenFlow)
  /** The peer sends from elsewhere, and so our packets go elsewhere, while a PlainTransport still sends to the old address. */
  | { readonly kind: 'moved'; readonly portId: PortId }
  /** No RTP has come for a while, and it is the PlainTransport beneath that hears the RTCP. */
  | { readonly kind: 'quiet'; readonly portId: PortId }
  | ({ readonly kind: 'media-timeout'; readonly portId: PortId } & Silence)
  /** A recording has been played to the port's remote to its end. */
  | { readonly kind: 'sound-over'; readonly portId: PortId }
  /** The remote is to be asked for a complete picture, and knows no RTCP for it. */
  | { readonly kind: 'keyframe-wanted'; readonly portId: PortId }
  | ({ readonly kind: 'digit'; readonly portId: PortId } & DigitPress);

/** What a thread is started with. */
export interface EdgeWorkerData {
  /** Which libopus. */
  readonly opus: 'native' | 'wasm';
  readonly music: Music;
}

export interface ToThread {
  /** Undefined: nobody waits for an answer. */
  readonly id: number | undefined;
  readonly command: EdgeCommand;
}

export type FromThread =
  | { readonly kind: 'done'; readonly id: number; readonly result: EdgeResults[EdgeCommand['op']] }
  | { readonly kind: 'refused'; readonly id: number; readonly code: string; readonly text: string }
  | { readonly kind: 'event'; readonly event: EdgeThreadEvent };
