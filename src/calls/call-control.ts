/** What somebody from outside, such as the API, may do with running calls. */
import type { AgentCallVerbs } from './call-verbs.ts';

export interface CallControl {
  /**
   * The verbs of one party, wherever it talks by the time they are used. `party`: the id of its Leg, `caller`, or
   * `callee` for who has answered, or is rung first. Undefined: no running call of this id has it.
   */
  verbs(callId: string, party: string): AgentCallVerbs | undefined;
}
