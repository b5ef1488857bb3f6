/** The sounds of the telephone itself, made with WebAudio: no files, and silent until the person touched the page. */
export type Sound = 'none' | 'ring' | 'ringback' | 'waiting' | 'busy';

interface Cadence {
  readonly hz: readonly number[];
  /** Seconds of sound and of silence, in turns. */
  readonly pattern: readonly number[];
  readonly gain: number;
  /** How often the pattern plays. */
  readonly times: number;
}

const cadences: Record<Exclude<Sound, 'none'>, Cadence> = {
  ring: { hz: [659, 880], pattern: [0.4, 0.2, 0.4, 2], gain: 0.12, times: Number.POSITIVE_INFINITY },
  // The tones that most people know: 425 Hz, ITU-T E.180.
  ringback: { hz: [425], pattern: [1, 4], gain: 0.06, times: Number.POSITIVE_INFINITY },
  // Heard beside a conversation: short and rare.
  waiting: { hz: [425], pattern: [0.2, 0.2, 0.2, 4], gain: 0.04, times: Number.POSITIVE_INFINITY },
  busy: { hz: [425], pattern: [0.48, 0.48], gain: 0.06, times: 4 },
};

const EDGE_SEC = 0.01;

export class Ringer {
  #context: AudioContext | undefined;
  #playing: Sound = 'none';
  #output: GainNode | undefined;
  #next: ReturnType<typeof setTimeout> | undefined;

  /** To be called from a click or a key: browsers let a page sound only after one. */
  unlock(): void {
    this.#context ??= new AudioContext();
    if (this.#context.state === 'suspended') void this.#context.resume();
  }

  play(sound: Sound): void {
    if (sound === this.#playing) return;
    this.#stop();
    this.#playing = sound;
    if (sound !== 'none') this.#round(cadences[sound], 1);
  }

  /** A short click tone for a pressed key. */
  blip(): void {
    const context = this.#context;
    if (context === undefined) return;
    const output = this.#open(context, 0.03);
    tone(context, output, 1209, { at: context.currentTime, seconds: 0.06 });
  }

  #round(cadence: Cadence, round: number): void {
    const context = this.#context;
    if (context === undefined) return;
    const output = this.#open(context, cadence.gain);
    this.#output = output;
    let at = context.currentTime;
    cadence.pattern.forEach((seconds, index) => {
      if (index % 2 === 0) for (const hz of cadence.hz) tone(context, output, hz, { at, seconds });
      at += seconds;
    });
    const lengthMs = (at - context.currentTime) * 1000;
    this.#next = setTimeout(() => {
      output.disconnect();
      if (round < cadence.times) this.#round(cadence, round + 1);
      else this.#playing = 'none';
    }, lengthMs);
  }

  #open(context: AudioContext, gain: number): GainNode {
    const output = context.createGain();
    output.gain.value = gain;
    output.connect(context.destination);
    return output;
  }

  #stop(): void {
    clearTimeout(this.#next);
    this.#output?.disconnect();
    this.#output = undefined;
    this.#playing = 'none';
  }
}

/** One tone with soft edges, so that it does not crack. */
function tone(
  context: AudioContext,
  output: AudioNode,
  hz: number,
  { at, seconds }: { at: number; seconds: number },
): void {
  const oscillator = context.createOscillator();
  const envelope = context.createGain();
  oscillator.frequency.value = hz;
  envelope.gain.setValueAtTime(0, at);
  envelope.gain.linearRampToValueAtTime(1, at + EDGE_SEC);
  envelope.gain.setValueAtTime(1, at + seconds - EDGE_SEC);
  envelope.gain.linearRampToValueAtTime(0, at + seconds);
  oscillator.connect(envelope).connect(output);
  oscillator.start(at);
  oscillator.stop(at + seconds);
}
