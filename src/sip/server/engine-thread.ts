/** One run of the engine's thread, from its start to its end. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { CodedError, type Logger } from '../../kernel/index.ts';
import type { ListenerAddress } from '../engine/index.ts';
import type { Exemptions, TlsUpdate } from '../net/index.ts';
import { serverErrors } from './errors.ts';
import type { LoggedMessage } from './message-log.ts';
import type { PlainError, SipThreadData, SipThreadOrder, SipThreadReport } from './messages.ts';
import type { WireAddress } from './options.ts';
import type { SipCounters } from './parts.ts';

/** The thread's counters, and the processor time it has used, in milliseconds. */
export interface SipThreadCounters extends SipCounters {
  readonly cpuMs: number;
}

export interface ThreadPlace {
  readonly wire: WireAddress;
  readonly listeners: readonly ListenerAddress[];
}

/** How long an orderly end may take before the thread is stopped by force, in milliseconds. */
const CLOSE_WITHIN = 3_000;

/**
 * Memory of the thread's JavaScript: for what is new, which of itself would grow to three times as much under a flood, of
 * which nothing is to be kept; and for all else. It is a limit for V8's patience too: the lower, the sooner it clears up.
 */
const MEMORY = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 1024 };

type Answer = Extract<SipThreadReport, { readonly id: number }>;

/** Somebody who waits for an answer of the thread. */
interface Asked {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: CodedError) => void;
}

export class EngineThread {
  readonly #worker: Worker;
  readonly #logger: Logger;
  readonly #onCrash: (error: CodedError) => void;
  readonly #asked = new Map<number, Asked>();
  #nextAsk = 1;
  #ready = false;
  #ending = false;
  #ended = false;

  /** `onCrash` is called when a thread that was ready ends and nobody asked for it. */
  constructor(data: SipThreadData, logger: Logger, onCrash: (error: CodedError) => void) {
    this.#worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: data,
      name: 'sip',
      resourceLimits: MEMORY,
    });
    this.#logger = logger;
    this.#onCrash = onCrash;
  }

  /** Resolves when every listener is open, rejects with a CodedError when one cannot be. */
  async start(): Promise<ThreadPlace> {
    return new Promise((resolve, reject) => {
      let failure: CodedError | undefined;
      this.#worker.on('message', (report: SipThreadReport) => {
        if (report.kind === 'ready') {
          this.#ready = true;
          resolve({ wire: report.wire, listeners: report.listeners });
        } else if (report.kind === 'failed') failure = revive(report.error);
        else this.#note(report);
      });
      let crash: unknown;
      this.#worker.on('error', (error) => {
        crash = error;
      });
      this.#worker.on('exit', (code) => {
        this.#ended = true;
        const why = crash instanceof Error ? crash.message : `exit code ${code}`;
        const error = failure ?? serverErrors.SIP_ENGINE_CRASHED([why], { cause: crash });
        reject(error);
        for (const ask of this.#asked.values()) ask.reject(error);
        if (this.#ready && !this.#ending) this.#onCrash(error);
      });
    });
  }

  async counters(): Promise<SipThreadCounters> {
    const answer = await this.#ask((id) => ({ kind: 'counters', id }));
    if (answer.kind !== 'counters') throw serverErrors.SIP_ENGINE_CRASHED([`answered ${answer.kind}`]);
    return { ...answer.counters, cpuMs: answer.cpuMs };
  }

  async messagesOf(sipCallIds: readonly string[]): Promise<readonly LoggedMessage[]> {
    const answer = await this.#ask((id) => ({ kind: 'messages', id, sipCallIds }));
    return answer.kind === 'messages' ? answer.messages : [];
  }

  updateTls(update: TlsUpdate): void {
    this.#tell({ kind: 'tls', update });
  }

  exempt(exemptions: Exemptions): void {
    this.#tell({ kind: 'exempt', exemptions });
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#ended) return;
    const exited = once(this.#worker, 'exit');
    if (!this.#ending) this.#order({ kind: 'close' });
    this.#ending = true;
    const force = setTimeout(() => void this.#worker.terminate(), CLOSE_WITHIN);
    await exited;
    clearTimeout(force);
  }

  async #ask(orderOf: (id: number) => SipThreadOrder): Promise<Answer> {
    if (this.#ended || this.#ending) throw serverErrors.SIP_ENGINE_CRASHED(['it is closed']);
    const id = this.#nextAsk++;
    this.#order(orderOf(id));
    return new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
  }

  #tell(order: SipThreadOrder): void {
    if (!this.#ended && !this.#ending) this.#order(order);
  }

  #order(order: SipThreadOrder): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    this.#worker.postMessage(order);
  }

  #note(report: SipThreadReport & { kind: 'log' | 'counters' | 'messages' }): void {
    if (report.kind === 'log') {
      this.#logger[report.line.level](report.line.fields, report.line.message);
      return;
    }
    this.#asked.get(report.id)?.resolve(report);
    this.#asked.delete(report.id);
  }
}

/** The thread raised it from a catalogue, ours or net's: code, verdict and sentence are what counts. */
function revive({ code, text, retryable }: PlainError): CodedError {
  return new CodedError(code, { retryable, text: '%s' }, [text]);
}
