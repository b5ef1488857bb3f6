/**
 * What may be done with a call that talks beside talking, as one party wishes it or somebody from outside: each is done
 * to one party, the other one is left where it is. Nothing here rejects: what came of it is the result.
 */

export type VerbRefusalCode =
  /** There is no such call or party any more. */
  | 'CALL_OVER'
  /** It needs two parties that talk. */
  | 'CALL_NOT_TALKING'
  /** Digits, a target or a sound that are none. */
  | 'VERB_INVALID'
  /** Whoever asks may not. */
  | 'VERB_FORBIDDEN'
  /** A transfer is under way already. */
  | 'VERB_BUSY'
  /** There is none to complete or to cancel. */
  | 'NO_CONSULTATION'
  /** It can be called off, but nobody is there yet to be joined with. */
  | 'TARGET_RINGING'
  /** The party cannot: its media goes around us, or it is one that we play ourselves. */
  | 'VERB_IMPOSSIBLE'
  /** The target was called and is not there; `sipStatus` says why. */
  | 'TARGET_FAILED'
  | 'VERB_FAILED';

export interface VerbRefusal {
  readonly isDone: false;
  readonly code: VerbRefusalCode;
  /** A sentence for people and models. */
  readonly text: string;
  readonly sipStatus?: number;
}

export type VerbResult = { readonly isDone: true } | VerbRefusal;

/** A sound of ours, or a recording by its name in the folder of sounds. */
export type PlayRequest =
  | { readonly kind: 'music' | 'ringback' }
  | { readonly kind: 'file'; readonly name: string; readonly isLooped?: boolean };

/** An agent has them for its own call, where all but `hangUp` are done to the other party. */
export interface AgentCallVerbs {
  /** Ends the call for both. `q850`: the cause that is told (RFC 3326), 16 by default. */
  hangUp(q850?: number): Promise<VerbResult>;
  /**
   * The party goes on to somebody else: an AOR, a number, the name of a user or an agent. Until that one has answered
   * both talk on, and they still do after a failure. Resolves when the party is there, or the target has failed.
   */
  transfer(target: string): Promise<VerbResult>;
  /**
   * A transfer that begins with a talk: the party hears music, and its counterpart is connected with the target. Resolves
   * when that one has answered; has it failed to, both talk again. Whoever consults completes it by hanging up, too.
   */
  consult(target: string): Promise<VerbResult>;
  /** The party and the target are joined, and whoever consulted is let go. After a failure the consultation goes on. */
  completeConsultation(): Promise<VerbResult>;
  /** The target is let go, and both talk again. */
  cancelConsultation(): Promise<VerbResult>;
  /** Presses keys (0-9 * # A-D, `w` for half a second's rest; 64 at most), after those before them. */
  sendDigits(digits: string): Promise<VerbResult>;
  /** The party hears music, and nobody hears it. Idempotent, as is `resume`. */
  hold(): Promise<VerbResult>;
  resume(): Promise<VerbResult>;
  /** The other party does not hear it, or hears it again. */
  mute(isMuted: boolean): Promise<VerbResult>;
  /** In place of what the party would hear, until the end of the recording or `stopPlaying`. Resolves when it begins. */
  play(sound: PlayRequest): Promise<VerbResult>;
  stopPlaying(): Promise<VerbResult>;
}
