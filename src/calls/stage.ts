/**
 * The stages of a Call: forks rung one after another (a hunt). After the last word of a stage its `on` decides whether
 * the next may be rung. Who was rung, what it said and what the caller was told stays with the Call.
 */
import { allowsNext } from '../dialplan/index.ts';
import type { Branch, Call, CallState } from './call.ts';
import type { CallOutput, CallStep } from './call-output.ts';
import type { EndReason } from './call-record.ts';
import { type BranchFailure, bestResponse, endReasonOf } from './outcome.ts';

type Ringing = Extract<CallState, { kind: 'ringing' }>;

/** The word of a branch that was called off because its time was over. */
const SILENT = 408;

const STOP: CallOutput = { kind: 'clear-timer' };

/** A hunt that has rung nobody yet. */
export const BEFORE_FIRST: Ringing = {
  kind: 'ringing',
  stage: -1,
  told: 'nothing',
  earlyFrom: undefined,
  hadEarly: false,
  said: [],
};

/** The branches of the stage that is ringing. */
export function currentBranches(call: Call): readonly Branch[] {
  const { state } = call;
  return state.kind === 'ringing' ? call.branches.filter(({ stage }) => stage === state.stage) : [];
}

/** Notes the words of the stage that is over. */
export function closeStage(call: Call): Call {
  return call.state.kind === 'ringing'
    ? { ...call, state: { ...call.state, said: [...call.state.said, ...wordsOf(currentBranches(call))] } }
    : call;
}

/**
 * Rings the next stage that has anybody to ring, if those before it allow it: call it with no branch pending and the
 * last stage closed. No outputs: the hunt is over.
 */
export function ringNext(call: Call): CallStep {
  if (call.state.kind !== 'ringing') return { call, outputs: [] };
  const planned = planNext(call, call.state);
  const index = call.state.stage + 1;
  const stage = planned.stages[index];
  if (stage === undefined) return { call, outputs: [] };
  const state: Ringing = { ...call.state, stage: index, ...toldBefore(call.state) };
  if (stage.branches.length === 0)
    return ringNext({
      ...planned,
      state: { ...state, said: [...state.said, { sipStatus: stage.unreachable, reason: undefined }] },
    });
  const branches = stage.branches.map(
    (leg): Branch => ({
      ...leg,
      stage: index,
      hasRung: false,
      isAlerting: false,
      sipCallId: undefined,
      tries: [],
      ringingAt: undefined,
      state: { kind: 'rung' },
    }),
  );
  const rung = branches.map((branch): CallOutput => ({ kind: 'ring', legId: branch.legId }));
  return {
    call: { ...planned, branches: [...call.branches, ...branches], state },
    outputs: [...(index === 0 ? [] : [STOP]), { kind: 'set-timer', ms: stage.ringMs }, ...rung],
  };
}

/**
 * The Call with the stages that may still be rung: a spare of the last one, the rest of its own, or those of a fallback
 * in their place.
 */
function planNext(call: Call, { stage }: Ringing): Call {
  const last = call.stages[stage];
  if (last === undefined) return call;
  const rung = currentBranches(call);
  const words = rung.length === 0 ? [last.unreachable] : wordsOf(rung).map(({ sipStatus }) => sipStatus);
  const { spares } = last;
  const mayUseSpare = !rung.some(({ hasRung }) => hasRung);
  if (spares !== undefined && mayUseSpare && allowsNext(spares.on, words)) return call;
  const before = call.stages.slice(0, stage + 1);
  const after = call.stages.slice(stage + 1 + (spares?.count ?? 0));
  if (after.length > 0 && allowsNext(last.on, words)) return { ...call, stages: [...before, ...after] };
  const fallback = call.fallbacks.find(({ on }) => allowsNext(on, words));
  return { ...call, stages: [...before, ...(fallback?.stages ?? [])], fallbacks: [] };
}

/**
 * Early media ends with the stage it came from. The caller then knows no more than that there is progress, so that
 * the next 180 lets its phone ring again, and the next early media is news.
 */
function toldBefore({ told, earlyFrom }: Ringing): Pick<Ringing, 'told' | 'earlyFrom'> {
  return { told: earlyFrom === undefined ? told : 'progress', earlyFrom: undefined };
}

/** A branch called off in favor of a 6xx has no word of its own. */
function wordsOf(branches: readonly Branch[]): readonly BranchFailure[] {
  const failed = branches.flatMap(({ state }) =>
    state.kind === 'failed' ? [{ sipStatus: state.sipStatus, reason: state.reason }] : [],
  );
  const isSpokenFor = failed.some(({ sipStatus }) => sipStatus >= 600);
  const isSilent = branches.some(({ state }) => state.kind === 'cancelled') && !isSpokenFor;
  return isSilent ? [...failed, { sipStatus: SILENT, reason: undefined }] : failed;
}

/** What the caller hears when nobody is left to ring: the best of all words (RFC 3261 §16.7 step 6). */
export function endOfHunt(call: Call): {
  readonly reason: EndReason;
  readonly sipStatus: number;
  readonly cause: string | undefined;
} {
  const { sipStatus, cause } = bestResponse(call.state.kind === 'ringing' ? call.state.said : []);
  const isTimeOver = sipStatus === SILENT && call.branches.some(({ state }) => state.kind === 'cancelled');
  return { reason: endReasonOf(sipStatus), sipStatus: isTimeOver ? 480 : sipStatus, cause };
}
