/** What a session and a protocol say to each other: five abilities that cover every protocol of voice agents. */
import type { VadChange } from '../audio/index.ts';
import type { AgentCall, AgentCallVerbs, HeardSpeech } from '../calls/index.ts';

/** One call's connection with its agent, in one protocol. */
export interface AgentLink {
  /** 20 ms of the caller, one after another without gaps. */
  hear(audio: Uint8Array): void;
  pressDigit(digit: string, durationMs: number): void;
  /** Everything before the mark has been played, or was thrown away. */
  markReached(name: string, isCleared: boolean): void;
  /** The caller speaks, or has stopped to; only as far as loudness tells. */
  callerSpeaks?(change: VadChange): void;
  /** We have made it fall silent, because the caller talks over it: what was heard of each utterance. */
  interrupted?(heard: readonly HeardSpeech[]): void;
  /** The call is over: says so in the protocol's words, and closes. Idempotent. */
  close(): void;
}

/** What an agent does to its call. */
export interface AgentVoice {
  /** What it may do with its call beside talking. */
  readonly verbs: AgentCallVerbs;
  /** The agent takes part: from now on it hears. */
  onOpen(): void;
  /** The call is to be answered, although nothing is said yet. */
  answer(): void;
  /** The agent does not want the call: this is what the caller is told. Once it was answered, it is hung up. */
  refuse(sipStatus: number): void;
  /** Audio of any length. */
  say(utterance: string, audio: Uint8Array): void;
  mark(name: string): void;
  /** What was heard of each utterance that was not over. */
  flush(): Promise<readonly HeardSpeech[]>;
  /** The agent is gone. `error`: it could not be had, or broke off. */
  onClose(error?: Error): void;
}

/** `earlier`: the link of the same call that this one stands in for, which has broken off. */
export type OpenLink = (call: AgentCall, voice: AgentVoice, earlier?: AgentLink) => AgentLink;
