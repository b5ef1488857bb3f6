/**
 * When the caller's ear is ours to fill: it has heard early media, so that its own phone makes no ringing tone any more,
 * and now a phone rings that sends none. Derived from the Call, so that no way into or out of that is forgotten.
 */
import { isPending } from './branches.ts';
import type { Call } from './call.ts';
import type { CallStep } from './call-output.ts';
import { currentBranches } from './stage.ts';

function isRingingOnly(call: Call): boolean {
  if (call.state.kind !== 'ringing' || !call.state.hadEarly || call.state.earlyFrom !== undefined) return false;
  return currentBranches(call).some(({ state, isAlerting }) => isAlerting && isPending(state));
}

/** The step, with what it means for the ringback tone. */
export function withRingback(before: Call, after: CallStep): CallStep {
  const isOn = isRingingOnly(after.call);
  if (isOn === isRingingOnly(before)) return after;
  const isOver = after.call.state.kind !== 'ringing';
  // Early media, an answer or the end take its place by themselves.
  if (!isOn && (isOver || (after.call.state.kind === 'ringing' && after.call.state.earlyFrom !== undefined)))
    return after;
  return { call: after.call, outputs: [...after.outputs, { kind: 'ringback', isOn }] };
}
