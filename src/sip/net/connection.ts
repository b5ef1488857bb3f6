/** What TCP and WebSocket connections have in common, and the rule by which they are reaped. */
import type { Flow, SendFailure } from '../engine/index.ts';
import type { SipNetLimits } from './limits.ts';

export type OnFailed = (why: SendFailure) => void;

/** Times are the Clock's monotonic milliseconds. */
export interface ConnectionHealth {
  readonly isOutbound: boolean;
  readonly openedAt: number;
  readonly lastTrafficAt: number;
  /** It has sent a complete message. */
  readonly hasDelivered: boolean;
  /** Since when a message has been incomplete, undefined when none is. */
  readonly incompleteSince: number | undefined;
}

export interface Connection {
  readonly id: number;
  readonly flow: Flow;
  readonly health: ConnectionHealth;
  send(data: Buffer, onFailed: OnFailed): void;
  /** Sees to the peer's being alive, where the transport has means for that. False when it is dead. */
  probe(now: number): boolean;
  /** Ends it at once. Idempotent. */
  close(): void;
}

export type ReapReason = 'idle' | 'silent' | 'slow';

/** Why a connection should be closed now, undefined when it may stay. */
export function reapReason(health: ConnectionHealth, now: number, limits: SipNetLimits): ReapReason | undefined {
  if (now - health.lastTrafficAt >= limits.idleMs) return 'idle';
  if (health.incompleteSince !== undefined && now - health.incompleteSince >= limits.firstMessageMs) return 'slow';
  const isSilent = !health.isOutbound && !health.hasDelivered && now - health.openedAt >= limits.firstMessageMs;
  return isSilent ? 'silent' : undefined;
}

/** Tells of a failure in a later tick: the engine is never re-entered from its own call. */
export function failLater(onFailed: OnFailed, why: SendFailure): void {
  setImmediate(onFailed, why);
}
