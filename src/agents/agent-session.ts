/** One call with one agent: joins the link that speaks its protocol with the port that speaks and hears for it. */
import type {
  AgentAudio,
  AgentCall,
  AgentCallEvents,
  AgentCallVerbs,
  AgentRun,
  PlayoutNotice,
} from '../calls/index.ts';
import type { Clock, Logger, Timer } from '../kernel/index.ts';
import type { AgentLink, OpenLink } from './link.ts';

export interface AgentSessionOptions {
  readonly call: AgentCall;
  readonly open: OpenLink;
  readonly audio: AgentAudio;
  readonly events: AgentCallEvents;
  readonly verbs: AgentCallVerbs;
  /** How long the caller hears it ring while the agent is silent, ms; counted from when the agent takes part. */
  readonly warmUpMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** As for a user who is not there (RFC 3261 §21.4.18). */
const UNAVAILABLE = 480;

export class AgentSession implements AgentRun {
  readonly #options: AgentSessionOptions;
  readonly #link: AgentLink;
  #warmUp: Timer | undefined;
  #isReady = false;
  #isOver = false;

  constructor(options: AgentSessionOptions) {
    this.#options = options;
    const { call, audio, open, verbs } = options;
    const { portId } = call;
    this.#link = open(call, {
      verbs,
      onOpen: () => this.#onOpen(),
      answer: () => this.#ready(),
      refuse: (sipStatus) => this.#leave(sipStatus),
      say: (utterance, speech) => this.#say(utterance, speech),
      mark: (name) => {
        if (!this.#isOver) audio.mark(portId, name);
      },
      flush: async () => (this.#isOver ? [] : audio.flush(portId)),
      onClose: (error) => this.#onClose(error),
    });
  }

  onDigit(digit: string, durationMs: number): void {
    if (!this.#isOver) this.#link.pressDigit(digit, durationMs);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#warmUp?.cancel();
    this.#link.close();
  }

  #onOpen(): void {
    if (this.#isOver) return;
    const { audio, call, clock, warmUpMs } = this.#options;
    audio.listen(call.portId, {
      onFrame: (frame) => {
        if (!this.#isOver) this.#link.hear(frame);
      },
      onPlayout: (notice) => this.#onPlayout(notice),
    });
    this.#warmUp = clock.after(warmUpMs, () => this.#ready());
  }

  #say(utterance: string, speech: Uint8Array): void {
    if (this.#isOver) return;
    this.#options.audio.speak(this.#options.call.portId, { utterance, audio: speech });
    this.#ready();
  }

  #onPlayout(notice: PlayoutNotice): void {
    if (notice.kind === 'mark' && !this.#isOver) this.#link.markReached(notice.name, notice.isCleared);
  }

  #ready(): void {
    this.#warmUp?.cancel();
    if (this.#isReady || this.#isOver) return;
    this.#isReady = true;
    this.#options.events.onReady();
  }

  #onClose(error: Error | undefined): void {
    if (this.#isOver) return;
    if (error !== undefined) this.#options.logger.warn({ err: error }, 'agent lost');
    this.#leave(UNAVAILABLE);
  }

  /** The call is refused with `sipStatus` when it has not been answered yet. */
  #leave(sipStatus: number): void {
    if (this.#isOver) return;
    this.end();
    const { events } = this.#options;
    if (this.#isReady) events.onHangUp();
    else events.onFailed(sipStatus);
  }
}
