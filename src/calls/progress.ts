/**
 * What the caller is told of the callees' progress, and whose early media it hears: the first that brings some, until
 * that branch fails or another one answers (RFC 3261 §13.2.1 gives the caller one answer only, and it keeps it).
 */
import type { LegId } from '../kernel/index.ts';
import type { CallerProgress, CallState } from './call.ts';

type Ringing = Extract<CallState, { kind: 'ringing' }>;

export interface Progress {
  readonly sipStatus: number;
  readonly earlyMediaFrom: LegId | undefined;
}

/** One branch's 1xx. `early`: with SDP. `isOnly`: nobody else is rung. */
export interface BranchNews {
  readonly legId: LegId;
  readonly sipStatus: number;
  readonly early: boolean;
  readonly isOnly: boolean;
}

const ORDER: readonly CallerProgress[] = ['nothing', 'progress', 'ringing'];

export function hearProgress(state: Ringing, news: BranchNews): { state: Ringing; progress: Progress | undefined } {
  const { legId, sipStatus } = news;
  // The end of one early dialog of several (RFC 6228) is no news: the caller has one dialog, with us.
  if (sipStatus === 199) return { state, progress: undefined };
  const told = further(state.told, sipStatus === 180 ? 'ringing' : 'progress');
  if (news.early && (state.earlyFrom ?? legId) === legId) {
    const status = sipStatus === 180 ? 180 : 183;
    return {
      state: { ...state, told, earlyFrom: legId, hadEarly: true },
      progress: { sipStatus: status, earlyMediaFrom: legId },
    };
  }
  const next = { ...state, told };
  // Forwarded and queued (181, 182) are the caller's business when they are said of the one who is called.
  if (news.isOnly && (sipStatus === 181 || sipStatus === 182))
    return { state: next, progress: { sipStatus, earlyMediaFrom: undefined } };
  if (told === state.told) return { state: next, progress: undefined };
  return { state: next, progress: { sipStatus: told === 'ringing' ? 180 : 183, earlyMediaFrom: undefined } };
}

/** The branch has failed: another one may be heard. */
export function forgetEarly(state: Ringing, legId: LegId): Ringing {
  return state.earlyFrom === legId ? { ...state, earlyFrom: undefined } : state;
}

function further(told: CallerProgress, news: CallerProgress): CallerProgress {
  return ORDER.indexOf(news) > ORDER.indexOf(told) ? news : told;
}
