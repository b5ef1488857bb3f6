/** Our own offers inside a call that talks: those that it cannot go on without, and those that make it cheaper. */
import type { LegId } from '../kernel/index.ts';
import type { Alignment } from './alignment.ts';
import type { CallMediaWork } from './call-media.ts';
import type { Negotiation } from './negotiation.ts';

export interface AlignmentsOptions {
  readonly negotiation: Negotiation;
  /** Undefined until the call is routed. */
  readonly media: () => CallMediaWork | undefined;
  readonly isTalking: () => boolean;
  /** One side could not be told what it has to know. */
  readonly onFailed: () => void;
  /** The peer knows nothing of its dialog any more, or is silent. */
  readonly onGone: (legId: LegId) => void;
  /** What each party is owed for how the other one is now. */
  readonly settle: () => void;
  /** A Leg has another codec than before. */
  readonly onChanged: (isTranscoding: boolean) => void;
  /** Work that the end of the call waits for. */
  readonly track: (work: Promise<unknown>) => void;
}

export class Alignments {
  readonly #options: AlignmentsOptions;
  #needed: Alignment | undefined;
  /** Of those told. */
  #replans = 0;

  constructor(options: AlignmentsOptions) {
    this.#options = options;
  }

  /** What is to be sent as soon as the call stands. */
  need(alignment: Alignment | undefined): void {
    this.#needed = alignment;
  }

  /** The call stands: who must be told another codec is told now. Without it one side would hear nothing. */
  send(): void {
    const { media, isTalking, track } = this.#options;
    const alignment = this.#needed ?? (isTalking() ? media()?.improvement() : undefined);
    this.#needed = undefined;
    if (alignment !== undefined) track(this.#align(alignment));
  }

  /** The same, with nothing that would only make it cheaper. */
  sendNeeded(): void {
    if (this.#needed !== undefined) this.send();
  }

  /** Something in the session of one party has changed. */
  renegotiated(): void {
    this.#options.settle();
    const codecs = this.#options.media()?.codecs();
    if (codecs !== undefined && codecs.replans > this.#replans) {
      this.#replans = codecs.replans;
      this.#options.onChanged(codecs.isTranscoding);
    }
    this.send();
  }

  async #align(alignment: Alignment): Promise<void> {
    const { negotiation, media, onGone, onFailed } = this.#options;
    const { legId, isOptional } = alignment;
    const outcome = await negotiation.align(alignment);
    if (outcome === 'gone') return onGone(legId);
    if (outcome === 'aligned') return this.renegotiated();
    if (!isOptional) return onFailed();
    // It has accepted what it cannot do: it is told again what is in use.
    const leg = outcome === 'unusable' ? media()?.legOf(legId) : undefined;
    if (leg !== undefined) await negotiation.align(leg.asBefore());
    return undefined;
  }
}
