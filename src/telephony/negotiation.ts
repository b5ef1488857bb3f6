/**
 * Offers inside the dialogs of one call: those of the peers are answered from their own Leg (decision D3), ours are
 * sent again after a collision. Each dialog has one offer at a time (offer-turn.ts).
 */
import { type Clock, type LegId, type Logger, type Random } from '../kernel/index.ts';
import type { Alignment, AlignmentOutcome } from './alignment.ts';
import type { CallMediaWork } from './call-media.ts';
import { isDialogGone, type OfferTurn, refusalOf, retryDelayOf } from './offer-turn.ts';
import { owedStatus, owedWarning } from './owed-answer.ts';
import type { InDialogOffer, SipDialog, SipReply } from './sip-ports.ts';

export interface NegotiationParts {
  /** Undefined until the call is routed. */
  readonly media: () => CallMediaWork | undefined;
  readonly dialogOf: (legId: LegId) => SipDialog | undefined;
  /** Whether we have made the Call-ID of the Leg's dialog. */
  readonly isOwner: (legId: LegId) => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Names us in Warning headers. */
  readonly domain: string;
}

export class Negotiation {
  readonly #parts: NegotiationParts;
  readonly #turns = new Map<LegId, OfferTurn>();
  /** Of re-INVITEs that had no offer, by the Leg that sent them: the number that the ACK with the answer must have. */
  readonly #asked = new Map<LegId, number>();
  /** Offers that wait for their turn, by Leg, first come first served. */
  readonly #waiting = new Map<LegId, (() => void)[]>();

  constructor(parts: NegotiationParts) {
    this.#parts = parts;
  }

  /** A re-INVITE or UPDATE. */
  async onOffer(legId: LegId, offer: InDialogOffer): Promise<void> {
    const { media, random, logger } = this.#parts;
    const work = media();
    // The peer has had our ACK, so its offer crosses nothing (RFC 3311 §5.2): it is taken up when the media are through.
    while (this.#turnOf(legId) === 'applying') await this.#nextTurn(legId);
    const refusal = refusalOf(work === undefined ? 'ours' : this.#turnOf(legId), random);
    if (refusal !== undefined || work === undefined) {
      offer.reply(refusal?.status ?? 491, refusal?.headers);
      return;
    }
    this.#setTurn(legId, 'theirs');
    let turn: OfferTurn = 'free';
    try {
      await work.renegotiate(legId, {
        ...offer,
        reply: (status, headers, body) => {
          // Our offer goes in the 200, and its answer comes in the ACK (RFC 3261 §14.2).
          if (status < 300 && offer.body === '') {
            turn = 'ours';
            this.#asked.set(legId, offer.cseq);
          }
          offer.reply(status, headers, body);
        },
        ask: async (alignment) => this.#ask(alignment),
      });
    } catch (error) {
      logger.info({ err: error, legId }, 'renegotiation refused');
      offer.reply(owedStatus(error, 488), owedWarning(error, this.#parts.domain));
    } finally {
      this.#setTurn(legId, turn);
    }
  }

  /** The ACK to a 200 of ours inside the dialog. */
  async onAck(legId: LegId, body: string, cseq: number): Promise<void> {
    if (this.#asked.get(legId) !== cseq) return;
    this.#asked.delete(legId);
    this.#setTurn(legId, 'free');
    try {
      await this.#parts.media()?.reacknowledged(legId, body);
    } catch (error) {
      this.#parts.logger.warn({ err: error, legId }, 'answer in the ACK not used');
    }
  }

  /** Offers the other side something while the peer waits for its answer: never when that has an offer under way itself. */
  async #ask(alignment: Alignment): Promise<AlignmentOutcome> {
    return this.#turnOf(alignment.legId) === 'free' ? this.align(alignment) : 'refused';
  }

  /** Offers one side another codec. Resolves when that is decided. */
  async align({ legId, offer, accepted }: Alignment): Promise<AlignmentOutcome> {
    const { logger } = this.#parts;
    try {
      const reply = await this.#offer(legId, offer);
      if (reply === undefined || isDialogGone(reply.status)) return 'gone';
      if (reply.status >= 300) {
        logger.warn({ legId, sipStatus: reply.status }, 'codec not aligned');
        return 'refused';
      }
      this.#setTurn(legId, 'applying');
      await accepted(reply.body);
      return 'aligned';
    } catch (error) {
      logger.warn({ err: error, legId }, 'codec not aligned');
      return 'unusable';
    } finally {
      this.#setTurn(legId, 'free');
    }
  }

  /** A re-INVITE, as often as glare demands; undefined when the dialog is gone. */
  async #offer(legId: LegId, offer: () => string): Promise<SipReply | undefined> {
    const { random, isOwner, dialogOf } = this.#parts;
    for (let tries = 1; ; tries += 1) {
      await this.#free(legId);
      const dialog = dialogOf(legId);
      if (dialog === undefined) return undefined;
      this.#setTurn(legId, 'ours');
      const reply = await dialog.request('INVITE', offer());
      const { status } = reply;
      const retryAfter = reply.header('Retry-After');
      const delay = retryDelayOf({ status, retryAfter, tries, isOwner: isOwner(legId) }, random);
      if (status < 300 || delay === undefined) return reply;
      this.#setTurn(legId, 'free');
      await this.#pause(delay);
    }
  }

  /** Waits for an offer under way to be done with: at most until its dialog is given up for want of an ACK. */
  async #free(legId: LegId): Promise<void> {
    while (this.#turnOf(legId) !== 'free') await this.#nextTurn(legId);
  }

  /** Until the Leg's turn is free, or was for a moment. */
  async #nextTurn(legId: LegId): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.set(legId, [...(this.#waiting.get(legId) ?? []), resolve]);
    });
  }

  #setTurn(legId: LegId, turn: OfferTurn): void {
    this.#turns.set(legId, turn);
    if (turn !== 'free') return;
    const waiting = this.#waiting.get(legId) ?? [];
    this.#waiting.delete(legId);
    for (const wake of waiting) wake();
  }

  /** The Leg's dialog is over. */
  close(legId: LegId): void {
    this.#setTurn(legId, 'free');
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#parts.clock.after(ms, resolve);
    });
  }

  #turnOf(legId: LegId): OfferTurn {
    return this.#turns.get(legId) ?? 'free';
  }
}
