/** A receptionist without intelligence: greets, hears keys, falls silent when it is talked over, and puts callers through. */
import { encodeG711, type VadChange } from '../../audio/index.ts';
import type { Clock, Logger, Timer } from '../../kernel/index.ts';
import type { AgentLink, AgentVoice, OpenLink } from '../link.ts';
import { MENU_START, type MenuInput, type MenuOutput, type MenuSettings, type MenuText, stepMenu } from './menu.ts';
import { PROMPTS, type PromptName } from './prompts.ts';
import type { Speech } from './speech.ts';

export interface ReceptionAgent {
  readonly greeting: string;
  readonly menu: MenuSettings;
}

export interface ReceptionParts {
  readonly speech: Speech;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Texts = Readonly<Record<MenuText, Uint8Array>>;

/** Rendering begins at once, so that the first caller need not wait for it. */
export function openReception({ greeting, menu }: ReceptionAgent, parts: ReceptionParts): OpenLink {
  const texts = textsOf(greeting, parts.speech);
  return (_call, voice) => new Reception({ texts, menu, parts, voice });
}

async function textsOf(greeting: string, speech: Speech): Promise<Texts> {
  const say = async (text: string, otherwise: PromptName): Promise<Uint8Array> =>
    encodeG711('PCMU', await speech.say(text, otherwise));
  const prompt = (name: PromptName): Promise<Uint8Array> => say(PROMPTS[name], name);
  const [greets, transferring, unknown, unavailable, goodbye] = await Promise.all([
    say(greeting, 'choose'),
    prompt('transferring'),
    prompt('unknown-key'),
    prompt('unavailable'),
    prompt('goodbye'),
  ]);
  return { greeting: greets, transferring, 'unknown-key': unknown, unavailable, goodbye };
}

interface ReceptionOptions {
  readonly texts: Promise<Texts>;
  readonly menu: MenuSettings;
  readonly parts: ReceptionParts;
  readonly voice: AgentVoice;
}

class Reception implements AgentLink {
  readonly #options: ReceptionOptions;
  #state = MENU_START;
  #texts: Texts | undefined;
  #saying = 0;
  #wait: Timer | undefined;
  #isOver = false;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    void this.#begin();
  }

  hear(): void {}

  pressDigit(key: string): void {
    this.#feed({ kind: 'key', key });
  }

  markReached(name: string, isCleared: boolean): void {
    if (!isCleared && name === `${this.#saying}`) this.#feed({ kind: 'said' });
  }

  callerSpeaks(change: VadChange): void {
    if (change === 'started') this.#wait?.cancel();
    else this.#feed({ kind: 'heard' });
  }

  interrupted(): void {
    this.#feed({ kind: 'interrupted' });
  }

  close(): void {
    this.#isOver = true;
    this.#wait?.cancel();
  }

  async #begin(): Promise<void> {
    const { texts, voice } = this.#options;
    try {
      this.#texts = await texts;
    } catch (error) {
      if (!this.#isOver) voice.onClose(error instanceof Error ? error : new Error('no prompts', { cause: error }));
      return;
    }
    if (this.#isOver) return;
    voice.onOpen();
    this.#feed({ kind: 'opened' });
  }

  #feed(input: MenuInput): void {
    if (this.#isOver) return;
    const { state, outputs } = stepMenu(this.#state, input, this.#options.menu);
    this.#state = state;
    for (const output of outputs) this.#do(output);
  }

  #do(output: MenuOutput): void {
    const { parts, voice } = this.#options;
    this.#wait?.cancel();
    switch (output.kind) {
      case 'say':
        return this.#say(output.texts);
      case 'wait':
        this.#wait = parts.clock.after(output.ms, () => this.#feed({ kind: 'silence' }));
        return;
      case 'transfer':
        return void this.#transfer(output.to);
      case 'hang-up':
        this.close();
        return voice.onClose();
    }
  }

  /** One text after another, each an utterance with a name that tells what it was. */
  #say(texts: readonly MenuText[]): void {
    const { voice } = this.#options;
    void voice.flush();
    this.#saying++;
    for (const text of texts) {
      const audio = this.#texts?.[text];
      if (audio !== undefined) voice.say(`${text}-${this.#saying}`, audio);
    }
    voice.mark(`${this.#saying}`);
  }

  async #transfer(to: string): Promise<void> {
    const { voice, parts } = this.#options;
    const result = await voice.verbs.transfer(to);
    if (result.isDone || this.#isOver) return;
    parts.logger.info({ code: result.code, sipStatus: result.sipStatus }, 'reception could not put a caller through');
    this.#feed({ kind: 'transfer-failed' });
  }
}
