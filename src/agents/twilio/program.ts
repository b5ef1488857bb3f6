/** Runs TwiML: one verb after another, one document after another, until the call ends or is somebody else's. */
import { agentErrors } from '../errors.ts';
import type { Callback, StreamNoun, Verb } from './twiml.ts';

export type Fields = Readonly<Record<string, string>>;

export type Source =
  | { readonly kind: 'verbs'; readonly verbs: readonly Verb[] }
  /** To be asked for, and told `fields` beside what is known of the call. */
  | { readonly kind: 'url'; readonly request: Callback; readonly fields: Fields };

export interface StreamOutcome {
  readonly fields: Fields;
  /** It could not be had, or broke off. */
  readonly error: Error | undefined;
}

/** What verbs do. Each resolves when its verb is over, also when `signal` tells that the program is given up. */
export interface VerbDoers {
  fetch(request: Callback, fields: Fields, signal: AbortSignal): Promise<readonly Verb[]>;
  connect(stream: StreamNoun, signal: AbortSignal): Promise<StreamOutcome>;
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** Undefined: the caller is there, and the call no longer ours. */
  dial(targets: readonly string[], signal: AbortSignal): Promise<Fields | undefined>;
  pressDigits(digits: string): Promise<void>;
  /** The call is to be answered although nobody spoke. */
  answer(): void;
  skipped(verb: string): void;
}

export type ProgramEnd =
  /** `error`: of the stream that was the last thing it did. */
  | { readonly kind: 'hang-up'; readonly error: Error | undefined }
  | { readonly kind: 'reject'; readonly sipStatus: number }
  /** The caller has gone on to somebody else, or the program was given up. */
  | { readonly kind: 'left' };

/** What one verb leads to; undefined: to the next one. */
type Turn = ProgramEnd | Source | undefined;

/** A document that takes no time may lead to another one so often. */
const MAX_IDLE_DOCUMENTS = 10;
/** RFC 3261 §21.6.2 */
const DECLINED = 603;
const LEFT: ProgramEnd = { kind: 'left' };

/** Throws what a document that cannot be had or read throws, and AGENT_TWIML_LOOP. */
export async function runProgram(first: Source, doers: VerbDoers, signal: AbortSignal): Promise<ProgramEnd> {
  const run = new ProgramRun(doers, signal);
  let turn: ProgramEnd | Source = first;
  while (turn.kind === 'verbs' || turn.kind === 'url') turn = await run.document(turn);
  return turn;
}

class ProgramRun {
  readonly #doers: VerbDoers;
  readonly #signal: AbortSignal;
  #hasActed = false;
  #idleDocuments = 0;
  #streamError: Error | undefined;

  constructor(doers: VerbDoers, signal: AbortSignal) {
    this.#doers = doers;
    this.#signal = signal;
  }

  async document(source: Source): Promise<ProgramEnd | Source> {
    if (++this.#idleDocuments > MAX_IDLE_DOCUMENTS) throw agentErrors.AGENT_TWIML_LOOP([MAX_IDLE_DOCUMENTS]);
    const verbs =
      source.kind === 'verbs' ? source.verbs : await this.#doers.fetch(source.request, source.fields, this.#signal);
    for (const verb of verbs) {
      if (this.#signal.aborted) return LEFT;
      const turn = await this.#perform(verb);
      if (this.#signal.aborted) return LEFT;
      if (turn !== undefined) return turn;
    }
    return this.#hangUp();
  }

  async #perform(verb: Verb): Promise<Turn> {
    switch (verb.kind) {
      case 'connect':
        return this.#connect(verb);
      case 'dial':
        return this.#dial(verb);
      case 'pause':
        return this.#pause(verb.ms);
      case 'digits':
        this.#act();
        this.#doers.answer();
        await this.#doers.pressDigits(verb.digits);
        return undefined;
      case 'redirect':
        return { kind: 'url', request: verb.to, fields: {} };
      case 'reject':
        return this.#hangUp(verb.sipStatus);
      case 'hangup':
        return this.#hangUp();
      case 'skip':
        this.#doers.skipped(verb.verb);
        return undefined;
    }
  }

  async #connect({ stream, action }: Extract<Verb, { kind: 'connect' }>): Promise<Turn> {
    this.#act();
    const { fields, error } = await this.#doers.connect(stream, this.#signal);
    this.#streamError = error;
    return action === undefined ? undefined : { kind: 'url', request: action, fields };
  }

  async #dial({ targets, action }: Extract<Verb, { kind: 'dial' }>): Promise<Turn> {
    this.#act();
    this.#doers.answer();
    const fields = await this.#doers.dial(targets, this.#signal);
    if (fields === undefined) return LEFT;
    return action === undefined ? undefined : { kind: 'url', request: action, fields };
  }

  /** Before anything else it is a pause before the answer. */
  async #pause(ms: number): Promise<undefined> {
    if (ms > 0) this.#idleDocuments = 0;
    await this.#doers.pause(ms, this.#signal);
    return undefined;
  }

  #act(): void {
    this.#hasActed = true;
    this.#idleDocuments = 0;
    this.#streamError = undefined;
  }

  /** What nothing was done with is declined; once it may have been answered it can only be hung up. */
  #hangUp(sipStatus = DECLINED): ProgramEnd {
    return this.#hasActed ? { kind: 'hang-up', error: this.#streamError } : { kind: 'reject', sipStatus };
  }
}
