/** What a Call asks for. */
import type { LegId } from '../kernel/index.ts';
import type { Call } from './call.ts';
import type { CallEvent } from './call-event.ts';
import type { EndReason } from './call-record.ts';

export type CallOutput =
  | { readonly kind: 'open-port'; readonly legId: LegId }
  /** Open the branch's port and send its INVITE. */
  | { readonly kind: 'ring'; readonly legId: LegId }
  /** `earlyMediaFrom`: the caller hears this branch from now on. */
  | { readonly kind: 'progress'; readonly sipStatus: number; readonly earlyMediaFrom: LegId | undefined }
  /** The caller is to hear a phone ring where it heard early media before; off: nothing rings any more. */
  | { readonly kind: 'ringback'; readonly isOn: boolean }
  /** Join the caller's media with this branch's and answer the caller. */
  | { readonly kind: 'answer-caller'; readonly legId: LegId }
  /** A final response to the caller's INVITE. */
  | { readonly kind: 'refuse-caller'; readonly sipStatus: number; readonly reason: string | undefined }
  /** CANCEL a branch. `reason` is the value of the Reason header (RFC 3326). */
  | { readonly kind: 'cancel'; readonly legId: LegId; readonly reason: string | undefined }
  /** BYE. For a caller whose 200 is not out yet: refuse it with `sipStatus`. */
  | { readonly kind: 'hang-up'; readonly legId: LegId; readonly sipStatus: number; readonly reason: string | undefined }
  | { readonly kind: 'close-port'; readonly legId: LegId }
  | { readonly kind: 'set-timer'; readonly ms: number }
  | { readonly kind: 'clear-timer' }
  | { readonly kind: 'event'; readonly event: CallEvent }
  /** The record changed in a way that must survive a crash. */
  | { readonly kind: 'save' }
  /** Always the last. The `call-ended` event is the performer's, once it has the reports of the ports. */
  | { readonly kind: 'ended'; readonly reason: EndReason; readonly sipStatus: number | undefined };

export interface CallStep {
  readonly call: Call;
  readonly outputs: readonly CallOutput[];
}
