/** Our offer to a caller that made none, in a reliable provisional response (RFC 3262 §5), until its PRACK brings the answer. */
import type { LegId } from '../kernel/index.ts';
import { telephonyErrors } from './errors.ts';

export class EarlyOffer {
  /** The branch whose early media it stands for. */
  readonly legId: LegId;
  readonly text: string;
  readonly #answered: Promise<void>;
  #settle: ((error?: Error) => void) | undefined;

  constructor(legId: LegId, text: string) {
    this.legId = legId;
    this.text = text;
    this.#answered = new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    // Nobody may be waiting for it when the call ends.
    this.#answered.catch(() => {});
  }

  /** Resolves when the answer is there; rejects when the leg ends without. */
  async answered(): Promise<void> {
    return this.#answered;
  }

  onAnswer(): void {
    this.#settle?.();
  }

  close(): void {
    this.#settle?.(telephonyErrors.TELEPHONY_LEG_ENDED());
  }
}
