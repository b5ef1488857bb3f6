/** What a call needs of media, whether the gateway carries it (anchored-media.ts) or not (bypass-media.ts). */
import type { CallCodecs, PortReport } from '../calls/index.ts';
import type { LegId } from '../kernel/index.ts';
import type { AudioCodecName } from '../sdp/index.ts';
import type { Alignment, AlignmentOutcome } from './alignment.ts';
import type { LegMedia } from './leg-media.ts';
import type { InDialogOffer, SipDialog } from './sip-ports.ts';

/** What to send in the caller's 200. */
export interface CallerAnswer {
  readonly body: string;
  /** The caller made no offer: the body is ours, and the answer comes in the ACK. */
  readonly awaitsAck: boolean;
  /** One side must be told another codec once the call stands: what it had been told early does not hold any more. */
  readonly alignment: Alignment | undefined;
}

/** An offer of one of two parties. `ask` offers something to the other one, as far as that can be decided at once. */
export type OfferOfOne = InDialogOffer & { readonly ask: (alignment: Alignment) => Promise<AlignmentOutcome> };

/** Errors thrown here carry the SIP status owed. */
export interface CallMediaWork {
  /** Opens the caller's port as far as that can be done before anybody answers. */
  openInbound(): Promise<void>;
  /** Opens the branch's port; the offer for its INVITE. */
  offerFor(legId: LegId): Promise<string>;
  /**
   * A branch's early SDP, joined with the caller: the body of the 183, the same every time. A caller that made no offer
   * gets ours, if the response is reliable, and answers in its PRACK (RFC 3262 §5).
   */
  early(legId: LegId, body: string, isReliable: boolean): Promise<string>;
  /** The caller hears a ringing tone, if it has media by now, until somebody is heard or it is off. */
  ringback(isOn: boolean): Promise<void>;
  /** That answer. */
  pracked(body: string): Promise<void>;
  /** Reads a branch's answer, before anything is decided: the codec it amounts to. */
  heard(legId: LegId, body: string): AudioCodecName | undefined;
  /** Joins both sides (with an offer from the caller), and says what to answer. */
  answer(legId: LegId): Promise<CallerAnswer>;
  /** The caller's answer to our offer has come: joins both sides. */
  acknowledged(legId: LegId, body: string): Promise<{ readonly alignment: Alignment | undefined }>;
  /** Answers a re-INVITE or UPDATE of one side. The session stays as it was when it fails. */
  renegotiate(legId: LegId, offer: OfferOfOne): Promise<void>;
  /** The ACK to a re-INVITE that had no offer: the answer to ours. The session stays as it was when it fails. */
  reacknowledged(legId: LegId, body: string): Promise<void>;
  /** What would make the call that stands cheaper, if anything would. Not the same twice. */
  improvement(): Alignment | undefined;
  /** The Legs whose codec depends on how many packets they lose. */
  readonly lossWatched: readonly LegId[];
  /** `loss`: the fraction, of the worse direction. */
  setLoss(legId: LegId, loss: number): void;
  /** What is exchanged, and why; undefined when it is not known yet, or the media goes around us. */
  codecs(): CallCodecs | undefined;
  /** The offer and answer of one party; undefined when the media goes around us or the party has no network side. */
  legOf(legId: LegId): LegMedia | undefined;
  /** How the media of a Leg does by now; undefined when it has no port. */
  quality(legId: LegId): Promise<PortReport | undefined>;
  close(legId: LegId): Promise<PortReport | undefined>;
}

/** Where the other side of a Leg is, for media that goes around us. */
export type PeerDialog = (legId: LegId) => SipDialog | undefined;

/** A party the gateway plays itself. */
export type BuiltInEndpoint = 'echo' | 'tone';
