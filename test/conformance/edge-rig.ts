/** An edge with ports in a range of its own, and formats for its calls. */
import {
  type CallId,
  type LegId,
  type PortId,
  silentLogger,
  systemClock,
  systemRandom,
} from '../../src/kernel/index.ts';
import { type Edge, type EdgeEvent, type EdgeOptions, startEdge } from '../../src/media/edge/index.ts';
import type { AudioCodecName, AudioFormat, Direction, SrtpKeyPair } from '../../src/sdp/index.ts';
import type { RtpTarget } from '../support/rtp-peer.ts';

export const PORTS = { min: 31_000, max: 31_199 };

const codecs: Readonly<Record<AudioCodecName, AudioFormat['codec']>> = {
  PCMU: { name: 'PCMU', payloadType: 0, clockRate: 8000, channels: 1, fmtp: '' },
  PCMA: { name: 'PCMA', payloadType: 8, clockRate: 8000, channels: 1, fmtp: '' },
  G722: { name: 'G722', payloadType: 9, clockRate: 8000, channels: 1, fmtp: '' },
  opus: { name: 'opus', payloadType: 111, clockRate: 48_000, channels: 2, fmtp: '' },
  L16: { name: 'L16', payloadType: 118, clockRate: 16_000, channels: 1, fmtp: '' },
};

export function formatOf(name: AudioCodecName, event?: { payloadType: number; clockRate: number }): AudioFormat {
  return { codec: codecs[name], telephoneEvents: event ? [event] : [], ptimeMs: 20 };
}

export const EVENT_8K = { payloadType: 101, clockRate: 8000 };
export const EVENT_48K = { payloadType: 110, clockRate: 48_000 };

export interface EdgeRig {
  readonly edge: Edge;
  readonly events: EdgeEvent[];
}

export async function startTestEdge(options: Partial<EdgeOptions> = {}): Promise<EdgeRig> {
  const edge = await startEdge({
    threads: 1,
    portRange: PORTS,
    listen: [{ address: '127.0.0.1' }],
    quarantineMs: 300,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    ...options,
  });
  const events: EdgeEvent[] = [];
  edge.onEvent((event) => events.push(event));
  return { edge, events };
}

export const portId = (name: string): PortId => name as PortId;
const callId = 'call' as CallId;
export const owner = (name: string) => ({ portId: portId(name), callId, legId: name as LegId });

export interface RtpLeg {
  /** Where the SDP says the peer is. */
  readonly remotePort: number;
  readonly rtcpPort?: number;
  readonly rtcpMux?: boolean;
  readonly format?: AudioFormat;
  readonly direction?: Direction;
  readonly sourcePolicy?: 'sdp' | 'latch';
  readonly signalingAddress?: string;
  readonly srtp?: SrtpKeyPair;
}

export async function connectLeg(edge: Edge, name: string, leg: RtpLeg): Promise<void> {
  await edge.connect({
    kind: 'rtp',
    portId: portId(name),
    remote: { address: '127.0.0.1', rtpPort: leg.remotePort, rtcpPort: leg.rtcpPort ?? leg.remotePort + 1 },
    rtcpMux: leg.rtcpMux ?? false,
    sourcePolicy: leg.sourcePolicy ?? 'sdp',
    signalingAddress: leg.signalingAddress,
    srtp: leg.srtp,
    format: leg.format ?? formatOf('PCMU', EVENT_8K),
    direction: leg.direction ?? 'sendrecv',
  });
}

/** Opens and connects a SIP-facing port; its RTP port. */
export async function openLeg(edge: Edge, name: string, leg: RtpLeg): Promise<number> {
  const { rtp } = await edge.openPort({ kind: 'rtp', ...owner(name) });
  await connectLeg(edge, name, leg);
  return rtp.rtpPort;
}

export async function openBuiltIn(
  edge: Edge,
  name: string,
  endpoint: 'echo' | 'tone',
  format: AudioFormat,
): Promise<void> {
  await edge.openBuiltIn({ kind: 'built-in', ...owner(name), endpoint });
  await edge.connect({ kind: 'built-in', portId: portId(name), format });
}

export function target(port: number, fields: Partial<RtpTarget> = {}): RtpTarget {
  return { port, payloadType: 0, ssrc: 0x1000, step: 160, ...fields };
}

/** Payloads that all differ, so that order and identity show. */
export function payloads(count: number, tag: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    const payload = Buffer.alloc(160, tag);
    payload.writeUInt32BE(i, 0);
    return payload;
  });
}
