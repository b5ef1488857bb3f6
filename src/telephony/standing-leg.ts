/** A confirmed Leg on its way from the call that has it to the one that a transfer makes. */
import type { SaidFormats } from '../sdp/index.ts';
import type { LegBook } from './leg-book.ts';
import type { LiveCall } from './live-call.ts';
import type { StandingParts } from './standing-parts.ts';

export class StandingLeg {
  readonly parts: StandingParts;
  readonly #former: LiveCall;
  readonly #book: LegBook;
  #isTaken = false;

  constructor(parts: StandingParts, former: LiveCall, book: LegBook) {
    this.parts = parts;
    this.#former = former;
    this.#book = book;
  }

  /** Whether it belongs to the new call. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  get former(): LiveCall {
    return this.#former;
  }

  /** What happens on the Leg is the new call's from now on. */
  take(home: LiveCall): void {
    this.#isTaken = true;
    this.#book.move(this.parts.leg.legId, home);
  }

  /** Offers the party another codec, in the dialog it has; false when it does not take it. */
  async align(said: SaidFormats): Promise<boolean> {
    const { leg, media } = this.parts;
    const [wanted] = said.codecs;
    const current = media.format?.codec;
    if (current?.name === wanted?.name && current?.payloadType === wanted?.payloadType) return true;
    const { legId } = leg;
    const accepted = async (body: string): Promise<void> => media.accept(body);
    const outcome = await this.#former.align({ legId, offer: () => media.reoffer(said), accepted, isOptional: true });
    // Some accept what they cannot do: they are brought back to what they had.
    if (outcome === 'unusable') await this.#former.align(media.asBefore());
    return outcome === 'aligned';
  }

  /** Ends it, once it is the new call's; until then the former call decides about it. */
  async bye(reason: string | undefined): Promise<void> {
    if (this.#isTaken) await this.parts.bye(reason);
  }
}
