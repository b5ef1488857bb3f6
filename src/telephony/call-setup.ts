/** Builds the parts of a call once it is known where it goes: its Legs, their ports, and who reports to whom. */
import type { CallMedia, Leg, Stage } from '../calls/index.ts';
import type { LegId, PortId } from '../kernel/index.ts';
import { formatNameAddr, parseUri } from '../sip/message/index.ts';
import { AnchoredMedia, type BranchMedia } from './anchored-media.ts';
import { BranchLeg, type SipTarget } from './branch-leg.ts';
import { BypassMedia } from './bypass-media.ts';
import { type Caller, profileFor } from './caller.ts';
import { ForkAnswers } from './fork-answers.ts';
import { familyOf, LegMedia } from './leg-media.ts';
import type { CallParts, LiveBranch, LiveCall } from './live-call.ts';
import type { ProfilePolicy, TelephonyOptions, TelephonyTimers } from './options.ts';
import type { Registrar } from './registrar.ts';
import type { BranchTarget, RoutedStage } from './routing.ts';
import type { EngineLink, SipHeaders } from './sip-ports.ts';

export interface SetupContext {
  readonly options: TelephonyOptions;
  readonly timers: TelephonyTimers;
  readonly registrar: Registrar;
  readonly link: EngineLink;
}

export interface SetupRequest {
  readonly live: LiveCall;
  readonly caller: Caller;
  readonly inbound: LegMedia;
  /** The caller's SDP, '' when its INVITE had none. */
  readonly offer: string;
  /** What Max-Forwards leaves us. */
  readonly maxForwards: number;
  readonly stages: readonly RoutedStage[];
}

export interface SetUpCall {
  readonly parts: CallParts;
  readonly stages: readonly Stage[];
  readonly media: CallMedia;
}

export function setUpCall(request: SetupRequest, context: SetupContext): SetUpCall {
  const { random } = context.options;
  const plannedStages = request.stages.map((stage) => ({
    ...stage,
    planned: stage.targets.map((target): Planned => {
      const legId = random.hex(8) as LegId;
      return {
        leg: { legId, portId: `port-${legId}` as PortId, kind: kindOf(target), party: partyOf(target) },
        target,
      };
    }),
  }));
  const planned = plannedStages.flatMap((stage) => stage.planned);
  const claimed = new Set(planned.flatMap(({ target }) => (target.kind === 'binding' ? [target.binding.id] : [])));
  const branches = new Map<LegId, LiveBranch>(
    planned.map(({ leg, target }) => [
      leg.legId,
      target.kind === 'built-in' ? 'built-in' : branchLeg({ leg, target, claimed, request }, context),
    ]),
  );
  const isBypass = bypasses(request);
  const media = isBypass
    ? new BypassMedia(request.offer, (legId) => request.live.peerOf(legId))
    : anchoredMedia(request, planned, context);
  const stages = plannedStages.map(
    (stage): Stage => ({
      branches: stage.planned.map(({ leg }) => leg),
      ringMs: stage.ringMs ?? context.timers.noAnswerMs,
      on: stage.on,
      unreachable: stage.unreachable,
    }),
  );
  return { parts: { media, branches }, stages, media: isBypass ? 'bypass' : 'anchored' };
}

function kindOf(target: BranchTarget): Leg['kind'] {
  if (target.kind === 'built-in') return 'agent';
  return target.kind === 'binding' && (target.binding.transport === 'ws' || target.binding.transport === 'wss')
    ? 'webrtc'
    : 'sip';
}

function partyOf(target: BranchTarget): string {
  switch (target.kind) {
    case 'built-in':
      return `agent:${target.endpoint}`;
    case 'trunk':
      return `sip:${target.number}@${target.trunk.target}`;
    case 'binding':
      return target.binding.aor;
  }
}

/** Trunk to trunk, when both profiles say so and there is an SDP to pass through. */
export function bypasses({ caller, stages, offer }: Pick<SetupRequest, 'caller' | 'stages' | 'offer'>): boolean {
  const [target, ...others] = stages.flatMap(({ targets }) => targets);
  if (caller.kind !== 'trunk' || caller.profile.media !== 'bypass' || offer === '' || others.length > 0) return false;
  return target?.kind === 'trunk' && target.trunk.profile.media === 'bypass';
}

interface Planned {
  readonly leg: Leg;
  readonly target: BranchTarget;
}

function anchoredMedia(
  { live, inbound }: SetupRequest,
  planned: readonly Planned[],
  { options }: SetupContext,
): AnchoredMedia {
  const { media, random } = options;
  const { callId } = live.call;
  const branches = planned.map(({ leg, target }): [LegId, BranchMedia] => {
    const owner = { callId, legId: leg.legId, portId: leg.portId };
    if (target.kind === 'built-in') return [leg.legId, { kind: 'built-in', leg: { owner, endpoint: target.endpoint } }];
    const profile = profileOf(target, options);
    const family = familyOf(target.kind === 'binding' ? target.binding.sourceAddress : target.trunk.target);
    const kind = leg.kind === 'webrtc' ? 'webrtc' : 'rtp';
    return [
      leg.legId,
      {
        kind: 'sip',
        leg: new LegMedia({ owner, kind, profile, media, random, ...(family === undefined ? {} : { family }) }),
      },
    ];
  });
  return new AnchoredMedia({ inbound, branches: new Map(branches), media, logger: live.logger });
}

function profileOf(target: SipTarget, { profiles }: TelephonyOptions): ProfilePolicy {
  return target.kind === 'trunk' ? target.trunk.profile : profileFor(target.binding.transport, profiles);
}

interface BranchRequest {
  readonly leg: Leg;
  readonly target: SipTarget;
  readonly claimed: Set<string>;
  readonly request: SetupRequest;
}

function branchLeg({ leg: { legId }, target, claimed, request }: BranchRequest, context: SetupContext): BranchLeg {
  const { live } = request;
  const { registrar, link, timers, options } = context;
  const forks = new ForkAnswers();
  return new BranchLeg({
    target,
    headers: headersFor(target, request, options.domain),
    link,
    registrar,
    clock: options.clock,
    reregisterWaitMs: timers.reregisterWaitMs,
    claimed,
    reports: {
      onInvited: (sipCallId) => live.feed({ kind: 'branch-invited', legId, sipCallId }),
      onRinging: (reply) => live.onBranchRinging(legId, reply.status, forks.onProvisional(reply)),
      onAnswered: (reply) => live.onBranchAnswered(legId, forks.onAnswered(reply)),
      onFailed: (reply) => live.onBranchFailed(legId, reply),
      onBye: (end) => live.onBye(legId, end),
      onOffer: (offer) => live.onOffer(legId, offer),
      onRequest: (inDialog) => live.onRequest(legId, inDialog),
      onAck: (body) => live.onAck(legId, body),
    },
  });
}

/** Nothing of the caller's own headers goes through but who it is: the two sides do not see each other's network. */
function headersFor(target: SipTarget, { caller, maxForwards }: SetupRequest, domain: string): SipHeaders {
  const { user, displayName } = caller.identity;
  const callerId = target.kind === 'trunk' ? (target.trunk.callerId ?? user) : user;
  const uri = `sip:${callerId}@${domain}`;
  // A user part that would not parse in a URI came from a tel number or a foreign From: it is not passed on.
  const from = formatNameAddr({
    displayName,
    uri: parseUri(uri) === undefined ? `sip:anonymous@${domain}` : uri,
    params: new Map(),
  });
  return { From: from, 'Max-Forwards': String(maxForwards), Allow: 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE' };
}
