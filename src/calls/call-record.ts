/** The record of one Call: what billing and debugging ask for afterwards. Plain JSON. */
import type { CallId, LegId } from '../kernel/index.ts';
import type { AudioCodecName, TelephoneEventFormat } from '../sdp/index.ts';
import type { AgentRecord } from './agent-record.ts';
import type { CodecRecord } from './call-codecs.ts';
import type { PortReport } from './media-plane.ts';

export type EndReason =
  | 'hangup-caller'
  | 'hangup-callee'
  /** A party went on to another Call, or to a call elsewhere. */
  | 'transferred'
  | 'cancelled'
  | 'busy'
  | 'declined'
  | 'no-answer'
  | 'not-found'
  | 'unavailable'
  | 'not-acceptable'
  | 'forbidden'
  | 'media-failed'
  /** A party that had been heard was not any more. */
  | 'media-timeout'
  | 'timeout'
  /** Its tenant's budget for calls to trunks was used up. */
  | 'fraud'
  /** Over the API. */
  | 'api'
  | 'gateway-shutdown'
  /** Found without an end at the next start: the process was killed. */
  | 'gateway-restart'
  | 'error';

/** One INVITE of an outbound Leg. */
export interface BranchTry {
  readonly at: number;
  readonly sipCallId: string | undefined;
  /** Of a trunk: which of its servers, as `transport:address:port`. */
  readonly server: string | undefined;
}

export interface LegRecord {
  readonly legId: LegId;
  readonly kind: 'sip' | 'webrtc' | 'agent';
  readonly direction: 'inbound' | 'outbound';
  /** Outbound: which of the forks rung one after another it belonged to, from 0. */
  readonly stage: number | undefined;
  /** The URI of the party. */
  readonly party: string;
  readonly trunk: string | undefined;
  /** Of the dialog that came about, or was tried last. */
  readonly sipCallId: string | undefined;
  /** Outbound: its INVITEs, from server to server of a trunk; with the ladder they tell why one was left. */
  readonly tries: readonly BranchTry[];
  readonly ringingAt: number | undefined;
  readonly answeredAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly sipStatus: number | undefined;
  /** Why it was not answered, as Q.850 counts causes. */
  readonly q850: number | undefined;
  readonly codec: AudioCodecName | undefined;
  /** How long the packets are that it is sent, ms. This and the next of the Legs that talk, or talked last. */
  readonly ptimeMs: number | undefined;
  /** As which digits are sent to it; undefined: it has none by RTP. */
  readonly telephoneEvent: TelephoneEventFormat | undefined;
  readonly media: PortReport | undefined;
  /** Of a Leg to an agent: what was said and heard. */
  readonly agent: AgentRecord | undefined;
}

/** Times are milliseconds since 1970, UTC. */
export interface CallRecord {
  readonly callId: CallId;
  readonly from: string;
  readonly to: string;
  readonly trunk: string | undefined;
  /** Who pays: the tenant, and the user when one has proven to be the caller. */
  readonly tenant: string;
  readonly user: string | undefined;
  /** Where the INVITE came from, as `transport:address:port`. */
  readonly source: string | undefined;
  /** What whoever has asked for the call over the API has said of it. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** The rule of the dialplan that decided. */
  readonly route: string;
  readonly startedAt: number;
  readonly ringingAt: number | undefined;
  readonly answeredAt: number | undefined;
  /** The outbound Leg that the caller talked to. */
  readonly answeredBy: LegId | undefined;
  readonly endedAt: number | undefined;
  readonly endReason: EndReason | undefined;
  readonly sipStatus: number | undefined;
  /** The Q.850 cause: what the side that ended the call said, else what the status amounts to. */
  readonly q850: number | undefined;
  /** Of the media that goes through us. */
  readonly codecs: CodecRecord | undefined;
  readonly legs: readonly LegRecord[];
}
