/**
 * A Call as plain data: the Leg that came in, the Branches rung for it, and where the whole stands.
 * Each state owns what is true in it; `step` (step.ts) is the only one to make the next.
 */
import type { FallbackCause } from '../dialplan/index.ts';
import type { CallId, LegId, PortId } from '../kernel/index.ts';
import type { AudioCodecName } from '../sdp/index.ts';
import type { BranchTry, EndReason, LegRecord } from './call-record.ts';
import type { BranchFailure } from './outcome.ts';

/** One party's side of a Call, fixed from its birth. */
export interface Leg {
  readonly legId: LegId;
  readonly portId: PortId;
  readonly kind: LegRecord['kind'];
  /** The URI of the party. */
  readonly party: string;
  /** The trunk that leads there. */
  readonly trunk?: string | undefined;
}

export interface InboundLeg extends Leg {
  readonly sipCallId: string;
}

export type BranchState =
  | { readonly kind: 'rung' }
  | { readonly kind: 'ringing' }
  | { readonly kind: 'answered'; readonly at: number; readonly codec: AudioCodecName | undefined }
  /** Called off before it answered. A 200 may still cross the CANCEL. */
  | { readonly kind: 'cancelled'; readonly at: number }
  | {
      readonly kind: 'failed';
      readonly at: number;
      readonly sipStatus: number;
      /** Its Reason header, canonical. */
      readonly reason: string | undefined;
    }
  | {
      readonly kind: 'ended';
      readonly answeredAt: number;
      readonly at: number;
      readonly codec: AudioCodecName | undefined;
    };

/** One outbound Leg, and how far it came. */
export interface Branch extends Leg {
  /** The number of its Stage, from 0. */
  readonly stage: number;
  /** Its phone rang, or may have. */
  readonly hasRung: boolean;
  /** It has said so (180). */
  readonly isAlerting: boolean;
  readonly sipCallId: string | undefined;
  /** Its INVITEs: those through a trunk may go from server to server. */
  readonly tries: readonly BranchTry[];
  readonly ringingAt: number | undefined;
  readonly state: BranchState;
}

/** A fork rung at once, one of several rung one after another. */
export interface Stage {
  readonly branches: readonly Leg[];
  readonly ringMs: number;
  /** After which words of this stage the next one may be rung. */
  readonly on: readonly FallbackCause[];
  /** The status that stands for it when it has nobody to ring. */
  readonly unreachable: number;
  /**
   * The stages right after it that stand in for it, and after which words they may: only while nobody can have heard a
   * phone ring. Otherwise they are passed over.
   */
  readonly spares: { readonly count: number; readonly on: readonly FallbackCause[] } | undefined;
}

/** What is rung when the stages before have ended, and every word of the last one is among these. */
export interface Fallback {
  readonly on: readonly FallbackCause[];
  readonly stages: readonly Stage[];
}

/** How much of the callee's progress the caller has been told. It only grows. */
export type CallerProgress = 'nothing' | 'progress' | 'ringing';

export type CallState =
  | { readonly kind: 'routing' }
  | {
      readonly kind: 'ringing';
      /** The number of the Stage that is ringing. */
      readonly stage: number;
      readonly told: CallerProgress;
      /** The branch whose early media the caller hears. */
      readonly earlyFrom: LegId | undefined;
      /** It has heard any branch's. */
      readonly hadEarly: boolean;
      /** How the branches of the stages that are over have failed. */
      readonly said: readonly BranchFailure[];
    }
  /** A branch has answered; the caller's answer is on its way (with delayed offer: until the caller's ACK). */
  | { readonly kind: 'answering'; readonly winner: LegId }
  | {
      readonly kind: 'talking';
      readonly winner: LegId;
      readonly answeredAt: number;
      readonly codec: AudioCodecName | undefined;
    }
  | {
      readonly kind: 'ended';
      readonly at: number;
      readonly answeredAt: number | undefined;
      readonly winner: LegId | undefined;
      readonly codec: AudioCodecName | undefined;
      readonly reason: EndReason;
      readonly sipStatus: number | undefined;
      readonly q850: number;
    };

/** `bypass`: the SDP goes through unchanged and no port is opened. */
export type CallMedia = 'anchored' | 'bypass';

export interface Call {
  readonly callId: CallId;
  readonly from: string;
  readonly to: string;
  readonly trunk: string | undefined;
  readonly tenant: string;
  /** The user who calls, proven by digest. */
  readonly user: string | undefined;
  /** Where the call came from, as `transport:address:port`; undefined for one that a transfer began. */
  readonly source: string | undefined;
  /** What whoever has asked for the call has said of it. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** The name of the dialplan's decision, '' until there is one. */
  readonly route: string;
  readonly media: CallMedia;
  /** Milliseconds since 1970, like every time here. */
  readonly startedAt: number;
  readonly ringingAt: number | undefined;
  readonly inbound: InboundLeg;
  readonly stages: readonly Stage[];
  /** Not tried yet; one of them may take over when the stages have ended. */
  readonly fallbacks: readonly Fallback[];
  /** Those rung so far, of every stage. */
  readonly branches: readonly Branch[];
  readonly state: CallState;
}

export type NewCall = Pick<
  Call,
  'callId' | 'from' | 'to' | 'trunk' | 'tenant' | 'user' | 'source' | 'inbound' | 'metadata'
>;
