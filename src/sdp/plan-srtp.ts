/**
 * SDES-SRTP in offer and answer (RFC 4568 §5.1, §7.1) as pure steps over what one Leg has agreed so far. The key of a
 * side is the one that it sends with; ours stays the same as long as nothing forces another one, because packets under a
 * new one would be lost until the peer has our answer (§7.1.4).
 */
import type { Random } from '../kernel/index.ts';
import { isSameKey, SRTP_SUITES, type SrtpKeyPair, type SrtpKeys, type SrtpSuiteName } from '../rtp/index.ts';
import { sdpErrors } from './errors.ts';
import type { RemoteAudio, SrtpCrypto, SrtpDescription } from './model.ts';

/** As much of a section, audio or video, as SRTP asks for. */
export type SrtpSection = Pick<RemoteAudio, 'rtp' | 'srtp'>;

/** `optional`: where both sides can, offered as RTP/AVP with a=crypto (RFC 8643). `required`: as RTP/SAVP, and nothing else. */
export type SrtpMode = 'refused' | 'optional' | 'required';

export interface SrtpPolicy {
  readonly mode: SrtpMode;
  /** Whether our keys may go into the SDP: whoever reads them hears the call (RFC 4568 §8.3). */
  readonly mayTellKeys: boolean;
}

export interface SrtpState {
  /** What our next description says; undefined: plain RTP. */
  readonly local: SrtpDescription | undefined;
  /** What is in use; undefined: plain RTP. */
  readonly keys: SrtpKeyPair | undefined;
  /** Where the peer was when they were agreed. */
  readonly peer: string;
}

export const NO_SRTP: SrtpState = { local: undefined, keys: undefined, peer: '' };

/** Our offer, the first or a later one. Throws SDP_SRTP_IN_CLEAR (488). */
export function offerSrtp(state: SrtpState, policy: SrtpPolicy, random: Random): SrtpState {
  // What is agreed is offered again as it is: nothing changes without need.
  if (state.local !== undefined) return state;
  if (policy.mode === 'required' && !policy.mayTellKeys) throw sdpErrors.SDP_SRTP_IN_CLEAR();
  if (policy.mode === 'refused' || !policy.mayTellKeys || state.peer !== '') return state;
  const suites = Object.keys(SRTP_SUITES) as SrtpSuiteName[];
  const cryptos = suites.map((suite, index) => ({ tag: index + 1, keys: newKeys(suite, random) }));
  return { ...state, local: { isRequired: policy.mode === 'required', cryptos } };
}

/** What its video is to follow when this is what its audio has: pictures do not go in clear beside a voice that does not. */
export function videoSrtpPolicy({ local, keys }: SrtpState, role: 'offer' | 'answer'): SrtpPolicy {
  const isSecret = role === 'offer' ? local !== undefined : keys !== undefined;
  const mode = !isSecret ? 'refused' : role === 'offer' && local?.isRequired === false ? 'optional' : 'required';
  return { mode, mayTellKeys: true };
}

/** The answer to the peer's offer: its first suite that we know. Throws the 488 that its offer is owed. */
export function answerSrtp(
  state: SrtpState,
  offer: SrtpSection,
  policy: SrtpPolicy & { readonly random: Random },
): SrtpState {
  const peer = placeOf(offer);
  const crypto = acceptable(offer.srtp, policy);
  if (crypto === undefined) return { ...NO_SRTP, peer };
  const send = keptKeys(state, crypto, peer) ?? newKeys(crypto.keys.suite, policy.random);
  return {
    local: { isRequired: offer.srtp?.isRequired === true, cryptos: [{ tag: crypto.tag, keys: send }] },
    keys: { send, receive: crypto.keys },
    peer,
  };
}

/** Undefined: plain RTP it is. */
function acceptable(offered: SrtpDescription | undefined, { mode, mayTellKeys }: SrtpPolicy): SrtpCrypto | undefined {
  const isRequired = offered?.isRequired === true;
  if (isRequired && mode === 'refused') throw sdpErrors.SDP_SRTP_REFUSED();
  if (offered === undefined && mode === 'required') throw sdpErrors.SDP_SRTP_REQUIRED();
  if (!mayTellKeys && (isRequired || mode === 'required')) throw sdpErrors.SDP_SRTP_IN_CLEAR();
  return mode === 'refused' || !mayTellKeys ? undefined : offered?.cryptos[0];
}

function placeOf({ rtp }: SrtpSection): string {
  return `${rtp.address}:${rtp.rtpPort}`;
}

/** The peer's answer to our offer. Throws the 488 that it would be owed. */
export function acceptSrtp(state: SrtpState, answer: SrtpSection): SrtpState {
  const peer = placeOf(answer);
  const { local } = state;
  const [crypto, ...others] = answer.srtp?.cryptos ?? [];
  if (crypto === undefined) {
    if (local?.isRequired === true) throw sdpErrors.SDP_SRTP_REQUIRED();
    return { local, keys: undefined, peer };
  }
  const offered = local?.cryptos.find(({ tag }) => tag === crypto.tag);
  const isOurs = offered !== undefined && offered.keys.suite === crypto.keys.suite;
  // Our own key thrown back at us would encrypt both directions alike (RFC 4568 §7.1.1).
  if (!isOurs || others.length > 0 || isSameKey(offered.keys, crypto.keys)) throw sdpErrors.SDP_SRTP_ANSWER();
  return { local, keys: { send: offered.keys, receive: crypto.keys }, peer };
}

/** Ours, unless the suite is another one or the peer is elsewhere: then it may not know how far we have counted (RFC 4568 §7.1.4). */
function keptKeys({ keys, peer }: SrtpState, { keys: { suite } }: SrtpCrypto, nextPeer: string): SrtpKeys | undefined {
  return keys?.send.suite === suite && peer === nextPeer ? keys.send : undefined;
}

function newKeys(suite: SrtpSuiteName, random: Random): SrtpKeys {
  const { keyBytes, saltBytes } = SRTP_SUITES[suite];
  return { suite, key: secret(keyBytes, random), salt: secret(saltBytes, random) };
}

function secret(bytes: number, random: Random): Uint8Array {
  return Buffer.from(random.hex(bytes), 'hex');
}
