/** What came of a verb, and what a transfer by one is asked with. */
import type { VerbRefusal, VerbRefusalCode, VerbResult } from '../calls/index.ts';
import type { LegId } from '../kernel/index.ts';
import type { LiveCall } from './live-call.ts';

export const DONE: VerbResult = { isDone: true };

export function refusal(code: VerbRefusalCode, text: string, sipStatus?: number): VerbRefusal {
  return { isDone: false, code, text, ...(sipStatus === undefined ? {} : { sipStatus }) };
}

export interface AskedTransfer {
  readonly live: LiveCall;
  /** The party that is to go on. */
  readonly legId: LegId;
  readonly target: string;
}
