/** What the page offers in a call beside hanging up: hold, transfer, and the second call. */
import type { CallState } from './call-state.ts';
import type { PhoneState } from './hook.ts';
import { byId, onClick } from './page.ts';
import type { Softphone } from './phone.ts';
import { otherWords } from './words.ts';

export class CallControls {
  readonly #phone: Softphone;
  readonly #hold = byId('hold', HTMLButtonElement);
  readonly #transfer = byId('transfer', HTMLButtonElement);
  readonly #panel = byId('transfer-panel', HTMLFormElement);
  readonly #target = byId('transfer-target', HTMLInputElement);
  readonly #askFirst = byId('ask-first', HTMLButtonElement);
  readonly #other = byId('other', HTMLElement);
  #shownOther: CallState['kind'] | undefined;

  constructor(phone: Softphone) {
    this.#phone = phone;
  }

  wire(): void {
    this.#hold.addEventListener('click', () => {
      const { call } = this.#phone.state;
      if (call.kind === 'active') void this.#phone.hold(!call.isHeld);
    });
    this.#transfer.addEventListener('click', () => this.#open(this.#panel.hidden !== false));
    this.#panel.addEventListener('submit', (event) => {
      event.preventDefault();
      const target = this.#taken();
      if (target !== undefined) this.#phone.transfer(target);
    });
    this.#askFirst.addEventListener('click', () => {
      const target = this.#taken();
      if (target !== undefined) this.#phone.consult(target);
    });
    onClick('swap', () => this.#phone.swap());
    onClick('connect-both', () => this.#phone.connectBoth());
    onClick('answer-waiting', () => this.#phone.answer());
    onClick('decline-waiting', () => this.#phone.decline());
  }

  /** Closes the panel; false when it was closed already. */
  close(): boolean {
    if (this.#panel.hidden) return false;
    this.#open(false);
    this.#transfer.focus();
    return true;
  }

  show({ call, other }: PhoneState): void {
    const isActive = call.kind === 'active';
    const isMoving = isActive && call.transfer?.kind === 'running';
    this.#hold.hidden = !isActive;
    this.#hold.disabled = isMoving;
    this.#hold.setAttribute('aria-pressed', String(isActive && call.isHeld));
    this.#hold.dataset['text'] = isActive && call.isHeld ? 'Resume' : 'Hold';
    this.#transfer.hidden = !isActive;
    this.#transfer.disabled = isMoving;
    if (!isActive || isMoving) this.#open(false);
    this.#askFirst.disabled = other !== undefined;
    this.#showOther(call, other);
  }

  #showOther(call: CallState, other: CallState | undefined): void {
    const kind = other?.kind;
    this.#other.hidden = other === undefined || other.kind === 'idle';
    if (other === undefined || other.kind === 'idle') {
      this.#shownOther = undefined;
      return;
    }
    const isWaiting = other.kind === 'incoming';
    const mayConnect = call.kind === 'active' && other.kind === 'active';
    const isMoving = other.kind === 'active' && other.transfer?.kind === 'running';
    byId('other-remote', HTMLElement).textContent = other.remote;
    byId('other-text', HTMLElement).textContent = otherWords(other);
    byId('swap', HTMLButtonElement).hidden = !mayConnect || isMoving;
    byId('connect-both', HTMLButtonElement).hidden = !mayConnect || isMoving;
    byId('answer-waiting', HTMLButtonElement).hidden = !isWaiting;
    byId('decline-waiting', HTMLButtonElement).hidden = !isWaiting;
    this.#other.dataset['kind'] = other.kind;
    // Not the focus, which the person may be using: the status line tells of the call that waits.
    this.#shownOther = kind;
  }

  get isWaiting(): boolean {
    return this.#shownOther === 'incoming';
  }

  #open(isOpen: boolean): void {
    if (this.#panel.hidden === !isOpen) return;
    this.#panel.hidden = !isOpen;
    this.#transfer.setAttribute('aria-expanded', String(isOpen));
    if (!isOpen) return;
    this.#target.value = '';
    this.#target.focus();
  }

  #taken(): string | undefined {
    const target = this.#target.value.trim();
    if (target === '') {
      this.#target.focus();
      return undefined;
    }
    this.#open(false);
    return target;
  }
}
