/**
 * One call with one agent: joins the link that speaks its protocol with the port that speaks and hears for it, and sees
 * to it that the caller never meets silence: comfort and a new link when one breaks, somebody else when none can be had.
 */
import type { VadChange } from '../audio/index.ts';
import type {
  AgentAudio,
  AgentCall,
  AgentCallEvents,
  AgentCallVerbs,
  AgentEncoding,
  AgentRecord,
  AgentRun,
  HeardSpeech,
  PlayoutNotice,
} from '../calls/index.ts';
import { type Clock, CodedError, type Logger, type Timer } from '../kernel/index.ts';
import { agentAudioOf } from './agent-pcm.ts';
import { type BargeInPolicy, CallerEar } from './caller-ear.ts';
import { COMFORT_HZ, ComfortSound } from './comfort.ts';
import { Conversation } from './conversation.ts';
import type { AgentLink, AgentVoice, OpenLink } from './link.ts';
import { Retries, type RetryPolicy } from './retries.ts';
import { type AgentFallback, standIn } from './stand-in.ts';

/** How an agent is to behave in a call, whatever it speaks. */
export interface AgentManners {
  /** How long the caller hears it ring while the agent is silent, ms; counted from when the agent takes part. */
  readonly warmUpMs: number;
  /** How long all attempts to have it may take before the call is answered, ms. */
  readonly patienceMs: number;
  readonly bargeIn: BargeInPolicy;
  readonly retry: RetryPolicy;
  /** Whether soft notes are heard while a broken link is made anew. */
  readonly isComforting: boolean;
  /** After so much silence of the agent once the caller has spoken they are heard too, ms; 0: never. */
  readonly lateMs: number;
  /** Undefined: an agent that cannot be had before the answer is left to the route. */
  readonly fallback: AgentFallback | undefined;
  /** Said when an agent is gone in the middle of a call and nobody else is to be called. */
  readonly farewell: () => Promise<Uint8Array>;
}

export interface AgentSessionOptions {
  readonly call: AgentCall;
  readonly encoding: AgentEncoding;
  readonly open: OpenLink;
  readonly manners: AgentManners;
  readonly audio: AgentAudio;
  readonly events: AgentCallEvents;
  readonly verbs: AgentCallVerbs;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** As for a user who is not there (RFC 3261 §21.4.18). */
const UNAVAILABLE = 480;
/** What we say ourselves; no agent's ids are like these. */
const COMFORT = '\0comfort';
const WORDS = '\0words';
/** A caller is not kept waiting for words that cannot be played. */
const WORDS_WITHIN_MS = 30_000;

export class AgentSession implements AgentRun {
  readonly #options: AgentSessionOptions;
  readonly #ear: CallerEar;
  readonly #conversation: Conversation;
  readonly #comfort: ComfortSound;
  readonly #retries: Retries;
  readonly #startedMs: number;
  #link: AgentLink | undefined;
  /** What a link says that another one stands in for is not heard. */
  #generation = 0;
  #isListening = false;
  #isReady = false;
  #isOver = false;
  /** The utterance we have cut off ourselves; what still comes of it is not heard. */
  #cutOff: string | undefined;
  #wantsComfort = false;
  #lastSaid: string | undefined;
  #warmUp: Timer | undefined;
  #retry: Timer | undefined;
  #late: Timer | undefined;
  #onWordsHeard: (() => void) | undefined;

  constructor(options: AgentSessionOptions) {
    this.#options = options;
    const { call, audio, clock, encoding, manners, events } = options;
    const { portId } = call;
    this.#startedMs = clock.now();
    this.#retries = new Retries(manners.retry);
    this.#conversation = new Conversation({ agent: call.agent, clock, events });
    this.#ear = new CallerEar({
      encoding,
      bargeIn: manners.bargeIn,
      clock,
      onSpeech: (change) => this.#onSpeech(change),
      onBargeIn: () => void this.#cutOffSpeech(),
      onDuck: (db) => audio.duck(portId, db),
    });
    this.#comfort = new ComfortSound({
      clock,
      play: (pcm) => audio.speak(portId, { utterance: COMFORT, audio: agentAudioOf(encoding, pcm, COMFORT_HZ) }),
      stop: () => void audio.flush(portId),
    });
    this.#connect();
  }

  get record(): AgentRecord {
    return this.#conversation.record;
  }

  onDigit(digit: string, durationMs: number): void {
    if (this.#isOver) return;
    this.#ear.pressed();
    this.#link?.pressDigit(digit, durationMs);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#generation++;
    for (const timer of [this.#warmUp, this.#retry, this.#late]) timer?.cancel();
    this.#comfort.stop();
    this.#ear.close();
    this.#conversation.end('call-over');
    this.#onWordsHeard?.();
    this.#link?.close();
  }

  // ---- the link ---------------------------------------------------------------------------------------------------

  #connect(): void {
    const { open, call } = this.#options;
    this.#link = open(call, this.#voice(++this.#generation), this.#link);
  }

  #voice(generation: number): AgentVoice {
    const { audio, call, verbs } = this.#options;
    const ifCurrent =
      <Args extends readonly unknown[]>(does: (...args: Args) => void) =>
      (...args: Args): void => {
        if (generation === this.#generation) does(...args);
      };
    return {
      verbs,
      onOpen: ifCurrent(() => this.#onOpen()),
      answer: ifCurrent(() => this.#ready()),
      refuse: ifCurrent((sipStatus: number) => this.#leave('hung-up', sipStatus)),
      say: ifCurrent((utterance: string, speech: Uint8Array) => this.#say(utterance, speech)),
      mark: ifCurrent((name: string) => audio.mark(call.portId, name)),
      flush: async () => (generation === this.#generation ? this.#flush() : []),
      onClose: ifCurrent((error?: Error) => this.#onClose(error)),
    };
  }

  #onOpen(): void {
    const { audio, call, clock, manners } = this.#options;
    this.#noComfort();
    if (this.#generation > 1) this.#conversation.reconnected();
    if (this.#isListening) return;
    this.#isListening = true;
    audio.listen(call.portId, {
      onFrame: (frame) => this.#onFrame(frame),
      onPlayout: (notice) => this.#onPlayout(notice),
    });
    this.#warmUp = clock.after(manners.warmUpMs, () => this.#ready());
  }

  #onClose(error: Error | undefined): void {
    if (error === undefined) return this.#leave('hung-up');
    const { clock, logger, manners } = this.#options;
    this.#generation++;
    // What another attempt cannot change is not tried again.
    const waitMs = error instanceof CodedError && !error.retryable ? undefined : this.#retries.next();
    const isPatient = this.#isReady || clock.now() - this.#startedMs + (waitMs ?? 0) < manners.patienceMs;
    if (waitMs === undefined || !isPatient) return this.#onLost(error);
    logger.warn({ err: error, waitMs }, 'agent lost, and called again');
    if (this.#isReady && manners.isComforting) this.#comfortSoon();
    this.#retry = clock.after(waitMs, () => this.#connect());
  }

  #onLost(error: Error): void {
    const { logger, manners } = this.#options;
    logger.warn({ err: error }, 'agent lost');
    this.#conversation.end('lost', error instanceof CodedError ? error.code : 'AGENT_FAILED');
    if (!this.#isReady && manners.fallback === undefined) return this.#leave('lost');
    void this.#standIn();
  }

  async #standIn(): Promise<void> {
    const { audio, call, logger, manners, verbs } = this.#options;
    const fallback = manners.fallback ?? { words: undefined, to: undefined, lastWords: manners.farewell };
    if (!this.#isListening)
      audio.listen(call.portId, { onFrame: () => {}, onPlayout: (notice) => this.#onPlayout(notice) });
    this.#isListening = true;
    this.#ready();
    this.#noComfort();
    try {
      await standIn({ fallback, verbs, say: (words) => this.#sayWords(words), hangUp: () => this.#leave('lost') });
    } catch (error) {
      logger.error({ err: error }, 'nothing said in place of an agent');
      this.#leave('lost');
    }
  }

  async #sayWords(words: Uint8Array): Promise<void> {
    if (this.#isOver) return;
    const { audio, call, clock } = this.#options;
    await new Promise<void>((resolve) => {
      const timer = clock.after(WORDS_WITHIN_MS, resolve);
      this.#onWordsHeard = () => {
        timer.cancel();
        resolve();
      };
      audio.speak(call.portId, { utterance: WORDS, audio: words });
      audio.mark(call.portId, WORDS);
    });
    this.#onWordsHeard = undefined;
  }

  /** The call is refused with `sipStatus` when it has not been answered yet. */
  #leave(end: 'hung-up' | 'lost', sipStatus = UNAVAILABLE): void {
    if (this.#isOver) return;
    const { events } = this.#options;
    this.#conversation.end(end);
    this.end();
    if (this.#isReady) events.onHangUp();
    else events.onFailed(sipStatus);
  }

  // ---- what is said -----------------------------------------------------------------------------------------------

  #say(utterance: string, speech: Uint8Array): void {
    this.#retries.reset();
    this.#late?.cancel();
    this.#noComfort();
    this.#lastSaid = utterance;
    if (utterance === this.#cutOff) return;
    this.#cutOff = undefined;
    this.#ear.agentSpeaks();
    this.#options.audio.speak(this.#options.call.portId, { utterance, audio: speech });
    this.#ready();
  }

  /** The call may be answered. */
  #ready(): void {
    this.#warmUp?.cancel();
    if (this.#isReady || this.#isOver) return;
    this.#isReady = true;
    this.#conversation.answered();
    this.#options.events.onReady();
  }

  /** By its protocol: what comes from now on is new. */
  async #flush(): Promise<readonly HeardSpeech[]> {
    this.#cutOff = undefined;
    return this.#silence();
  }

  /** By our own ears: what the agent still says of this utterance is not heard, until it says another one or flushes. */
  async #cutOffSpeech(): Promise<void> {
    const heard = await this.#silence();
    if (!heard.some(({ flushedMs }) => flushedMs > 0)) return;
    this.#cutOff = this.#lastSaid;
    if (!this.#isOver) this.#link?.interrupted?.(heard);
  }

  async #silence(): Promise<readonly HeardSpeech[]> {
    const { audio, call } = this.#options;
    const heard = (await audio.flush(call.portId)).filter(({ utterance }) => isAgents(utterance));
    if (heard.some(({ flushedMs }) => flushedMs > 0)) this.#conversation.interrupted();
    return heard;
  }

  /** Once everything that was said has been heard. */
  #comfortSoon(): void {
    this.#wantsComfort = true;
    this.#options.audio.mark(this.#options.call.portId, COMFORT);
  }

  #noComfort(): void {
    this.#wantsComfort = false;
    this.#comfort.stop();
  }

  #onPlayout(notice: PlayoutNotice): void {
    if (notice.kind === 'mark') return this.#onMark(notice);
    if (notice.utterance === COMFORT) return;
    this.#conversation.take(notice);
    if (notice.kind !== 'over') this.#conversation.answers(this.#ear.agentHeard());
  }

  #onMark(mark: Extract<PlayoutNotice, { kind: 'mark' }>): void {
    if (mark.name === WORDS) return this.#onWordsHeard?.();
    if (mark.name === COMFORT) {
      if (this.#wantsComfort && !this.#isOver) this.#comfort.start();
      return;
    }
    this.#conversation.take(mark);
    if (!this.#isOver) this.#link?.markReached(mark.name, mark.isCleared);
  }

  // ---- what is heard ----------------------------------------------------------------------------------------------

  #onFrame(frame: Uint8Array): void {
    if (this.#isOver) return;
    this.#ear.hear(frame);
    this.#link?.hear(frame);
  }

  #onSpeech(change: VadChange): void {
    const { clock, manners } = this.#options;
    this.#late?.cancel();
    if (change === 'started') this.#noComfort();
    else {
      // Who has spoken on for so long after being cut off begins anew.
      this.#cutOff = undefined;
      if (manners.lateMs > 0) this.#late = clock.after(manners.lateMs, () => this.#comfortSoon());
    }
    this.#link?.callerSpeaks?.(change);
  }
}

function isAgents(utterance: string): boolean {
  return utterance !== COMFORT && utterance !== WORDS;
}
