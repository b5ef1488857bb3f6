export interface SignalingLimits {
  /** Of one message, bytes. */
  readonly messageBytes: number;
  /** What may wait to be read by a client, bytes. */
  readonly queueBytes: number;
  readonly messagesPerSec: number;
  readonly messagesBurst: number;
  /** Requests of one client that wait for the one before. */
  readonly waitingRequests: number;
  readonly connections: number;
  /** Of connections without a token so far: in all, and from one address. */
  readonly unauthenticated: number;
  readonly unauthenticatedPerAddress: number;
  readonly authenticateMs: number;
  readonly pingMs: number;
  readonly subscriptions: number;
}

export const usualLimits: SignalingLimits = {
  messageBytes: 65_536,
  queueBytes: 1_048_576,
  messagesPerSec: 50,
  messagesBurst: 300,
  waitingRequests: 128,
  connections: 20_000,
  unauthenticated: 2000,
  unauthenticatedPerAddress: 100,
  authenticateMs: 5000,
  pingMs: 30_000,
  subscriptions: 256,
};
