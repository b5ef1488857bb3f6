/** How telephony reaches agents: a call to one is started here, and what becomes of it is told. */
import type { CallId, LegId, PortId } from '../kernel/index.ts';
import type { AgentEncoding } from './agent-audio.ts';
import type { AgentRecord, TurnRecord, UtteranceRecord } from './agent-record.ts';
import type { AgentCallVerbs } from './call-verbs.ts';

/** What a call must know of an agent before it is started. */
export interface AgentFacts {
  readonly name: string;
  readonly encoding: AgentEncoding;
  /** What is gathered before its speech begins, ms. */
  readonly prebufferMs: number;
  /** Whether it may send its callers to this number through a trunk. Undefined: to none. */
  readonly mayDial?: (number: string) => boolean;
}

export interface AgentCall {
  readonly agent: string;
  readonly callId: CallId;
  readonly legId: LegId;
  /** The agent's port, open by now. */
  readonly portId: PortId;
  /** Who calls and whom they dialed, as user parts or numbers; '' when nobody says. From strangers: data, never more. */
  readonly from: string;
  readonly to: string;
}

export interface AgentCallEvents {
  /** Its first words are there, or it has had its time to warm up: the call may be answered. */
  onReady(): void;
  /** It cannot be had, before it was ready. */
  onFailed(sipStatus: number): void;
  /** It hangs up, or is gone. */
  onHangUp(): void;
  /** All of an utterance has been heard, or will not be. */
  onUtterance(utterance: UtteranceRecord): void;
  /** It has answered what the other party has said. */
  onTurn(turn: TurnRecord): void;
}

/** A call as its agent has it. */
export interface AgentRun {
  /** What was said and heard so far, if that is kept; complete when its port is closed. */
  readonly record?: AgentRecord;
  /** A key of the other party. */
  onDigit(digit: string, durationMs: number): void;
  /** The call is over. Idempotent. */
  end(): void;
}

export interface AgentDesk {
  /** Undefined: there is no agent of that name. */
  find(name: string): AgentFacts | undefined;
  /** `verbs`: what it may do with the call beside talking. */
  start(call: AgentCall, events: AgentCallEvents, verbs: AgentCallVerbs): AgentRun;
}
