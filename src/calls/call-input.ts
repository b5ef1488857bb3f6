/** What can happen to a Call. */
import type { LegId } from '../kernel/index.ts';
import type { AudioCodecName } from '../sdp/index.ts';
import type { CallMedia, Fallback, Stage } from './call.ts';

export type CallInput =
  | {
      readonly kind: 'routed';
      readonly route: string;
      readonly media: CallMedia;
      /** Rung one after another; at least one. */
      readonly stages: readonly Stage[];
      readonly fallbacks: readonly Fallback[];
    }
  /** The call cannot be routed or offered at all. */
  | { readonly kind: 'refused'; readonly sipStatus: number; readonly route?: string }
  /** An INVITE is out. `server`: of a trunk, which of its servers. */
  | {
      readonly kind: 'branch-invited';
      readonly legId: LegId;
      readonly sipCallId: string | undefined;
      readonly server?: string | undefined;
    }
  /** A 1xx above 100. `early`: with SDP. */
  | { readonly kind: 'branch-ringing'; readonly legId: LegId; readonly sipStatus: number; readonly early: boolean }
  | { readonly kind: 'branch-answered'; readonly legId: LegId; readonly codec: AudioCodecName | undefined }
  /** `reason`: what the branch's Reason header said, canonical; as everywhere here. */
  | {
      readonly kind: 'branch-failed';
      readonly legId: LegId;
      readonly sipStatus: number;
      readonly reason?: string | undefined;
    }
  /** The caller has its answer, and both sides' media are set. */
  | { readonly kind: 'caller-answered'; readonly codec: AudioCodecName | undefined }
  /** CANCEL, or the 200 found no transaction any more. */
  | { readonly kind: 'caller-cancelled'; readonly reason: string | undefined }
  /** The time of the stage is over. */
  | { readonly kind: 'no-answer' }
  /** `isLost`: nobody has hung up, but the peer is silent (no ACK, no refresh of the session). */
  | {
      readonly kind: 'hangup';
      readonly legId: LegId;
      readonly reason?: string | undefined;
      readonly isLost?: boolean;
    }
  /** A transfer is done. `moved`: the Leg that another Call of ours has now; undefined: both parties are to be let go. */
  | { readonly kind: 'transferred'; readonly moved: LegId | undefined }
  | { readonly kind: 'media-failed'; readonly legId: LegId }
  /** Nothing has come from this Leg for so long; `wasHeard`: but before. */
  | { readonly kind: 'media-timeout'; readonly legId: LegId; readonly silentMs: number; readonly wasHeard: boolean }
  /** Our own part failed: a port could not be opened, an answer could not be made. */
  | { readonly kind: 'failed'; readonly sipStatus: number }
  /** The gateway may not let it go on. */
  | { readonly kind: 'stopped'; readonly why: 'fraud' }
  /** Somebody from outside ends it. */
  | { readonly kind: 'stopped'; readonly why: 'api'; readonly q850: number }
  | { readonly kind: 'shutdown' };
