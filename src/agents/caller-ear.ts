/**
 * Listens to the caller on an agent's behalf: when it speaks and when it has stopped, how long it waits for an answer,
 * and, where the agent does not do so itself, when the agent is to fall silent because the caller talks over it.
 */
import { type VadChange, VoiceActivityDetector } from '../audio/index.ts';
import type { AgentEncoding, TurnRecord } from '../calls/index.ts';
import type { Clock, Timer } from '../kernel/index.ts';
import { samplesOf } from './agent-pcm.ts';
import { TurnClock } from './turn-clock.ts';

export interface BargeInPolicy {
  /** We decide by what we hear; otherwise the agent does, by its protocol. */
  readonly isLocal: boolean;
  /** So much quieter the agent becomes at once, dB; 0: not at all, it falls silent at once. */
  readonly duckDb: number;
  /** After so much speech the agent that was made quieter falls silent, ms. */
  readonly confirmMs: number;
}

export interface CallerEarOptions {
  readonly encoding: AgentEncoding;
  readonly bargeIn: BargeInPolicy;
  readonly clock: Clock;
  readonly onSpeech: (change: VadChange) => void;
  /** The agent is to fall silent. */
  readonly onBargeIn: () => void;
  /** The agent is to be heard quieter; 0: as it is. */
  readonly onDuck: (db: number) => void;
}

/** Silent for so long when it is to be confirmed, it was no speech, ms. */
const COUGH_MS = 80;
const UNDUCK_MS = 60;

export class CallerEar {
  readonly #options: CallerEarOptions;
  readonly #vad = new VoiceActivityDetector();
  readonly #turns = new TurnClock();
  #confirm: Timer | undefined;

  constructor(options: CallerEarOptions) {
    this.#options = options;
  }

  get isSpeech(): boolean {
    return this.#vad.isSpeech;
  }

  /** 20 ms of the caller. */
  hear(frame: Uint8Array): void {
    const change = this.#vad.take(samplesOf(this.#options.encoding, frame));
    if (change === undefined) return;
    if (change === 'started') this.#onStarted();
    else this.#onStopped();
    this.#options.onSpeech(change);
  }

  /** A key ends a turn as words do. */
  pressed(): void {
    this.#turns.callerSpoke(this.#options.clock.now());
  }

  /** Audio of the agent has come. */
  agentSpeaks(): void {
    this.#turns.agentSpeaks(this.#options.clock.now(), this.#vad.silentMs);
  }

  /** The agent is heard. The answer: a turn that is complete with this. */
  agentHeard(): TurnRecord | undefined {
    const { clock } = this.#options;
    return this.#turns.heard(clock.now(), clock.wallTime());
  }

  close(): void {
    this.#confirm?.cancel();
  }

  #onStarted(): void {
    this.#turns.callerSpeaks();
    const { bargeIn, clock, onBargeIn, onDuck } = this.#options;
    if (!bargeIn.isLocal) return;
    if (bargeIn.duckDb === 0) return onBargeIn();
    onDuck(bargeIn.duckDb);
    this.#confirm?.cancel();
    this.#confirm = clock.after(bargeIn.confirmMs, () => this.#onConfirm());
  }

  /** What was too short to interrupt (a cough) leaves the agent talking. */
  #onConfirm(): void {
    const { clock, onBargeIn, onDuck } = this.#options;
    if (this.#vad.silentMs < COUGH_MS) onBargeIn();
    // The words that fade out do so from where they are.
    this.#confirm = clock.after(UNDUCK_MS, () => onDuck(0));
  }

  #onStopped(): void {
    this.#turns.callerSpoke(this.#options.clock.now() - this.#vad.silentMs);
  }
}
