/**
 * The life of a Call: RFC 3261 as a B2BUA lives it, one inbound Leg and stages of branches (stage.ts) rung for it.
 * Pure: what must be sent, opened, closed or told goes out as outputs; the performer feeds back what came of it.
 * A Call ends once. After that the only thing left to do is to hang up on a branch whose 200 crossed our CANCEL.
 */
import type { LegId } from '../kernel/index.ts';
import type { AudioCodecName } from '../sdp/index.ts';
import { branchOf, callOff, closePort, isPending, withBranch } from './branches.ts';
import type { Branch, Call, NewCall } from './call.ts';
import type { CallEvent } from './call-event.ts';
import type { CallInput } from './call-input.ts';
import type { CallOutput, CallStep } from './call-output.ts';
import type { EndReason } from './call-record.ts';
import { endReasonOf, mayRing } from './outcome.ts';
import { forgetEarly, hearProgress } from './progress.ts';
import { NORMAL_CLEARING, q850In, q850Of } from './q850.ts';
import { withRingback } from './ringback.ts';
import { BEFORE_FIRST, closeStage, currentBranches, endOfHunt, ringNext } from './stage.ts';

const ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"';
const NO_ANSWER = 'SIP;cause=408;text="No answer"';

/** 102, recovery on timer expiry: what stands for timeouts in RFC 3398 §8.2.6.1, told as RFC 3326 §2 has it. */
const MEDIA_TIMEOUT = 'Q.850;cause=102;text="Media timeout"';

/** 21, call rejected: not the network's doing, and nothing to try again (Q.850). */
const REJECTED = 'Q.850;cause=21;text="Call rejected"';

/** A Call at the moment its INVITE is taken in. */
export function startCall(born: NewCall, now: number): CallStep {
  const call: Call = {
    ...born,
    route: '',
    media: 'anchored',
    startedAt: now,
    ringingAt: undefined,
    stages: [],
    fallbacks: [],
    branches: [],
    state: { kind: 'routing' },
  };
  const { callId, from, to, trunk, inbound } = call;
  const event: CallEvent = {
    kind: 'call-started',
    callId,
    legId: inbound.legId,
    from,
    to,
    trunk,
    sipCallId: inbound.sipCallId,
  };
  return { call, outputs: [{ kind: 'event', event }, { kind: 'save' }] };
}

/** The next Call, and what must be done for it. `now` in milliseconds since 1970. */
export function step(call: Call, input: CallInput, now: number): CallStep {
  return withRingback(call, advance(call, input, now));
}

function advance(call: Call, input: CallInput, now: number): CallStep {
  switch (input.kind) {
    case 'routed':
      return call.state.kind === 'routing' ? onRouted(call, input, now) : stay(call);
    case 'refused':
      return call.state.kind === 'routing'
        ? finish(
            { ...call, route: input.route ?? call.route },
            { reason: endReasonOf(input.sipStatus), sipStatus: input.sipStatus },
            now,
          )
        : stay(call);
    case 'branch-invited':
      return onInvited(call, input, now);
    case 'branch-ringing':
      return onRinging(call, input, now);
    case 'branch-answered':
      return onAnswered(call, input, now);
    case 'branch-failed':
      return onFailed(call, input, now);
    case 'caller-answered':
      return onCallerAnswered(call, input.codec, now);
    case 'transferred':
      return call.state.kind === 'talking' ? onTransferred(call, input.moved, now) : stay(call);
    case 'media-timeout':
      return onMediaTimeout(call, input, now);
    case 'caller-cancelled':
    case 'no-answer':
    case 'hangup':
    case 'media-failed':
    case 'failed':
    case 'stopped':
    case 'shutdown':
      return call.state.kind === 'ended' ? stay(call) : onEnding(call, input, now);
  }
}

type EndingInput = Extract<
  CallInput,
  { kind: 'caller-cancelled' | 'no-answer' | 'hangup' | 'media-failed' | 'failed' | 'stopped' | 'shutdown' }
>;

function onEnding(call: Call, input: EndingInput, now: number): CallStep {
  switch (input.kind) {
    case 'caller-cancelled':
      // The engine has answered the INVITE with 487 already (drachtio answers CANCEL itself).
      return call.state.kind === 'talking'
        ? stay(call)
        : finish(
            call,
            { reason: 'cancelled', sipStatus: 487, cause: input.reason, cancelReason: input.reason, callerGone: true },
            now,
          );
    case 'no-answer':
      return call.state.kind === 'ringing' ? onStageTime(call, now) : stay(call);
    case 'hangup':
      return onHangup(call, input, now);
    case 'media-failed':
      return onMediaFailed(call, input.legId, now);
    case 'failed':
      return finish(call, { reason: endReasonOf(input.sipStatus), sipStatus: input.sipStatus }, now);
    case 'stopped':
      return input.why === 'fraud'
        ? finish(call, { reason: 'fraud', sipStatus: 403, cause: REJECTED, byeReason: REJECTED }, now)
        : onStoppedByApi(call, `Q.850;cause=${input.q850}`, now);
    case 'shutdown':
      return finish(
        call,
        { reason: 'gateway-shutdown', sipStatus: 480, byeReason: 'SIP;cause=503;text="Gateway shutting down"' },
        now,
      );
  }
}

function onStoppedByApi(call: Call, cause: string, now: number): CallStep {
  return finish(call, { reason: 'api', sipStatus: 480, cause, byeReason: cause, cancelReason: cause }, now);
}

function stay(call: Call, ...outputs: readonly CallOutput[]): CallStep {
  return { call, outputs };
}

function onRouted(call: Call, input: Extract<CallInput, { kind: 'routed' }>, now: number): CallStep {
  const { route, media, stages, fallbacks } = input;
  const opened: CallOutput[] = media === 'anchored' ? [{ kind: 'open-port', legId: call.inbound.legId }] : [];
  const first = huntOn({ ...call, route, media, stages, fallbacks, state: BEFORE_FIRST }, now);
  return { call: first.call, outputs: [...opened, ...first.outputs] };
}

/** Rings the next stage, or ends the call when that may not be or nobody is left. */
function huntOn(call: Call, now: number): CallStep {
  const next = ringNext(call);
  return next.outputs.length > 0
    ? { call: next.call, outputs: [...next.outputs, { kind: 'save' }] }
    : finish(next.call, endOfHunt(next.call), now);
}

function onInvited(call: Call, input: Extract<CallInput, { kind: 'branch-invited' }>, now: number): CallStep {
  const branch = branchOf(call, input.legId);
  if (branch === undefined) return stay(call);
  const { sipCallId, server } = input;
  const next = withBranch(call, { ...branch, sipCallId, tries: [...branch.tries, { at: now, sipCallId, server }] });
  if (call.state.kind === 'ended') return stay(next);
  return stay(next, {
    kind: 'event',
    event: { kind: 'leg-invited', callId: call.callId, legId: branch.legId, to: branch.party },
  });
}

function onRinging(call: Call, input: Extract<CallInput, { kind: 'branch-ringing' }>, now: number): CallStep {
  const branch = branchOf(call, input.legId);
  if (call.state.kind !== 'ringing' || branch === undefined || !isPending(branch.state)) return stay(call);
  const { callId } = call;
  const { legId } = branch;
  const { sipStatus } = input;
  const { state, progress } = hearProgress(call.state, { ...input, isOnly: currentBranches(call).length === 1 });
  const next: Call = {
    ...withBranch(call, {
      ...branch,
      ...rungBy(branch, input),
      ringingAt: branch.ringingAt ?? now,
      state: { kind: 'ringing' },
    }),
    ringingAt: sipStatus === 180 || input.early ? (call.ringingAt ?? now) : call.ringingAt,
    state,
  };
  const outputs: CallOutput[] = [];
  if (branch.state.kind === 'rung')
    outputs.push({ kind: 'event', event: { kind: 'leg-ringing', callId, legId, sipStatus } });
  if (progress !== undefined) outputs.push({ kind: 'progress', ...progress });
  return { call: next, outputs };
}

function rungBy(
  { hasRung, isAlerting }: Branch,
  { sipStatus, early }: { readonly sipStatus: number; readonly early: boolean },
): Pick<Branch, 'hasRung' | 'isAlerting'> {
  return { hasRung: hasRung || early || mayRing(sipStatus), isAlerting: isAlerting || sipStatus === 180 };
}

function onAnswered(call: Call, input: Extract<CallInput, { kind: 'branch-answered' }>, now: number): CallStep {
  const branch = branchOf(call, input.legId);
  if (branch === undefined) return stay(call);
  const { legId } = branch;
  if (branch.state.kind === 'cancelled' || branch.state.kind === 'failed') {
    // The 200 crossed our CANCEL (RFC 3261 §9.1): this dialog exists and must be ended.
    const late = withBranch(call, {
      ...branch,
      state: { kind: 'ended', answeredAt: now, at: now, codec: input.codec },
    });
    return stay(late, {
      kind: 'hang-up',
      legId,
      sipStatus: 487,
      reason: call.state.kind === 'ringing' ? NO_ANSWER : ELSEWHERE,
    });
  }
  if (call.state.kind !== 'ringing' || !isPending(branch.state)) return stay(call);
  const losers = callOff(call, (other) => other.legId !== legId, { reason: ELSEWHERE, now });
  const won = withBranch(losers.call, { ...branch, state: { kind: 'answered', at: now, codec: input.codec } });
  return {
    call: { ...won, state: { kind: 'answering', winner: legId } },
    outputs: [
      { kind: 'clear-timer' },
      { kind: 'event', event: { kind: 'leg-answered', callId: call.callId, legId, codec: input.codec } },
      { kind: 'answer-caller', legId },
      ...losers.outputs,
    ],
  };
}

function onFailed(call: Call, input: Extract<CallInput, { kind: 'branch-failed' }>, now: number): CallStep {
  const branch = branchOf(call, input.legId);
  if (branch === undefined || call.state.kind !== 'ringing' || !isPending(branch.state)) return stay(call);
  const { sipStatus: status, reason } = input;
  const silenced: Call = { ...call, state: forgetEarly(call.state, branch.legId) };
  const failed = withBranch(silenced, { ...branch, state: { kind: 'failed', at: now, sipStatus: status, reason } });
  const outputs: CallOutput[] = [
    {
      kind: 'event',
      event: { kind: 'leg-failed', callId: call.callId, legId: branch.legId, sipStatus: input.sipStatus },
    },
    ...closePort(call, branch.legId),
  ];
  const isSpokenFor = input.sipStatus >= 600;
  if (!isSpokenFor && failed.branches.some((other) => isPending(other.state))) return stay(failed, ...outputs);
  // All have failed, or a 6xx spoke for the person: no other phone is to be bothered (RFC 3261 §16.7 step 5).
  const off = callOff(failed, () => true, { reason: undefined, now });
  const next = huntOn(closeStage(off.call), now);
  return { call: next.call, outputs: [...outputs, ...off.outputs, ...next.outputs] };
}

/** Nobody has answered within the time of the stage. */
function onStageTime(call: Call, now: number): CallStep {
  const off = callOff(call, () => true, { reason: NO_ANSWER, now });
  const next = huntOn(closeStage(off.call), now);
  return { call: next.call, outputs: [...off.outputs, ...next.outputs] };
}

function onCallerAnswered(call: Call, codec: AudioCodecName | undefined, now: number): CallStep {
  if (call.state.kind !== 'answering') return stay(call);
  const next: Call = { ...call, state: { kind: 'talking', winner: call.state.winner, answeredAt: now, codec } };
  const { callId, inbound } = call;
  return stay(
    next,
    { kind: 'event', event: { kind: 'leg-answered', callId, legId: inbound.legId, codec } },
    { kind: 'event', event: { kind: 'call-answered', callId, codec } },
    { kind: 'save' },
  );
}

function onHangup(call: Call, input: Extract<CallInput, { kind: 'hangup' }>, now: number): CallStep {
  const { legId, reason: cause, isLost = false } = input;
  if (call.state.kind !== 'answering' && call.state.kind !== 'talking') {
    // A BYE in the caller's early dialog: its INVITE still wants an answer (RFC 3261 §15.1.2).
    return legId === call.inbound.legId
      ? finish(call, { reason: 'cancelled', sipStatus: 487, cause, cancelReason: cause }, now)
      : stay(call);
  }
  const isCaller = legId === call.inbound.legId;
  if (!isCaller && legId !== call.state.winner) return stay(call);
  const reason = isLost ? 'timeout' : isCaller ? 'hangup-caller' : 'hangup-callee';
  return finish(call, { reason, cause, byeReason: cause, ...(isCaller ? CALLER_GONE : CALLEE_GONE) }, now);
}

const CALLER_GONE = { callerGone: true };
const CALLEE_GONE = { calleeGone: true };

function onTransferred(call: Call, moved: LegId | undefined, now: number): CallStep {
  const isCaller = moved === call.inbound.legId;
  const isCallee = moved !== undefined && !isCaller;
  const end = finish(call, { reason: 'transferred', callerGone: isCaller, calleeGone: isCallee }, now);
  // The Leg lives on, and its port with it.
  const outputs = end.outputs.filter((output) => output.kind !== 'close-port' || output.legId !== moved);
  return { call: end.call, outputs };
}

function onMediaFailed(call: Call, legId: LegId, now: number): CallStep {
  const isWinner = (call.state.kind === 'talking' || call.state.kind === 'answering') && legId === call.state.winner;
  if (isWinner || legId === call.inbound.legId) {
    return finish(
      call,
      { reason: 'media-failed', sipStatus: 500, byeReason: 'SIP;cause=500;text="Media failed"' },
      now,
    );
  }
  const branch = branchOf(call, legId);
  if (call.state.kind !== 'ringing' || branch === undefined || !isPending(branch.state)) return stay(call);
  const failed = onFailed(call, { kind: 'branch-failed', legId, sipStatus: 500 }, now);
  return { call: failed.call, outputs: [{ kind: 'cancel', legId, reason: undefined }, ...failed.outputs] };
}

/** Silence counts from the answer on: before that nobody has to send. */
function onMediaTimeout(
  call: Call,
  { legId, silentMs, wasHeard }: Extract<CallInput, { kind: 'media-timeout' }>,
  now: number,
): CallStep {
  const { callId, state, inbound } = call;
  if (state.kind !== 'talking' || (legId !== state.winner && legId !== inbound.legId)) return stay(call);
  const talkMs = now - state.answeredAt;
  if (talkMs < silentMs) return stay(call);
  if (wasHeard) return finish(call, { reason: 'media-timeout', cause: MEDIA_TIMEOUT, byeReason: MEDIA_TIMEOUT }, now);
  // A party that only listens is no reason to end its call. It is told once, of all the times that this comes.
  return talkMs < 2 * silentMs
    ? stay(call, { kind: 'event', event: { kind: 'media-missing', callId, legId } })
    : stay(call);
}

interface Ending {
  readonly reason: EndReason;
  /** What the caller gets when it has no answer yet. */
  readonly sipStatus?: number;
  /** The Reason that the side that ended it gave. */
  readonly cause?: string | undefined;
  readonly cancelReason?: string | undefined;
  readonly byeReason?: string | undefined;
  readonly callerGone?: boolean;
  readonly calleeGone?: boolean;
}

function finish(call: Call, ending: Ending, now: number): CallStep {
  const { state } = call;
  if (state.kind === 'ended') return stay(call);
  const answer = state.kind === 'talking' ? state : undefined;
  const sipStatus = answer === undefined ? ending.sipStatus : undefined;
  const off = callOff(call, () => true, { reason: ending.cancelReason ?? ending.byeReason, now });
  const outputs: CallOutput[] = [
    { kind: 'clear-timer' },
    ...off.outputs,
    ...partings(call, ending),
    ...(state.kind === 'routing' ? [] : closePort(call, call.inbound.legId)),
    { kind: 'ended', reason: ending.reason, sipStatus },
  ];
  const ended: Call['state'] = {
    kind: 'ended',
    at: now,
    answeredAt: answer?.answeredAt,
    winner: answer?.winner,
    codec: answer?.codec,
    reason: ending.reason,
    sipStatus,
    q850: q850In(ending.cause) ?? (sipStatus === undefined ? NORMAL_CLEARING : q850Of(sipStatus)),
  };
  return {
    call: { ...off.call, branches: off.call.branches.map((branch) => hungUp(branch, now)), state: ended },
    outputs,
  };
}

/** What the two sides are told, each unless it is gone already. */
function partings(call: Call, ending: Ending): readonly CallOutput[] {
  const { state, inbound } = call;
  const { sipStatus = 480, byeReason: reason } = ending;
  const winner = state.kind === 'answering' || state.kind === 'talking' ? state.winner : undefined;
  const outputs: CallOutput[] = [];
  if (ending.callerGone !== true) {
    outputs.push(
      winner === undefined
        ? { kind: 'refuse-caller', sipStatus, reason: ending.cause }
        : { kind: 'hang-up', legId: inbound.legId, sipStatus, reason },
    );
  }
  if (winner === undefined) return outputs;
  if (ending.calleeGone !== true) outputs.push({ kind: 'hang-up', legId: winner, sipStatus, reason });
  return [...outputs, ...closePort(call, winner)];
}

function hungUp(branch: Branch, now: number): Branch {
  const { state } = branch;
  return state.kind === 'answered'
    ? { ...branch, state: { kind: 'ended', answeredAt: state.at, at: now, codec: state.codec } }
    : branch;
}
