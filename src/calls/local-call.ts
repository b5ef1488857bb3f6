/** A party that calls over a connection of its own and not by SIP: what it says and hears is an agent's port. */
import type { PortId } from '../kernel/index.ts';
import type { AgentEncoding } from './agent-audio.ts';

export interface LocalCallRequest {
  /** What the called party sees. */
  readonly name: string;
  /** A number, or the name of a user or an agent. */
  readonly to: string;
  /** Whose users and trunks it may call; undefined: the default one's. */
  readonly tenant?: string | undefined;
  readonly encoding: AgentEncoding;
  /** What is gathered before its speech begins, ms. */
  readonly prebufferMs: number;
  /** Where it comes from, as `protocol:address:port`. */
  readonly source: string;
}

export interface LocalCallEvents {
  onAnswered(): void;
  /** Over, or it could not be. Once, unless it was ended from here. */
  onOver(): void;
}

export interface LocalCall {
  /** Hears from when it is open until the call is over; what is said to it is heard once the call is answered. */
  readonly portId: PortId;
  /** A key for the other party. */
  pressDigit(digit: string, durationMs: number): void;
  /** Idempotent. */
  end(): void;
}

export interface LocalCallDesk {
  place(request: LocalCallRequest, events: LocalCallEvents): LocalCall;
}
