/** What somebody from outside, such as the API, may do with calls. */
import type { CallId } from '../kernel/index.ts';
import type { AgentCallVerbs, VerbRefusal } from './call-verbs.ts';

/** A call that we begin. */
export interface OriginateRequest {
  /** Whom to call: a number, a name of ours or a SIP URI. */
  readonly to: string;
  /** Who talks with it: an agent, brought in when `to` has answered; or a user, who is rung first. */
  readonly connect: { readonly kind: 'agent' | 'user'; readonly name: string };
  /** The number that `to` is shown where an agent calls. */
  readonly from?: string | undefined;
  readonly displayName?: string | undefined;
  readonly ringMs?: number | undefined;
  /** Of the INVITE; the profile of the called party says which of them it gets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Goes with the call, its events and its record. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export type OriginateResult = { readonly isDone: true; readonly callId: CallId } | VerbRefusal;

export interface CallControl {
  /**
   * The verbs of one party, wherever it talks by the time they are used. `party`: the id of its Leg, `caller`, or
   * `callee` for who has answered, or is rung first. Undefined: no running call of this id has it.
   */
  verbs(callId: string, party: string): AgentCallVerbs | undefined;
  /** Resolves when it rings, or cannot; what becomes of it its events and record say. */
  originate(request: OriginateRequest): Promise<OriginateResult>;
}
