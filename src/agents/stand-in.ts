/** What is left to do for a caller whose agent is gone for good: words, and somebody else. Never a silent call. */
import type { AgentCallVerbs } from '../calls/index.ts';

export interface AgentFallback {
  /** Said first, as audio in the agent's encoding; undefined: nothing. */
  readonly words: (() => Promise<Uint8Array>) | undefined;
  /** To whom the caller goes on: a user, a number, another agent; undefined: the call ends. */
  readonly to: string | undefined;
  /** Said before the call ends. */
  readonly lastWords: () => Promise<Uint8Array>;
}

export interface StandInOptions {
  readonly fallback: AgentFallback;
  readonly verbs: AgentCallVerbs;
  /** Resolves when it has been heard. */
  readonly say: (words: Uint8Array) => Promise<void>;
  readonly hangUp: () => void;
}

/** Resolves when the caller is with somebody else, or is told that the call is over. */
export async function standIn({ fallback, verbs, say, hangUp }: StandInOptions): Promise<void> {
  const { words, to, lastWords } = fallback;
  if (words !== undefined) await say(await words());
  if (to !== undefined && (await verbs.transfer(to)).isDone) return;
  if (to !== undefined || words === undefined) await say(await lastWords());
  hangUp();
}
