/**
 * Safe latching: whose packets a SIP-side port believes, and so where it sends. Pure.
 *
 * - The address of the SDP is believed at its first packet.
 * - Policy `sdp`: nobody else ever is.
 * - Policy `latch` (a peer behind NAT): while the SDP's address has not been heard, a stranger is believed after a
 *   quorum of coherent packets: QUORUM in a row, consecutive sequence numbers, one SSRC, one source, within
 *   QUORUM_MS. What a sprayer gets is bounded by who comes first; what it can never do is take over: while the
 *   present source is heard, no stranger is considered, and after SILENCE_MS of silence only one that carries on
 *   the very SSRC (a NAT that gave the peer a new port; an outsider would have to guess 32 bits).
 * - Where the peer's signaling comes from narrows down who can be a stranger. From the address of the SDP as well: the
 *   peer is where it says, only its port may be another. From elsewhere: the NAT is there, and whoever sends from a third
 *   address is not considered before the other two have been silent for GRACE_MS.
 * - The SDP's address may win back from a stranger by a quorum of its own.
 * - A stream that the previous call on this port left behind is never believed from its old source.
 */
import { sequenceDelta } from './sequence.ts';

/** Consecutive packets that prove a stranger. */
export const QUORUM = 5;
/** The time within which they must come, ms: five frames of 60 ms fit. */
export const QUORUM_MS = 500;
/** Silence of the present source, ms, after which its SSRC may come from elsewhere. */
export const SILENCE_MS = 1000;
/** How long only the addresses of SDP and signaling are considered, ms: enough to hear a peer that sends. */
export const GRACE_MS = 2000;
/** Sources watched at once, the most coherent first: noise from many ports must not push out the true peer. */
const MAX_CANDIDATES = 16;

export interface Source {
  readonly address: string;
  readonly port: number;
}

/** A stream as seen from outside: its source and SSRC. */
export interface KnownStream extends Source {
  readonly ssrc: number;
}

interface Candidate extends KnownStream {
  readonly sequence: number;
  readonly count: number;
  readonly sinceMs: number;
}

export interface Latch {
  readonly policy: 'sdp' | 'latch';
  /** The address of the SDP. */
  readonly remote: Source;
  /** Where the peer's signaling comes from, when that is the peer itself. */
  readonly signaling: string | undefined;
  /** When this address of the SDP was agreed. */
  readonly sinceMs: number;
  /** Who is believed; undefined while nobody was heard. */
  readonly believed: Source | undefined;
  readonly candidates: readonly Candidate[];
  readonly refused: KnownStream | undefined;
}

/** A packet with a payload type that the port accepts. */
export interface LatchInput extends KnownStream {
  readonly sequence: number;
  readonly nowMs: number;
  /** When the believed source was heard last, and the SSRC it had. Of no meaning while there is none. */
  readonly heardMs: number;
  readonly heardSsrc: number;
}

export interface LatchStep {
  readonly next: Latch;
  /** `believed`: the packet counts. */
  readonly verdict: 'believed' | 'rejected';
}

export interface LatchStart extends Pick<Latch, 'policy' | 'remote' | 'signaling'> {
  readonly nowMs: number;
  /** The stream of the call before. */
  readonly refused: KnownStream | undefined;
}

export function createLatch({ policy, remote, signaling, refused, nowMs }: LatchStart): Latch {
  return { policy, remote, signaling, sinceMs: nowMs, believed: undefined, candidates: [], refused };
}

/** The peer's SDP was negotiated again: a new address starts over, the same one keeps who was proven. */
export function moveLatch(latch: Latch, start: Omit<LatchStart, 'refused'>): Latch {
  if (isSame(latch.remote, start.remote) && start.policy === latch.policy) return latch;
  const next = createLatch({ ...start, refused: latch.refused });
  // The peer announces at last the address it has been sending from.
  return latch.believed && isSame(latch.believed, start.remote) ? { ...next, believed: latch.believed } : next;
}

/** Whether `stepLatch` may believe that packet, now or as part of a quorum: others need not be looked into. */
export function mayBecomeBelieved(latch: Latch, input: LatchInput): boolean {
  const { believed } = latch;
  if (isSame(latch.remote, input) || (believed && isSame(believed, input))) return true;
  if (latch.policy === 'sdp' || isRefused(latch, input)) return false;
  if (believed) return input.nowMs - input.heardMs >= SILENCE_MS && input.heardSsrc === input.ssrc;
  return isNear(latch, input);
}

/** Whether the peer could be there, by what SDP and signaling say of it. */
function isNear({ remote, signaling, sinceMs }: Latch, { address, nowMs }: LatchInput): boolean {
  if (signaling === undefined || address === signaling || address === remote.address) return true;
  return signaling !== remote.address && nowMs - sinceMs >= GRACE_MS;
}

export function stepLatch(latch: Latch, input: LatchInput): LatchStep {
  const { believed } = latch;
  if (believed && isSame(believed, input)) return believe(latch, input);
  if (!mayBecomeBelieved(latch, input)) return reject(latch);
  return isSame(latch.remote, input) && !believed ? believe(latch, input) : consider(latch, input);
}

function consider(latch: Latch, input: LatchInput): LatchStep {
  const { address, port, ssrc, sequence, nowMs } = input;
  const known = latch.candidates.find((candidate) => isSame(candidate, input));
  const fits =
    known?.ssrc === ssrc && sequenceDelta(sequence, known.sequence) === 1 && nowMs - known.sinceMs <= QUORUM_MS;
  const candidate = {
    address,
    port,
    ssrc,
    sequence,
    count: fits ? known.count + 1 : 1,
    sinceMs: fits ? known.sinceMs : nowMs,
  };
  if (candidate.count >= QUORUM) return believe(latch, input);
  const others = latch.candidates.filter((other) => other !== known && nowMs - other.sinceMs <= QUORUM_MS);
  const candidates = [candidate, ...others].toSorted((a, b) => b.count - a.count).slice(0, MAX_CANDIDATES);
  return reject({ ...latch, candidates });
}

function believe(latch: Latch, { address, port }: LatchInput): LatchStep {
  return { next: { ...latch, believed: { address, port }, candidates: [] }, verdict: 'believed' };
}

function reject(next: Latch): LatchStep {
  return { next, verdict: 'rejected' };
}

function isRefused({ refused }: Latch, input: LatchInput): boolean {
  return refused !== undefined && isSame(refused, input) && refused.ssrc === input.ssrc;
}

function isSame(a: Source, b: Source): boolean {
  return a.port === b.port && a.address === b.address;
}
