/**
 * What telephony tells the rest of the house about calls and registrations: one union, plain data, read by telemetry.
 * `codec` is undefined where the gateway carries no media (media: bypass).
 */
import type { CallId, LegId } from '../kernel/index.ts';
import type { AudioCodecName } from '../sdp/index.ts';
import type { TurnRecord, UtteranceRecord } from './agent-record.ts';
import type { CallRecord, EndReason } from './call-record.ts';
import type { ConsultationNews } from './consultation.ts';
import type { KeyframeResult } from './media-plane.ts';

export type CallEvent =
  | {
      readonly kind: 'call-started';
      readonly callId: CallId;
      readonly legId: LegId;
      readonly from: string;
      readonly to: string;
      readonly trunk: string | undefined;
      readonly sipCallId: string;
    }
  | { readonly kind: 'leg-invited'; readonly callId: CallId; readonly legId: LegId; readonly to: string }
  | { readonly kind: 'leg-ringing'; readonly callId: CallId; readonly legId: LegId; readonly sipStatus: number }
  | {
      readonly kind: 'leg-answered';
      readonly callId: CallId;
      readonly legId: LegId;
      readonly codec: AudioCodecName | undefined;
    }
  | { readonly kind: 'leg-failed'; readonly callId: CallId; readonly legId: LegId; readonly sipStatus: number }
  | { readonly kind: 'call-answered'; readonly callId: CallId; readonly codec: AudioCodecName | undefined }
  /** A Leg of a call that talks has another codec than before. */
  | { readonly kind: 'codecs-changed'; readonly callId: CallId; readonly isTranscoding: boolean }
  /** Again after `media-away`. */
  | { readonly kind: 'media-up'; readonly callId: CallId; readonly legId: LegId }
  /** Nothing is heard of a browser any more; it has some time to come back. */
  | { readonly kind: 'media-away'; readonly callId: CallId; readonly legId: LegId }
  /** A Leg of a call that talks has sent nothing yet, for as long as it may be silent. */
  | { readonly kind: 'media-missing'; readonly callId: CallId; readonly legId: LegId }
  /** A recording has been played to the Leg to its end. */
  | { readonly kind: 'sound-over'; readonly callId: CallId; readonly legId: LegId }
  /** Of a transfer that begins with a talk. `legId`: who is to be transferred. */
  | {
      readonly kind: 'consultation';
      readonly callId: CallId;
      readonly legId: LegId;
      readonly news: ConsultationNews;
      readonly target: string;
      /** The call to the target; undefined before there is one. */
      readonly consultation: CallId | undefined;
      readonly sipStatus: number | undefined;
    }
  | { readonly kind: 'digit'; readonly callId: CallId; readonly legId: LegId; readonly durationMs: number }
  /** All that an agent has said in one go has been heard, or will not be. */
  | {
      readonly kind: 'agent-utterance';
      readonly callId: CallId;
      readonly legId: LegId;
      readonly agent: string;
      readonly utterance: UtteranceRecord;
    }
  /** An agent has answered what the other party has said. */
  | {
      readonly kind: 'agent-turn';
      readonly callId: CallId;
      readonly legId: LegId;
      readonly agent: string;
      readonly turn: TurnRecord;
    }
  /** A party wants a picture; no video on the other Leg: nothing comes of it. */
  | {
      readonly kind: 'keyframe-requested';
      readonly callId: CallId;
      readonly legId: LegId;
      readonly result: KeyframeResult;
    }
  /** An HTTP server was asked where a call goes; `next`: it left that to the rules. */
  | {
      readonly kind: 'hook-asked';
      readonly callId: CallId;
      readonly rule: string;
      readonly result: 'route' | 'next' | 'failed';
      readonly durationMs: number;
    }
  | {
      readonly kind: 'call-ended';
      readonly callId: CallId;
      readonly reason: EndReason;
      readonly sipStatus: number | undefined;
      readonly record: CallRecord;
    }
  /** A Leg to a trunk was not rung: its number is denied, or there were too many such calls. */
  | {
      readonly kind: 'toll-refused';
      readonly callId: CallId;
      readonly legId: LegId;
      readonly tenant: string;
      readonly why: 'prefix' | 'prefix-rate' | 'user-rate' | 'user-concurrency' | 'budget';
    }
  /** A tenant's budget is used up: so many running calls to trunks were ended. `until` in milliseconds since 1970. */
  | { readonly kind: 'toll-tripped'; readonly tenant: string; readonly until: number; readonly calls: number }
  | {
      readonly kind: 'registered';
      readonly aor: string;
      readonly contact: string;
      readonly expiresSec: number;
      readonly isNew: boolean;
    }
  | {
      readonly kind: 'unregistered';
      readonly aor: string;
      readonly contact: string;
      readonly why: 'request' | 'expired';
    }
  | {
      readonly kind: 'auth-failed';
      readonly method: string;
      readonly sourceAddress: string;
      readonly why: 'credentials' | 'stale' | 'replay' | 'malformed';
    }
  /** Our own registration with a trunk has changed. `server`: the next hop to where it lives. */
  | {
      readonly kind: 'trunk-registration';
      readonly trunk: string;
      readonly state: TrunkRegistrationState;
      readonly server: string | undefined;
      readonly sipStatus: number | undefined;
    }
  /**
   * A trunk was sent no credentials though somebody asked for them. `repeated`: it did not like the ones it got;
   * `unchallenged-dialog`: inside a dialog whose INVITE it took without any.
   */
  | {
      readonly kind: 'challenge-refused';
      readonly trunk: string;
      readonly method: string;
      readonly sourceAddress: string;
      readonly realm: string;
      readonly why: ChallengeRefusal;
    }
  /** `user`: only this account from there; undefined: the address. `until` in milliseconds since 1970. */
  | {
      readonly kind: 'banned';
      readonly sourceAddress: string;
      readonly user: string | undefined;
      readonly until: number;
    };

/** `failed`: no server answered; `refused`: one said no; `ended`: taken back. */
export type TrunkRegistrationState = 'trying' | 'registered' | 'failed' | 'refused' | 'ended';

export type ChallengeRefusal =
  | 'foreign-address'
  | 'foreign-realm'
  | 'repeated'
  | 'unchallenged-dialog'
  | 'no-known-algorithm';

export type CallObserver = (event: CallEvent) => void;
