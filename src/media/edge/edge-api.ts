/** What the media plane may ask of the edge, and what the edge tells it. */
import type {
  ConnectAgentPort,
  ConnectBuiltInPort,
  ConnectRtpPort,
  HeardSpeech,
  OpenAgentPort,
  OpenBuiltInPort,
  OpenRtpPort,
  PortReport,
} from '../../calls/index.ts';
import type { CallId, Clock, Logger, PortId, Random, Unsubscribe } from '../../kernel/index.ts';
import type { LocalRtp } from '../../sdp/index.ts';
import type { EdgeSound } from './edge-sound.ts';
import type {
  AgentCommand,
  ConnectInner,
  ConnectVideoInner,
  ConnectVideoPort,
  EdgeCounters,
  EdgeThreadEvent,
  FlushSpeech,
  PlacePort,
  SendDigit,
} from './messages.ts';
import type { OpusChoice } from './opus-choice.ts';
import type { Music } from './sound-library.ts';

/** A local address. */
export interface EdgeListen {
  readonly address: string;
  /** What SDP tells the peers; the address itself when it is left out. */
  readonly announced?: string;
}

export interface EdgeOptions {
  /** How many threads carry packets. */
  readonly threads: number;
  /** UDP ports towards SIP peers, both ends included. */
  readonly portRange: { readonly min: number; readonly max: number };
  /** Where ports are opened, at most one for each address family; the first is the default. */
  readonly listen: readonly [EdgeListen, ...EdgeListen[]];
  /** How long a pair of ports rests after a call, ms. */
  readonly quarantineMs: number;
  /** On hold. Default: a melody. */
  readonly music?: Music;
  /** Which libopus. Default `auto`: the native one where there is one. */
  readonly opus?: OpusChoice;
  /** After which a stream that has not changed is told as `flow`, ms; undefined: it is not. */
  readonly stableMs?: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export type EdgeEvent =
  | EdgeThreadEvent
  | { readonly kind: 'port-failed'; readonly portId: PortId; readonly reason: 'edge' };

export interface OpenInner {
  readonly portId: PortId;
  /** Ports of one Call share a thread. */
  readonly callId: CallId;
}

export interface InnerEndpoint {
  readonly address: string;
  readonly port: number;
  /** Of all RTP that the edge sends to the PlainTransport. */
  readonly ssrc: number;
}

/** Totals of all threads since start, and how the port range is doing. */
export interface EdgeTotals extends EdgeCounters {
  readonly portsOpen: number;
  readonly portsQuarantined: number;
}

export interface Edge {
  /** Opens a pair of sockets towards a SIP peer. Throws MEDIA_NO_PORTS (503) when the range is used up. */
  openPort(request: OpenRtpPort): Promise<LocalRtp>;
  /** Opens the loopback endpoint that stands for a webrtc port: a PlainTransport is to be connected to it. */
  openInner(request: OpenInner): Promise<InnerEndpoint>;
  openBuiltIn(request: OpenBuiltInPort): Promise<undefined>;
  openAgent(request: OpenAgentPort): Promise<undefined>;
  /** What an agent's port is to do. Nothing happens when there is none of this id. */
  tellAgent(command: Exclude<AgentCommand, FlushSpeech>): void;
  /** Answered with what was heard. */
  flushSpeech(portId: PortId): Promise<readonly HeardSpeech[]>;
  /** Applies what was negotiated, first or again. */
  connect(request: ConnectRtpPort | ConnectBuiltInPort | ConnectAgentPort): Promise<void>;
  /** Tells an inner endpoint where its PlainTransport is and what goes over it; may be repeated when the format is known. */
  connectInner(request: ConnectInner): Promise<void>;
  /** The same for a port or an inner endpoint that carries video. */
  connectVideo(request: ConnectVideoPort): Promise<void>;
  connectVideoInner(request: ConnectVideoInner): Promise<void>;
  /** Asks the port's remote for a complete picture. */
  wantKeyframe(portId: PortId): Promise<void>;
  /** Two ports of one Call hear each other from now on, and nobody else. */
  bridge(a: PortId, b: PortId): Promise<void>;
  /** Plays a key to the port's remote. Nothing happens when it cannot be played in this form there. */
  sendDigit(digit: SendDigit): Promise<void>;
  /** Listens for keys in the audio of the port's remote, or no more. They are taken out of it. */
  detectTones(portId: PortId, isOn: boolean): Promise<void>;
  /** Nobody hears the port's remote, or the other port again; also after another `bridge`. */
  mute(portId: PortId, isMuted: boolean): Promise<void>;
  /** Plays a sound to the port's remote in place of what it would hear; undefined: no more. */
  play(portId: PortId, sound: EdgeSound | undefined): Promise<void>;
  /** What fraction (0 to 1) of what a webrtc port is sent its browser loses of late. Nothing happens when it is gone. */
  noteLoss(portId: PortId, fraction: number): Promise<void>;
  /** How an open port does by now; undefined when there is none of this id. */
  report(portId: PortId): Promise<PortReport | undefined>;
  /** Where a port towards a SIP peer is bound. */
  boundTo(portId: PortId): { readonly address: string; readonly rtpPort: number };
  /** What the believed source sends reaches the edge, whoever else is bound to the port; until `rise`. */
  shield(portId: PortId): Promise<void>;
  /** Goes above whoever has been bound to the port meanwhile. */
  rise(portId: PortId): Promise<void>;
  /** Leaves a port to the PlainTransport that is bound beneath, or takes it back. */
  place(request: PlacePort): Promise<void>;
  /** Closes a port. Idempotent: one that is gone reports zeros. */
  close(portId: PortId): Promise<PortReport>;
  onEvent(listener: (event: EdgeEvent) => void): Unsubscribe;
  counters(): Promise<EdgeTotals>;
  /** Closes every port and ends the threads. Idempotent. */
  stop(): Promise<void>;
}
