/** Builds the parts of a call once it is known where it goes: its Legs, their ports, and who reports to whom. */
import type { AgentCallVerbs, AgentFacts, CallInput, CallMedia, Leg, Stage } from '../calls/index.ts';
import type { LegId, PortId } from '../kernel/index.ts';
import { sdpErrors } from '../sdp/index.ts';
import { parseUri } from '../sip/message/index.ts';
import { agentHeaders } from './agent-headers.ts';
import { AgentLeg } from './agent-leg.ts';
import { ALLOW } from './allow.ts';
import { AnchoredMedia } from './anchored-media.ts';
import { type BindingTarget, BranchLeg, type BranchReports } from './branch-leg.ts';
import { BypassMedia } from './bypass-media.ts';
import type { CallParts, LiveBranch } from './call-parties.ts';
import type { BranchMedia } from './call-plans.ts';
import { calledParty } from './called-party.ts';
import { type Caller, profileFor, tenantOf } from './caller.ts';
import { type CallerLocation, callerLocation, inviteWithLocation } from './caller-location.ts';
import { telephonyErrors } from './errors.ts';
import { ForkAnswers } from './fork-answers.ts';
import type { FraudGuard, PaidLegRequest } from './fraud-guard.ts';
import { inviteOnTerms } from './invite-on-terms.ts';
import { JoinMedia } from './join-media.ts';
import type { LegBook } from './leg-book.ts';
import { familyOf, LegMedia } from './leg-media.ts';
import type { LiveCall } from './live-call.ts';
import { spellingsOf } from './number-plan.ts';
import type { ProfilePolicy, TelephonyOptions, TelephonyTimers } from './options.ts';
import { type Diverter, identityHeaders } from './outbound-identity.ts';
import type { Registrar } from './registrar.ts';
import { type BranchTarget, isReachedByTls, type RoutedStage, type Routing } from './routing.ts';
import type { Settings } from './settings.ts';
import type { EngineLink, LocationBody, SipHeaders } from './sip-ports.ts';

import type { StandingLeg } from './standing-leg.ts';
import type { TrunkDirectory } from './trunk-directory.ts';
import { TrunkLeg, type TrunkTarget } from './trunk-leg.ts';

export interface SetupContext {
  readonly options: TelephonyOptions;
  readonly timers: TelephonyTimers;
  readonly registrar: Registrar;
  readonly link: EngineLink;
  readonly settings: Settings;
  readonly legs: LegBook;
  readonly fraud: FraudGuard;
  readonly trunks: TrunkDirectory;
  /** What an agent may do with its call. */
  readonly verbsOf: (live: LiveCall, agentLeg: LegId, facts: AgentFacts) => AgentCallVerbs;
}

type StagesRouting = Extract<Routing, { kind: 'stages' }>;

export interface SetupRequest {
  readonly live: LiveCall;
  readonly caller: Caller;
  readonly inbound: LegMedia;
  /** The caller's SDP, '' when its INVITE had none. */
  readonly offer: string;
  /** A header of the caller's INVITE. */
  readonly header: (name: string) => string | undefined;
  /** What stood beside the offer. */
  readonly locations?: readonly LocationBody[] | undefined;
  /** What Max-Forwards leaves us. */
  readonly maxForwards: number;
  readonly routing: StagesRouting;
  /** Those of the caller's headers that may go on. */
  readonly accepted?: SipHeaders;
  /** Further ones of the INVITEs. */
  readonly headers?: SipHeaders;
  /** The inbound party talks already: a transfer. */
  readonly standing?: { readonly legs: ReadonlyMap<LegId, StandingLeg>; readonly onJoined: () => void };
}

export interface SetUpCall {
  readonly parts: CallParts;
  readonly input: Extract<CallInput, { kind: 'routed' }>;
}

export function setUpCall(request: SetupRequest, context: SetupContext): SetUpCall {
  const { routing } = request;
  const planned: Planned[] = [];
  const plan = (stage: RoutedStage): Stage => {
    const legs = stage.targets.map((target) => ({ leg: legFor(target, context), target, diverter: stage.diverter }));
    planned.push(...legs);
    return {
      branches: legs.map(({ leg }) => leg),
      ringMs: stage.ringMs ?? context.timers.noAnswerMs,
      on: stage.on,
      spares: stage.spares,
      unreachable: stage.unreachable,
    };
  };
  const stages = routing.stages.map(plan);
  const fallbacks = routing.fallbacks.map((each) => ({ on: each.on, stages: each.stages.map(plan) }));
  for (const { leg, target } of planned) {
    const party = calledParty(target, context.settings);
    if (party !== undefined) context.legs.add({ legId: leg.legId, home: request.live, party });
  }
  const claimed = new Set(planned.flatMap(({ target }) => (target.kind === 'binding' ? [target.binding.id] : [])));
  const location = locationOf(request);
  const branches = new Map<LegId, LiveBranch>(
    planned.map(({ leg, target, diverter }) => [
      leg.legId,
      branchOf({ leg, target, diverter, claimed, request, location }, context),
    ]),
  );
  const isBypass = bypasses(request);
  const work = isBypass
    ? new BypassMedia(request.offer, (legId) => request.live.parties.peerOf(legId))
    : anchoredMedia(request, planned, context);
  const media: CallMedia = isBypass ? 'bypass' : 'anchored';
  return {
    parts: { media: work, branches },
    input: { kind: 'routed', route: routing.rule, media, stages, fallbacks },
  };
}

function legFor(target: BranchTarget, { options }: SetupContext): Leg {
  const legId = options.random.hex(8) as LegId;
  const trunk = target.kind === 'trunk' ? target.trunk.name : undefined;
  return { legId, portId: `port-${legId}` as PortId, kind: kindOf(target), party: partyOf(target), trunk };
}

function kindOf(target: BranchTarget): Leg['kind'] {
  if (target.kind === 'built-in' || target.kind === 'agent') return 'agent';
  return target.kind === 'binding' && (target.binding.transport === 'ws' || target.binding.transport === 'wss')
    ? 'webrtc'
    : 'sip';
}

function partyOf(target: BranchTarget): string {
  switch (target.kind) {
    case 'built-in':
      return `agent:${target.endpoint}`;
    case 'agent':
      return `agent:${target.agent.name}`;
    case 'trunk':
      return `sip:${target.number}@${[target.trunk.target].flat()[0]?.replace(/^sips?:/i, '')}`;
    case 'binding':
      return target.binding.aor;
  }
}

/** Trunk to trunk, when both profiles say so and there is an SDP to pass through. */
export function bypasses({ caller, routing, offer }: Pick<SetupRequest, 'caller' | 'routing' | 'offer'>): boolean {
  const all = [...routing.stages, ...routing.fallbacks.flatMap(({ stages }) => stages)];
  const [target, ...others] = all.flatMap(({ targets }) => targets);
  if (caller.kind !== 'trunk' || caller.profile.media !== 'bypass' || offer === '' || others.length > 0) return false;
  return target?.kind === 'trunk' && target.trunk.profile.media === 'bypass';
}

interface Planned {
  readonly leg: Leg;
  readonly diverter: Diverter | undefined;
  readonly target: BranchTarget;
}

function anchoredMedia(
  { live, inbound, standing }: SetupRequest,
  planned: readonly Planned[],
  { options, settings, trunks }: SetupContext,
): AnchoredMedia {
  const { media, random, clock } = options;
  const { callId } = live.call;
  const branches = planned.map(({ leg, target }): [LegId, BranchMedia] => {
    const owner = { callId, legId: leg.legId, portId: leg.portId };
    if (target.kind === 'built-in') return [leg.legId, { kind: 'built-in', leg: { owner, endpoint: target.endpoint } }];
    if (target.kind === 'agent') return [leg.legId, { kind: 'built-in', leg: { owner, endpoint: target.agent } }];
    const profile = profileOf(target, settings);
    const signalingAddress = target.kind === 'binding' ? target.binding.sourceAddress : undefined;
    const family = familyOf(target.kind === 'trunk' ? trunks.addressOf(target.trunk) : signalingAddress);
    const kind = leg.kind === 'webrtc' ? 'webrtc' : 'rtp';
    const isSecure = isReachedByTls(target);
    return [
      leg.legId,
      {
        kind: 'sip',
        leg: new LegMedia({
          owner,
          kind,
          profile,
          media,
          random,
          isSecure,
          signalingAddress,
          ...(family === undefined ? {} : { family }),
        }),
      },
    ];
  });
  const parts = { inbound, branches: new Map(branches), media, clock, logger: live.logger };
  if (standing === undefined) return new AnchoredMedia(parts);
  const isWanted = (): boolean => live.call.state.kind === 'answering';
  return new JoinMedia({ ...parts, standing: standing.legs, isWanted, onJoined: standing.onJoined });
}

function profileOf(target: BindingTarget | TrunkTarget, { profiles }: Settings): ProfilePolicy {
  return target.kind === 'trunk' ? target.trunk.profile : profileFor(target.binding.transport, profiles);
}

interface BranchRequest {
  readonly leg: Leg;
  readonly target: BindingTarget | TrunkTarget;
  readonly diverter: Diverter | undefined;
  readonly claimed: Set<string>;
  readonly request: SetupRequest;
  readonly location: CallerLocation | undefined;
}

function branchOf(
  branch: Omit<BranchRequest, 'target'> & { readonly target: BranchTarget },
  context: SetupContext,
): LiveBranch {
  const { target } = branch;
  if (target.kind === 'built-in') return 'built-in';
  return target.kind === 'agent' ? agentLeg(target.agent, branch, context) : sipLeg({ ...branch, target }, context);
}

function agentLeg(
  facts: AgentFacts,
  { leg, request }: Omit<BranchRequest, 'target'>,
  { options: { agents, observer }, verbsOf }: SetupContext,
): AgentLeg {
  const { live, caller } = request;
  const { identity } = caller;
  const { legId, portId } = leg;
  const ofAgent = { callId: live.call.callId, legId, agent: facts.name };
  if (agents === undefined) throw telephonyErrors.TELEPHONY_UNKNOWN_LEG([legId]);
  return new AgentLeg({
    desk: agents,
    verbs: verbsOf(live, legId, facts),
    call: {
      agent: facts.name,
      callId: live.call.callId,
      legId,
      portId,
      from: identity.isPrivate === true ? '' : identity.user,
      to: parseUri(live.call.to)?.user ?? '',
    },
    reports: {
      onRinging: () => {
        live.feed({ kind: 'branch-invited', legId, sipCallId: undefined });
        live.feed({ kind: 'branch-ringing', legId, sipStatus: 180, early: false });
      },
      onAnswered: () => live.onBranchAnswered(legId, ''),
      onFailed: (sipStatus) => live.feed({ kind: 'branch-failed', legId, sipStatus }),
      onHangUp: () => live.onBye(legId, { reason: undefined, isLost: false }),
      onUtterance: (utterance) => observer({ kind: 'agent-utterance', ...ofAgent, utterance }),
      onTurn: (turn) => observer({ kind: 'agent-turn', ...ofAgent, turn }),
    },
  });
}

function sipLeg(branch: BranchRequest, context: SetupContext): BranchLeg | TrunkLeg {
  const { leg, target, claimed, request, location } = branch;
  const { legId } = leg;
  const { live } = request;
  const { registrar, timers, options, settings, trunks } = context;
  const { clock } = options;
  const located = location === undefined ? context.link : inviteWithLocation(context.link, location, options.random);
  const link = inviteOnTerms(located, profileOf(target, settings));
  const headers = headersFor(branch, context);
  const reports = reportsOf(live, legId, context);
  if (target.kind === 'binding') {
    const { reregisterWaitMs } = timers;
    return new BranchLeg({ target, headers, link, registrar, clock, reregisterWaitMs, claimed, reports });
  }
  const { isEmergency } = request.routing;
  const isFree = isEmergency || target.trunk.agent !== undefined;
  const payFor = isFree ? undefined : () => context.fraud.enter(...paidLeg({ target, legId, request }, context));
  return new TrunkLeg({ target, isEmergency, payFor, headers, link, trunks, clock, logger: live.logger, reports });
}

/** Who pays for a Leg, and what ends it. */
function paidLeg(
  { target, legId, request }: { target: TrunkTarget; legId: LegId; request: SetupRequest },
  { legs }: SetupContext,
): [PaidLegRequest, () => void] {
  const { live, caller } = request;
  const user = caller.kind === 'user' ? caller.user.name : undefined;
  const numbers = spellingsOf(target.number, target.trunk.profile.numbers);
  const paid = { callId: live.call.callId, legId, tenant: tenantOf(caller), user, numbers };
  return [paid, () => (legs.find(legId)?.home ?? live).feed({ kind: 'stopped', why: 'fraud' })];
}

function reportsOf(live: LiveCall, legId: LegId, { legs }: SetupContext): BranchReports {
  const home = (): LiveCall => legs.find(legId)?.home ?? live;
  const forks = new ForkAnswers();
  return {
    onInvited: (sipCallId, server) => live.feed({ kind: 'branch-invited', legId, sipCallId, server }),
    onRinging: (reply) => live.onBranchRinging(legId, reply.status, forks.onProvisional(reply)),
    onAnswered: (reply) => {
      const answer = forks.onAnswered(reply);
      // A fork that answers without an answer (RFC 3261 §13.2.1) cannot mean what another one has said.
      if (answer === '') live.refuseAnswer(legId, sdpErrors.SDP_NO_AUDIO());
      else live.onBranchAnswered(legId, answer);
    },
    onFailed: (reply) => live.onBranchFailed(legId, reply),
    onBye: (end) => home().onBye(legId, end),
    onOffer: (offer) => home().onOffer(legId, offer),
    onRequest: (inDialog) => home().onRequest(legId, inDialog),
    onAck: (body, cseq) => home().onAck(legId, body, cseq),
  };
}

/** Of the caller's own headers only what lists and trust let through: the two sides do not see each other's network. */
function headersFor({ target, diverter, request }: BranchRequest, { settings }: SetupContext): SipHeaders {
  const { caller, routing, maxForwards, headers, accepted = {} } = request;
  const { callerId, isEmergency } = routing;
  const profile = profileOf(target, settings);
  const { domain } = settings;
  return {
    ...identityHeaders({ caller, target, profile, domain, callerId, isEmergency, accepted, diverter }),
    ...(target.kind === 'trunk' ? agentHeadersFor(target, request) : {}),
    'Max-Forwards': String(maxForwards),
    Allow: ALLOW,
    ...headers,
  };
}

function agentHeadersFor({ trunk }: TrunkTarget, { live, caller }: SetupRequest): SipHeaders {
  const { callId, to } = live.call;
  const from = caller.identity.isPrivate === true ? '' : caller.identity.user;
  return agentHeaders(trunk.agent?.headers ?? {}, { callId, from, to: parseUri(to)?.user ?? '' });
}

/** Only of a call for help: where somebody is concerns nobody else. */
function locationOf({ routing, live, header, locations }: SetupRequest): CallerLocation | undefined {
  if (!routing.isEmergency) return undefined;
  const location = callerLocation(header, locations);
  const told = { references: location?.references.length ?? 0, bodies: location?.bodies.length ?? 0 };
  live.logger.info(told, 'emergency call');
  return location;
}
