/** The face of the softphone: shows its state, turns clicks and keys into its verbs. */
import type { Clock, Timer } from '../../kernel/index.ts';
import { CallControls } from './call-controls.ts';
import { type CallState, isBusy } from './call-state.ts';
import type { PhoneState } from './hook.ts';
import { buildKeypad, flashKey, isDigit } from './keypad.ts';
import { byId, onClick } from './page.ts';
import type { Softphone } from './phone.ts';
import { addRecent, loadRecent } from './recent.ts';
import type { Ringer, Sound } from './ringer.ts';
import { VideoPanel } from './video-panel.ts';
import { callWords, durationWords, lineWords, qualityLevel, qualityWords, troubleWords } from './words.ts';

const TICK_MS = 1000;
/** A call that ended without trouble leaves the screen after this long. */
const GOODBYE_MS = 2_500;

export interface SignInForm {
  readonly user: string;
  readonly password: string;
  readonly stays: boolean;
}

export interface ViewActions {
  signIn(form: SignInForm): void;
  signOut(): void;
}

export class View {
  readonly #phone: Softphone;
  readonly #ringer: Ringer;
  readonly #clock: Clock;
  readonly #actions: ViewActions;
  readonly #root = byId('line', HTMLElement).closest('main') ?? document.body;
  readonly #signIn = byId('sign-in', HTMLFormElement);
  readonly #user = byId('user', HTMLInputElement);
  readonly #password = byId('password', HTMLInputElement);
  readonly #dialer = byId('dialer', HTMLFormElement);
  readonly #number = byId('number', HTMLInputElement);
  readonly #callScreen = byId('call', HTMLElement);
  readonly #toneKeys = byId('tone-keys', HTMLElement);
  readonly #sentDigits = byId('sent-digits', HTMLOutputElement);
  readonly #controls: CallControls;
  readonly #video: VideoPanel;
  #shownCall: CallState['kind'] = 'idle';
  #tick: Timer | undefined;
  #goodbye: Timer | undefined;

  constructor(phone: Softphone, ringer: Ringer, clock: Clock, actions: ViewActions) {
    this.#phone = phone;
    this.#ringer = ringer;
    this.#clock = clock;
    this.#actions = actions;
    this.#controls = new CallControls(phone);
    this.#video = new VideoPanel(phone);
  }

  /** Wires the page up and shows the first screen. */
  start(prefilledUser: string | undefined): void {
    this.#wireSignIn();
    this.#wireDialer();
    this.#wireCall();
    document.addEventListener('keydown', (event) => this.#onKey(event));
    document.addEventListener('pointerdown', () => this.#ringer.unlock());
    const audio = byId('remote-audio', HTMLAudioElement);
    this.#phone.on('remoteStream', (stream) => {
      audio.srcObject = stream;
    });
    this.#phone.on('change', (state) => this.#show(state));
    this.#showRecent(loadRecent(localStorage));
    if (prefilledUser !== undefined) this.#user.value = prefilledUser;
    this.#show(this.#phone.state);
    (prefilledUser === undefined ? this.#user : this.#password).focus();
  }

  showTrouble(text: string): void {
    byId('trouble', HTMLElement).textContent = text;
  }

  #wireSignIn(): void {
    this.#signIn.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#ringer.unlock();
      this.showTrouble('');
      this.#actions.signIn({
        user: this.#user.value.trim(),
        password: this.#password.value,
        stays: byId('stay', HTMLInputElement).checked,
      });
    });
    onClick('sign-out', () => this.#actions.signOut());
  }

  #wireDialer(): void {
    this.#dialer.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#dial(this.#number.value);
    });
    onClick('video-call', () => this.#dial(this.#number.value, true));
    buildKeypad(byId('dial-keys', HTMLElement), (digit) => {
      this.#ringer.blip();
      this.#number.value += digit;
    });
    byId('erase', HTMLButtonElement).addEventListener('click', () => {
      this.#number.value = this.#number.value.slice(0, -1);
      this.#number.focus();
    });
  }

  #wireCall(): void {
    onClick('answer', () => this.#phone.answer());
    onClick('hang-up', () => (this.#shownCall === 'incoming' ? this.#phone.decline() : this.#phone.hangUp()));
    onClick('back', () => this.#phone.dismiss());
    onClick('mute', () => {
      const { call } = this.#phone.state;
      if (call.kind === 'active') this.#phone.mute(!call.isMuted);
    });
    this.#controls.wire();
    this.#video.wire();
    onClick('keys', () => this.#showToneKeys(this.#toneKeys.hidden !== false));
    buildKeypad(this.#toneKeys, (digit) => this.#sendDigit(digit));
  }

  #dial(target: string, withVideo = false): void {
    if (target.trim() === '') {
      // An empty field dials the last number, as telephones do.
      this.#number.value = loadRecent(localStorage)[0] ?? '';
      this.#number.focus();
      return;
    }
    this.#ringer.unlock();
    this.#phone.call(target, withVideo);
    this.#showRecent(addRecent(localStorage, target.trim()));
  }

  #sendDigit(digit: string): void {
    if (!this.#phone.sendDigits(digit)) return;
    this.#ringer.blip();
    this.#sentDigits.hidden = false;
    this.#sentDigits.textContent += digit;
  }

  #onKey(event: KeyboardEvent): void {
    this.#ringer.unlock();
    // What is typed into a field is nobody's digit.
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = event.target instanceof HTMLInputElement;
    if (event.key === 'Escape' && this.#controls.close()) return;
    if (this.#shownCall === 'active' && !isTyping && isDigit(event.key)) {
      flashKey(this.#toneKeys, event.key);
      this.#sendDigit(event.key);
    } else if (event.key === 'Escape' && isBusy(this.#phone.state.call)) this.#phone.hangUp();
    else if (event.key === 'Escape') this.#phone.dismiss();
  }

  #show(state: PhoneState): void {
    const { line, call, user } = state;
    const isSignedIn = line.kind !== 'signed-out' && line.kind !== 'refused';
    this.#root.dataset['line'] = line.kind;
    this.#root.dataset['call'] = call.kind;
    byId('line-text', HTMLElement).textContent = lineWords(line, user);
    byId('sign-out', HTMLElement).hidden = !isSignedIn || call.kind !== 'idle';
    this.#signIn.hidden = isSignedIn;
    this.#dialer.hidden = !isSignedIn || call.kind !== 'idle';
    this.#callScreen.hidden = !isSignedIn || call.kind === 'idle';
    this.showTrouble(troubleWords(line, call));
    this.#controls.show(state);
    this.#video.show(state);
    this.#showCall(call);
  }

  #showCall(call: CallState): void {
    const changed = call.kind !== this.#shownCall;
    this.#shownCall = call.kind;
    byId('call-text', HTMLElement).textContent = callWords(call);
    if (call.kind !== 'idle') {
      byId('remote', HTMLElement).textContent = call.remote;
      byId('avatar', HTMLElement).textContent = initial(call.remote);
    }
    this.#showButtons(call);
    this.#ringer.play(this.#controls.isWaiting ? 'waiting' : soundOf(call));
    document.title = call.kind === 'incoming' ? `${call.remote} is calling` : 'Viaduct';
    if (changed) this.#enter(call);
  }

  #showButtons(call: CallState): void {
    const isActive = call.kind === 'active';
    byId('answer', HTMLElement).hidden = call.kind !== 'incoming';
    byId('mute', HTMLElement).hidden = !isActive;
    byId('mute', HTMLElement).setAttribute('aria-pressed', String(isActive && call.isMuted));
    byId('keys', HTMLElement).hidden = !isActive;
    byId('hang-up', HTMLElement).hidden = !isBusy(call);
    byId('hang-up', HTMLElement).setAttribute('aria-label', call.kind === 'incoming' ? 'Decline' : 'Hang up');
    byId('back', HTMLElement).hidden = call.kind !== 'ended';
    byId('duration', HTMLElement).hidden = !isActive;
    byId('quality', HTMLElement).hidden = !isActive || call.isHeld;
  }

  /** What happens once when the call enters a state: focus, the clock, the goodbye. */
  #enter(call: CallState): void {
    this.#tick?.cancel();
    this.#goodbye?.cancel();
    this.#showToneKeys(false);
    this.#sentDigits.hidden = true;
    this.#sentDigits.textContent = '';
    switch (call.kind) {
      case 'idle':
        this.#number.focus();
        break;
      case 'active':
        this.#every(call.since);
        byId('mute', HTMLElement).focus();
        break;
      case 'incoming':
        byId('answer', HTMLElement).focus();
        break;
      case 'ended':
        byId('back', HTMLElement).focus();
        if (call.trouble === undefined) this.#goodbye = this.#clock.after(GOODBYE_MS, () => this.#phone.dismiss());
        break;
      case 'calling':
      case 'ringing':
      case 'answering':
        byId('hang-up', HTMLElement).focus();
    }
  }

  #every(since: number): void {
    byId('duration', HTMLElement).textContent = durationWords(this.#clock.now() - since);
    void this.#showQuality();
    this.#tick = this.#clock.after(TICK_MS, () => this.#every(since));
  }

  async #showQuality(): Promise<void> {
    const quality = await this.#phone.quality();
    if (quality === undefined) return;
    byId('quality-text', HTMLElement).textContent = qualityWords(quality);
    byId('bars', HTMLElement).dataset['level'] = String(qualityLevel(quality));
  }

  #showToneKeys(isOpen: boolean): void {
    this.#toneKeys.hidden = !isOpen;
    byId('keys', HTMLElement).setAttribute('aria-expanded', String(isOpen));
  }

  #showRecent(list: readonly string[]): void {
    byId('recent', HTMLElement).hidden = list.length === 0;
    byId('recent-list', HTMLElement).replaceChildren(
      ...list.map((entry) => {
        const item = document.createElement('li');
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = entry;
        button.setAttribute('aria-label', `Call ${entry}`);
        button.addEventListener('click', () => this.#dial(entry));
        item.append(button);
        return item;
      }),
    );
  }
}

function soundOf(call: CallState): Sound {
  if (call.kind === 'incoming') return 'ring';
  if (call.kind === 'ringing' && !call.hasEarlyMedia) return 'ringback';
  if (call.kind === 'ended' && call.trouble !== undefined) return 'busy';
  return 'none';
}

function initial(remote: string): string {
  const [first = '?'] = remote.replace(/^sips?:/i, '');
  return /[\d+*#]/.test(first) ? '#' : first.toUpperCase();
}
