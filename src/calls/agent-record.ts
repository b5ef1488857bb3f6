/** What a call's record says of its agent: what the other party heard of each utterance, and how long it waited. Plain JSON. */

/** One utterance of an agent; its times add up: what was received has been played, was flushed, or still waits. */
export interface UtteranceRecord {
  /** The agent's own id, or our count. */
  readonly utterance: string;
  /** When its first frame left, milliseconds since 1970; undefined: none did. */
  readonly startedAt: number | undefined;
  readonly receivedMs: number;
  readonly playedMs: number;
  readonly flushedMs: number;
  /** In the order in which they were reached. */
  readonly marks: readonly MarkRecord[];
}

export interface MarkRecord {
  readonly name: string;
  /** Reached because what was before it was thrown away. */
  readonly isCleared: boolean;
}

/** From the end of the other party's speech (or its key) to what it heard next. Milliseconds. */
export interface TurnRecord {
  /** When it had stopped to speak, since 1970. */
  readonly stoppedAt: number;
  /** Until the first byte of the agent's answer was here: the agent's part. */
  readonly agentMs: number;
  /** From there to its first RTP packet: ours. */
  readonly playoutMs: number;
}

/** `hung-up`: by the agent; `lost`: it was gone or could not be had; `call-over`: the call ended or went on without it. */
export type AgentEnd = 'hung-up' | 'lost' | 'call-over';

export interface AgentRecord {
  readonly agent: string;
  /** From the answer, or its being able to be heard, to its first words, ms. */
  readonly greetingMs: number | undefined;
  /** The last ones; `utteranceCount` counts all, as do the sums. */
  readonly utterances: readonly UtteranceRecord[];
  readonly utteranceCount: number;
  readonly receivedMs: number;
  readonly playedMs: number;
  readonly flushedMs: number;
  readonly turns: readonly TurnRecord[];
  readonly turnCount: number;
  /** How often the other party has talked over it and it fell silent. */
  readonly bargeIns: number;
  /** How often its connection was made anew. */
  readonly reconnects: number;
  readonly end: AgentEnd | undefined;
  /** Why it was lost: an error's code. */
  readonly cause: string | undefined;
}
