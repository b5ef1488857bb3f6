/** Says back what it hears, an utterance at a time: for microphones, loudspeakers and the way between them. */
import { encodeG711, type VadChange } from '../../audio/index.ts';
import type { AgentLink, AgentVoice, OpenLink } from '../link.ts';
import { PROMPTS } from './prompts.ts';
import type { Speech } from './speech.ts';

/** µ-law at 8 kHz, in frames of 20 ms. */
const FRAME_MS = 20;
/** What was heard before speech was found to have begun belongs to it, ms. */
const LEAD_MS = 240;
const MAX_MS = 20_000;

export function openParrot(speech: Speech): OpenLink {
  const greeting = speech.say(PROMPTS.parrot, 'parrot');
  return (_call, voice) => new Parrot(voice, greeting);
}

class Parrot implements AgentLink {
  readonly #voice: AgentVoice;
  #frames: Uint8Array[] = [];
  #isRecording = false;
  #spoken = 0;
  #isOver = false;

  constructor(voice: AgentVoice, greeting: Promise<Int16Array>) {
    this.#voice = voice;
    void this.#begin(greeting);
  }

  hear(frame: Uint8Array): void {
    const most = this.#isRecording ? MAX_MS / FRAME_MS : LEAD_MS / FRAME_MS;
    this.#frames.push(frame);
    if (this.#frames.length <= most) return;
    if (this.#isRecording) this.#sayBack();
    else this.#frames.shift();
  }

  pressDigit(): void {}
  markReached(): void {}

  callerSpeaks(change: VadChange): void {
    if (change === 'started') this.#isRecording = true;
    else if (this.#isRecording) this.#sayBack();
  }

  close(): void {
    this.#isOver = true;
  }

  async #begin(greeting: Promise<Int16Array>): Promise<void> {
    try {
      const words = await greeting;
      if (this.#isOver) return;
      this.#voice.onOpen();
      this.#voice.say('greeting', encodeG711('PCMU', words));
    } catch (error) {
      if (!this.#isOver) this.#voice.onClose(error instanceof Error ? error : new Error('no prompt', { cause: error }));
    }
  }

  #sayBack(): void {
    this.#isRecording = false;
    this.#voice.say(`parrot-${++this.#spoken}`, Buffer.concat(this.#frames));
    this.#frames = [];
  }
}
