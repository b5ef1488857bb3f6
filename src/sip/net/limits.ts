import { DEFAULT_FLOOD_LIMITS, type FloodLimits } from './flood-limits.ts';

/** What a stranger may cost us. */
export interface SipNetLimits {
  /** Largest SIP message, in bytes. */
  readonly messageBytes: number;
  /** Live TCP and WebSocket connections, all listeners together. */
  readonly connections: number;
  /** Live connections from one source address. */
  readonly connectionsPerSource: number;
  /** A connection that carried nothing at all for so long is closed, in milliseconds. */
  readonly idleMs: number;
  /** So long an accepted connection may take to its first complete message, and any message from its first byte to its last. */
  readonly firstMessageMs: number;
  /** So long connecting to a peer may take, in milliseconds. */
  readonly connectMs: number;
  /** Between two pings of ours, on WebSockets and on connections we opened; who does not answer one is dead. In milliseconds. */
  readonly pingMs: number;
  /** Bytes waiting to be sent on one connection; beyond them the peer does not read, and is cut off. */
  readonly sendBufferBytes: number;
  /** What one source may send; undefined: as much as it likes. */
  readonly flood: FloodLimits | undefined;
}

export const DEFAULT_NET_LIMITS: SipNetLimits = {
  messageBytes: 65_536,
  connections: 10_000,
  connectionsPerSource: 200,
  idleMs: 600_000,
  firstMessageMs: 30_000,
  connectMs: 5000,
  pingMs: 30_000,
  sendBufferBytes: 1_048_576,
  flood: DEFAULT_FLOOD_LIMITS,
};
