/** The call that a transfer makes: a party that talks already in the caller's place, and whoever is to be its new counterpart. */
import type { Leg, NewCall } from '../calls/index.ts';
import { parseNameAddr } from '../sip/message/index.ts';
import type { CallParts } from './call-parties.ts';
import { type SetupContext, setUpCall } from './call-setup.ts';
import { tenantOf } from './caller.ts';
import { JoinMedia } from './join-media.ts';
import { JoinedBranch } from './joined-branch.ts';
import type { LegBook } from './leg-book.ts';
import type { LegMedia } from './leg-media.ts';
import type { LiveCall } from './live-call.ts';
import { DEFAULT_TENANT } from './options.ts';
import type { ReferRequest } from './refer.ts';
import type { SipHeaders } from './sip-ports.ts';
import { StandingLeg } from './standing-leg.ts';
import type { Replaced, TransferTarget } from './transfer-target.ts';
import { TransfereeLeg } from './transferee-leg.ts';

const MAX_FORWARDS = 70;

export interface TransferCallContext extends SetupContext {
  readonly legs: LegBook;
  readonly openCall: (born: Omit<NewCall, 'callId'>) => LiveCall;
}

export interface TransferCallRequest {
  readonly transferee: StandingLeg;
  readonly target: Extract<TransferTarget, { kind: 'route' | 'join' }>;
  readonly refer: ReferRequest;
  /** For the INVITE to the target. */
  readonly referredBy: string;
  readonly onProgress: (status: number) => void;
  /** The former calls can let go of their parties. */
  readonly onJoined: () => void;
  readonly onFailed: (status: number) => void;
}

/** Starts it. What it returns calls it off, as long as it has not come about. */
export function startTransferCall(
  request: TransferCallRequest,
  context: TransferCallContext,
): (reason: string) => void {
  const { transferee, target, refer } = request;
  const { leg } = transferee.parts;
  const party = context.legs.find(leg.legId)?.party;
  const live = context.openCall({
    from: leg.party,
    to: refer.uri,
    trunk: party?.kind === 'trunk' ? party.trunk.name : undefined,
    tenant: party === undefined ? DEFAULT_TENANT : tenantOf(party),
    user: party?.kind === 'user' ? party.user.name : undefined,
    source: undefined,
    metadata: transferee.former.call.metadata,
    inbound: leg,
  });
  const { onProgress, onFailed } = request;
  live.start(new TransfereeLeg(transferee, { onProgress, onFailed, onJoined: () => live.onCallerJoined() }));
  const join = { live, transferee, onJoined: request.onJoined };
  if (target.kind === 'join') {
    joinStanding({ ...join, replaced: target.replaced, inbound: transferee.parts.media }, context);
  } else if (party !== undefined) {
    const { parts, input } = setUpCall(
      {
        live,
        caller: party,
        inbound: transferee.parts.media,
        offer: '',
        maxForwards: MAX_FORWARDS,
        routing: target.routing,
        header: () => undefined,
        headers: headersOf(request),
        standing: {
          legs: new Map([[leg.legId, transferee]]),
          onJoined: () => {
            transferee.take(live);
            request.onJoined();
          },
        },
      },
      context,
    );
    live.route(input, parts);
  }
  return (reason) => live.feed({ kind: 'caller-cancelled', reason });
}

/** RFC 3892: who has sent the call there. A Replaces that names no dialog of ours is for the target (RFC 3891 §4). */
function headersOf({ refer, referredBy }: TransferCallRequest): SipHeaders {
  const by = parseNameAddr(referredBy) === undefined ? {} : { 'Referred-By': referredBy };
  const { replacesValue } = refer;
  return replacesValue === undefined ? by : { ...by, Replaces: replacesValue, Require: 'replaces' };
}

export interface JoinRequest {
  readonly live: LiveCall;
  readonly inbound: LegMedia;
  /** Undefined: the inbound party is new, its INVITE brought the Replaces. */
  readonly transferee: StandingLeg | undefined;
  readonly replaced: Replaced;
  readonly onJoined: () => void;
}

/** Joins the call's inbound party with one that talks already, whose counterpart is replaced. False: it is gone. */
export function joinStanding(request: JoinRequest, context: TransferCallContext): boolean {
  const { live, inbound, transferee, replaced } = request;
  const { home, remaining, replaced: left } = replaced;
  const parts = home.parties.standing(remaining);
  if (parts === undefined) {
    live.route({ kind: 'refused', sipStatus: 481 }, undefined);
    return false;
  }
  const joined = new StandingLeg(parts, home, context.legs);
  const { legId, portId, kind, party } = parts.leg;
  const leg: Leg = { legId, portId, kind, party };
  const standing = new Map([[legId, joined]]);
  if (transferee !== undefined) standing.set(transferee.parts.leg.legId, transferee);
  const media = new JoinMedia({
    inbound,
    branches: new Map([[legId, { kind: 'sip', leg: parts.media }]]),
    media: context.options.media,
    clock: context.options.clock,
    logger: live.logger,
    standing,
    isWanted: () => live.call.state.kind === 'answering' && home.parties.counterpartOf(left) === remaining,
    onJoined: () => {
      for (const each of standing.values()) each.take(live);
      home.feed({ kind: 'transferred', moved: remaining });
      request.onJoined();
    },
  });
  const branch = new JoinedBranch(joined, {
    onInvited: (sipCallId) => live.feed({ kind: 'branch-invited', legId, sipCallId }),
    onAnswered: () => live.onBranchAnswered(legId, ''),
  });
  const callParts: CallParts = { media, branches: new Map([[legId, branch]]) };
  const stage = { branches: [leg], ringMs: context.timers.noAnswerMs, on: [], spares: undefined, unreachable: 480 };
  live.route({ kind: 'routed', route: 'transfer', media: 'anchored', stages: [stage], fallbacks: [] }, callParts);
  return true;
}
