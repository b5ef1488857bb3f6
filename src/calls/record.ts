/** The CallRecord that a Call amounts to at any moment. */
import type { LegId } from '../kernel/index.ts';
import type { AgentRecord } from './agent-record.ts';
import type { Branch, Call } from './call.ts';
import type { CallCodecs, CodecRecord } from './call-codecs.ts';
import type { CallRecord, LegRecord } from './call-record.ts';
import type { PortReport } from './media-plane.ts';
import { q850In, q850Of } from './q850.ts';

/** What is known of a call beside its state. */
export interface CallFacts {
  /** What went over the ports that are closed already. */
  readonly reports?: ReadonlyMap<LegId, PortReport>;
  /** What the Legs that talk exchange, and why. */
  readonly codecs?: CallCodecs | undefined;
  readonly agentOf?: (legId: LegId) => AgentRecord | undefined;
}

export function callRecordOf(call: Call, facts: CallFacts = {}): CallRecord {
  const { codecs } = facts;
  const ended = call.state.kind === 'ended' ? call.state : undefined;
  const answer = call.state.kind === 'talking' ? call.state : ended;
  const { callId, from, to, trunk, tenant, user, source, route, startedAt, ringingAt } = call;
  return {
    callId,
    from,
    to,
    trunk,
    tenant,
    user,
    source,
    ...(call.metadata === undefined ? {} : { metadata: call.metadata }),
    route,
    startedAt,
    ringingAt,
    answeredAt: answer?.answeredAt,
    answeredBy: answer?.winner,
    endedAt: ended?.at,
    endReason: ended?.reason,
    sipStatus: ended?.sipStatus,
    q850: ended?.q850,
    codecs: codecs === undefined ? undefined : codecRecordOf(codecs),
    legs: legRecordsOf(call, facts),
  };
}

function legRecordsOf(call: Call, { reports = new Map(), codecs, agentOf }: CallFacts): readonly LegRecord[] {
  const legs = [inboundRecord(call, reports), ...call.branches.map((branch) => branchRecord(branch, reports))];
  return legs.map((leg) => ({
    ...leg,
    agent: agentOf?.(leg.legId),
    ptimeMs: undefined,
    telephoneEvent: undefined,
    ...codecs?.legs.get(leg.legId),
  }));
}

function codecRecordOf({ reason, isTranscoding, transcodingSince, transcodedSec, replans }: CallCodecs): CodecRecord {
  return { reason, isTranscoding, transcodingSince, transcodedSec, replans };
}

type BareLegRecord = Omit<LegRecord, 'ptimeMs' | 'telephoneEvent' | 'agent'>;

function inboundRecord(call: Call, reports: ReadonlyMap<LegId, PortReport>): BareLegRecord {
  const { legId, kind, party, sipCallId } = call.inbound;
  const { state } = call;
  const answer = state.kind === 'talking' || state.kind === 'ended' ? state : undefined;
  const ended = state.kind === 'ended' ? state : undefined;
  return {
    legId,
    kind,
    direction: 'inbound',
    stage: undefined,
    party,
    trunk: call.trunk,
    sipCallId,
    tries: [],
    ringingAt: call.ringingAt,
    answeredAt: answer?.answeredAt,
    endedAt: ended?.at,
    ...(answer?.answeredAt === undefined
      ? { sipStatus: ended?.sipStatus, q850: ended?.q850 }
      : { sipStatus: 200, q850: undefined }),
    codec: answer?.codec,
    media: reports.get(legId),
  };
}

function branchRecord(branch: Branch, reports: ReadonlyMap<LegId, PortReport>): BareLegRecord {
  const { legId, kind, stage, party, trunk, sipCallId, tries, ringingAt, state } = branch;
  const media = reports.get(legId);
  const known = { legId, kind, direction: 'outbound', stage, party, trunk, sipCallId, tries, ringingAt } as const;
  const common = { ...known, media, q850: undefined };
  switch (state.kind) {
    case 'rung':
    case 'ringing':
      return { ...common, answeredAt: undefined, endedAt: undefined, sipStatus: undefined, codec: undefined };
    case 'answered':
      return { ...common, answeredAt: state.at, endedAt: undefined, sipStatus: 200, codec: state.codec };
    case 'cancelled':
      return { ...common, answeredAt: undefined, endedAt: state.at, sipStatus: 487, codec: undefined };
    case 'failed':
      return {
        ...common,
        answeredAt: undefined,
        endedAt: state.at,
        sipStatus: state.sipStatus,
        q850: q850In(state.reason) ?? q850Of(state.sipStatus),
        codec: undefined,
      };
    case 'ended':
      return { ...common, answeredAt: state.answeredAt, endedAt: state.at, sipStatus: 200, codec: state.codec };
  }
}
