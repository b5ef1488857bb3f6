/**
 * Whether a request that came in a dialog may be handed on, or collides with another: RFC 3261 §14.2 for two INVITEs,
 * RFC 3311 §5.2 for UPDATE. Decides only; an offer is any body of these requests.
 */
import type { Dialog } from './dialog.ts';

/** What is under way in the dialog. */
export interface UnderWay {
  /** INVITE and UPDATE of the peer without final response; of each whether it has a body. */
  readonly theirInvite: { readonly hasBody: boolean } | undefined;
  readonly theirUpdate: { readonly hasBody: boolean } | undefined;
  /** Ours. */
  readonly ourInvite: { readonly hasBody: boolean } | undefined;
  readonly ourUpdate: { readonly hasBody: boolean } | undefined;
  /** A reliable provisional response of ours with SDP waits for its PRACK. */
  readonly isAnswerUnacknowledged: boolean;
}

/** 491: both sides asked, ours stands. 500: theirs before this one is not answered yet. */
export type Collision = 'none' | 491 | 500;

export function judgeInvite(now: UnderWay): Collision {
  if (now.theirInvite !== undefined) return 500;
  if (now.ourInvite !== undefined || now.ourUpdate?.hasBody === true) return 491;
  return now.theirUpdate?.hasBody === true ? 500 : 'none';
}

export function judgeUpdate(now: UnderWay, dialog: Pick<Dialog, 'hasAnswer'>, hasOffer: boolean): Collision {
  if (now.theirUpdate !== undefined) return 500;
  if (!hasOffer) return 'none';
  if (now.ourUpdate?.hasBody === true) return 491;
  if (now.ourInvite?.hasBody === true && !dialog.hasAnswer) return 491;
  if (now.theirInvite === undefined) return 'none';
  // An INVITE without offer is answered by an offer of ours, which the PRACK or ACK answers in turn.
  if (!now.theirInvite.hasBody) return now.isAnswerUnacknowledged ? 491 : 'none';
  return dialog.hasAnswer ? 'none' : 500;
}
