/** An offer of ours inside a dialog that stands. */
import type { LegId } from '../kernel/index.ts';

/** To a side that must be told another codec than the one it knows of. */
export interface Alignment {
  readonly legId: LegId;
  /** Makes the offer, when it is to be sent. */
  readonly offer: () => string;
  /** Applies the answer. Throws when nobody can use it: all is as it was then. */
  readonly accepted: (body: string) => Promise<void>;
  /** It would be better so, but the call goes on without it, too. */
  readonly isOptional: boolean;
}

/** `unusable`: the peer has taken the offer, with an answer that nobody can use. */
export type AlignmentOutcome = 'aligned' | 'refused' | 'unusable' | 'gone';
