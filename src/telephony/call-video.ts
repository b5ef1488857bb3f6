/**
 * Video of a call of two parties: offered to the callee as far as the caller has it, and agreed on when it answers. It
 * passes through untouched or not at all.
 */
import type { Logger } from '../kernel/index.ts';
import { planVideoAnswer, planVideoOffer, type VideoCodecName } from '../sdp/index.ts';
import type { LegMedia } from './leg-media.ts';

/** What will be offered to the callee beside this audio. */
export function planOfferedVideo(caller: LegMedia, callee: LegMedia, audioTypes: readonly number[]): void {
  // Who talks already has told its former party what it has: its video is not this call's.
  if (caller.format !== undefined || callee.format !== undefined) return;
  callee.video.offered = planVideoOffer({
    inbound: caller.remote?.video,
    allowed: allowedBy(caller, callee),
    kind: callee.kind,
    taken: audioTypes,
  });
}

/** Both have spoken: what either exchanges. Before both are connected. */
export function agreeOnVideo(caller: LegMedia, callee: LegMedia, logger: Logger): void {
  const [inbound, outbound] = [caller.remote, callee.remote];
  if (callee.video.offered.length === 0 || inbound === undefined || outbound === undefined) return;
  const plan = planVideoAnswer({ inbound, outbound, allowed: allowedBy(caller, callee) });
  // What the caller has been told early it has been told for good.
  const isKept = caller.video.agreed !== undefined && caller.video.agreed.codec.name !== plan?.inbound.codec.name;
  if (plan === undefined || isKept) {
    callee.video.offered = [];
    callee.video.agreed = undefined;
    return;
  }
  logger.debug({ legId: callee.owner.legId, reason: plan.reason }, 'video planned');
  caller.video.agreed = plan.inbound;
  callee.video.agreed = plan.outbound;
}

function allowedBy(a: LegMedia, b: LegMedia): readonly VideoCodecName[] {
  return a.video.allowed.filter((name) => b.video.allowed.includes(name));
}
