/** What the caller hears while an agent is being fetched back, or thinks for long: two soft notes now and then. */
import { ToneGenerator } from '../audio/index.ts';
import type { Clock, Timer } from '../kernel/index.ts';

export interface ComfortOptions {
  readonly clock: Clock;
  /** Plays it, as long as it is wanted. */
  readonly play: (pcm: Int16Array) => void;
  /** What was played is to stop. */
  readonly stop: () => void;
}

export const COMFORT_HZ = 8000;
const NOTES_HZ = [392, 523];
const NOTE_MS = 160;
const LEVEL_DB = -28;
const EVERY_MS = 2500;

export class ComfortSound {
  readonly #options: ComfortOptions;
  #timer: Timer | undefined;
  #isOn = false;

  constructor(options: ComfortOptions) {
    this.#options = options;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  start(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#play();
  }

  /** Idempotent. */
  stop(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    this.#timer?.cancel();
    this.#options.stop();
  }

  /** One sound after another, and never so much at once that it would have to be waited for. */
  #play(): void {
    const { clock, play } = this.#options;
    play(notes());
    this.#timer = clock.after(EVERY_MS, () => this.#play());
  }
}

let rendered: Int16Array | undefined;

function notes(): Int16Array {
  rendered ??= joined(
    NOTES_HZ.map((hz) => faded(new ToneGenerator(hz, COMFORT_HZ, LEVEL_DB).next((COMFORT_HZ / 1000) * NOTE_MS))),
  );
  return rendered;
}

/** Swells and dies away, so that it does not click. */
function faded(pcm: Int16Array): Int16Array {
  return pcm.map((sample, i) => Math.round(sample * Math.sin((Math.PI * i) / pcm.length)));
}

function joined(parts: readonly Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => [...part]));
}
