/** Looking up, changing and calling off the branches of a Call. */
import type { LegId } from '../kernel/index.ts';
import type { Branch, BranchState, Call } from './call.ts';
import type { CallOutput, CallStep } from './call-output.ts';

/** Cancels the branches still pending among those chosen. */
export function callOff(
  call: Call,
  chosen: (branch: Branch) => boolean,
  how: { readonly reason: string | undefined; readonly now: number },
): CallStep {
  const outputs: CallOutput[] = [];
  const branches = call.branches.map((branch) => {
    if (!chosen(branch) || !isPending(branch.state)) return branch;
    outputs.push({ kind: 'cancel', legId: branch.legId, reason: how.reason }, ...closePort(call, branch.legId));
    const state: BranchState = { kind: 'cancelled', at: how.now };
    return { ...branch, state };
  });
  return { call: { ...call, branches }, outputs };
}

export function closePort(call: Call, legId: LegId): readonly CallOutput[] {
  return call.media === 'anchored' ? [{ kind: 'close-port', legId }] : [];
}

export function isPending(state: BranchState): boolean {
  return state.kind === 'rung' || state.kind === 'ringing';
}

export function branchOf(call: Call, legId: LegId): Branch | undefined {
  return call.branches.find((branch) => branch.legId === legId);
}

export function withBranch(call: Call, changed: Branch): Call {
  return { ...call, branches: call.branches.map((branch) => (branch.legId === changed.legId ? changed : branch)) };
}
