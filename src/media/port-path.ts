/** What a port's report says beyond its packets: how they are protected, and which way they take. Pure. */
import type { ConnectPort, MediaPath, PortReport } from '../calls/index.ts';
import type { HandOverView } from './hand-overs.ts';

export interface PortFacts extends Omit<HandOverView, 'connected'> {
  readonly connected: ConnectPort | undefined;
  /** It and the one it is bridged with are browsers of one router. */
  readonly isDirect: boolean;
  readonly isClosed: boolean;
}

/** Unchanged for a port that is not connected, or has no network side. */
export function withPath(report: PortReport, facts: PortFacts): PortReport {
  const { connected } = facts;
  if (connected?.kind !== 'rtp' && connected?.kind !== 'webrtc') return report;
  const encryption = connected.kind === 'webrtc' ? 'DTLS-SRTP' : (connected.srtp?.send.suite ?? 'none');
  return { ...report, encryption, path: pathOf(facts) };
}

function pathOf({ isDirect, isAway, isClosed, awayMs, why }: PortFacts): MediaPath {
  const handedOverSec = Math.round(awayMs / 100) / 10;
  if (isClosed) return { phase: undefined, carriedBecause: undefined, handedOverSec };
  if (isDirect) return { phase: 'direct', carriedBecause: undefined, handedOverSec };
  if (isAway) return { phase: 'handed-over', carriedBecause: undefined, handedOverSec };
  return { phase: 'carried', carriedBecause: why, handedOverSec };
}
