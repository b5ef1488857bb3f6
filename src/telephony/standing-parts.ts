/** A party of a call that talks, as another call can take it over. */
import type { InboundLeg } from '../calls/index.ts';
import type { LegMedia } from './leg-media.ts';
import type { SipDialog } from './sip-ports.ts';

export interface StandingParts {
  readonly leg: InboundLeg;
  readonly media: LegMedia;
  /** Undefined once it has ended. */
  readonly dialog: () => SipDialog | undefined;
  readonly bye: (reason: string | undefined) => Promise<void>;
}
