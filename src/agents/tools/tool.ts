/** Functions that a model may call during its call. */
import type { AgentCall, AgentCallVerbs } from '../../calls/index.ts';

/** As a model is told of it. */
export interface ToolTerms {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface ToolPlace {
  readonly call: AgentCall;
  readonly verbs: AgentCallVerbs;
  /** Fires when the call is over. */
  readonly signal: AbortSignal;
}

export interface Tool extends ToolTerms {
  /** `input`: what the model wrote, of whatever shape. What comes back, errors too, is told to the model. */
  run(input: unknown, place: ToolPlace): Promise<object>;
}

export const failure = (error: string, more: object = {}): object => ({ error, ...more });
