import type { Timer } from '../../kernel/index.ts';
import type { KeptBytes } from './kept.ts';

/** The session timer of one dialog (RFC 4028), while one is agreed on. */
export interface SessionWork {
  readonly seconds: number;
  /** We are the refresher. */
  readonly isOurs: boolean;
  /** The least the peer was heard to accept, in seconds. */
  readonly minSe: number;
  readonly expiry: Timer;
  /** Runs until our next refresh. */
  refresh: Timer | undefined;
  /** A refresh of ours is on its way. */
  isRefreshing: boolean;
  /** Requests of the application that must not cross it. */
  readonly afterRefresh: (() => void)[];
  /** Our SDP and Contact as the peer knows them. */
  sdp: KeptBytes;
  /** Of `sdp`, which may stand in a body of several parts. */
  contentType: string;
  readonly contact: string;
  allowsUpdate: boolean;
}

export function stopSession(session: SessionWork): void {
  session.expiry.cancel();
  session.refresh?.cancel();
}
