/** The caller's side of a call: its INVITE, the one answer to it, and then its dialog. */
import { ALLOW } from './allow.ts';
import type { InviteTerms } from './invite-terms.ts';
import type { DialogEnd, InboundInvite, InboundRequest, InDialogOffer, SipDialog } from './sip-ports.ts';

export interface CallerReports {
  readonly onCancelled: (reason: string | undefined) => void;
  /** The 200 is out and the dialog stands. */
  readonly onAnswered: () => void;
  readonly onAck: (body: string, cseq: number) => void;
  /** The PRACK to a reliable provisional response. */
  readonly onPrack: (body: string) => void;
  readonly onBye: (end: DialogEnd) => void;
  readonly onOffer: (offer: InDialogOffer) => void;
  readonly onRequest: (request: InboundRequest) => void;
}

/** The caller as its call sees it. */
export interface CallerSide {
  /** Once confirmed, until it has ended. */
  readonly dialog: SipDialog | undefined;
  /** Its provisional responses are acknowledged: they may carry an offer. */
  readonly isReliable: boolean;
  listen(): void;
  progress(status: number, body: string | undefined): void;
  answer(body: string): void;
  refuse(status: number, headers: Readonly<Record<string, string>>): void;
  /** BYE, also when the 200 is only just going out; before that a refusal. Resolves when it is done. */
  hangUp(status: number, reason: string | undefined): Promise<void>;
  /** A key that the other party pressed, for who hears them otherwise than in its audio. */
  heardDigit?(digit: string, durationMs: number): void;
}

type State =
  | { readonly kind: 'invited' }
  /** The 200 is on its way; `bye` is set when it is to be followed by one. */
  | {
      readonly kind: 'answering';
      readonly bye: { readonly reason: string | undefined; readonly done: () => void } | undefined;
    }
  | { readonly kind: 'confirmed'; readonly dialog: SipDialog }
  | { readonly kind: 'over' };

export class CallerLeg implements CallerSide {
  readonly invite: InboundInvite;
  readonly #terms: InviteTerms;
  readonly #reports: CallerReports;
  #state: State = { kind: 'invited' };

  constructor(invite: InboundInvite, terms: InviteTerms, reports: CallerReports) {
    this.invite = invite;
    this.#terms = terms;
    this.#reports = reports;
  }

  listen(): void {
    this.invite.onCancel((reason) => {
      this.#state = { kind: 'over' };
      this.#reports.onCancelled(reason);
    });
    const { onBye, onOffer, onPrack } = this.#reports;
    this.invite.onEarly({ onBye, onOffer, onPrack });
  }

  get isReliable(): boolean {
    return this.#terms.isReliable;
  }

  get dialog(): SipDialog | undefined {
    return this.#state.kind === 'confirmed' ? this.#state.dialog : undefined;
  }

  progress(status: number, body: string | undefined): void {
    // A response that makes a dialog names its Contact (RFC 3261 §12.1.1); SIP.js shows no ringing without it.
    if (this.#state.kind !== 'invited') return;
    // That UPDATE is allowed must be told before the answer, too (RFC 3311 §4).
    const reliable = this.#terms.isReliable ? { Require: '100rel', Allow: ALLOW } : {};
    this.invite.reply(status, { Contact: '<sip:gw@localhost>', ...reliable }, body);
  }

  answer(body: string): void {
    if (this.#state.kind !== 'invited') return;
    this.#state = { kind: 'answering', bye: undefined };
    this.invite.answer(body, this.#terms.answerHeaders, {
      onDialog: (dialog) => this.#onDialog(dialog),
      onGone: () => {
        if (this.#state.kind === 'answering') this.#state.bye?.done();
        this.#state = { kind: 'over' };
        this.#reports.onCancelled(undefined);
      },
      onAck: this.#reports.onAck,
      onOffer: this.#reports.onOffer,
      onRequest: this.#reports.onRequest,
      onBye: (end) => {
        this.#state = { kind: 'over' };
        this.#reports.onBye(end);
      },
    });
  }

  refuse(status: number, headers: Readonly<Record<string, string>>): void {
    if (this.#state.kind !== 'invited') return;
    this.#state = { kind: 'over' };
    this.invite.reply(status, headers);
  }

  async hangUp(status: number, reason: string | undefined): Promise<void> {
    const state = this.#state;
    switch (state.kind) {
      case 'invited':
        this.refuse(status, {});
        return;
      case 'answering':
        await new Promise<void>((done) => {
          this.#state = { kind: 'answering', bye: { reason, done } };
        });
        return;
      case 'confirmed':
        this.#state = { kind: 'over' };
        await state.dialog.bye(reason);
        return;
      case 'over':
    }
  }

  #onDialog(dialog: SipDialog): void {
    const bye = this.#state.kind === 'answering' ? this.#state.bye : undefined;
    if (bye !== undefined) {
      this.#state = { kind: 'over' };
      void dialog.bye(bye.reason).then(bye.done);
      return;
    }
    this.#state = { kind: 'confirmed', dialog };
    this.#reports.onAnswered();
  }
}
