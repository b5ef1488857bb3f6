/** One registered Contact of an AOR, as plain data that survives a restart. */
import type { SipTransportName } from './sip-ports.ts';

export interface Binding {
  readonly id: string;
  /** `sip:user@domain`, always with our one domain. */
  readonly aor: string;
  readonly contact: string;
  /** The +sip.instance and reg-id of RFC 5626 together, '' when there is none. */
  readonly instance: string;
  /** 0 to 1. */
  readonly q: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly registeredAt: number;
  readonly sipCallId: string;
  readonly cseq: number;
  /** The Path of RFC 3327: URIs, the first is the next hop. */
  readonly path: readonly string[];
  readonly transport: SipTransportName;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly userAgent: string;
  /** The engine run its connection belongs to; of no meaning on UDP. */
  readonly flowEpoch: string;
}

/** UDP has no connection to lose, and one behind an edge proxy is the proxy's. */
export function hasFlow(binding: Binding): boolean {
  return binding.transport !== 'udp' && binding.path.length === 0;
}
