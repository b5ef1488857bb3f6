/** Starts the engine in a thread of its own and stands for it on this side. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { CodedError, Emitter, type Logger } from '../../kernel/index.ts';
import type { ListenerAddress } from '../engine/index.ts';
import { serverErrors } from './errors.ts';
import type { PlainError, SipThreadOrder, SipThreadReport } from './messages.ts';
import type { SipServerOptions, WireAddress } from './options.ts';
import type { SipCounters } from './parts.ts';

/** The thread's counters, and the processor time it has used, in milliseconds. */
export interface SipServerCounters extends SipCounters {
  readonly cpuMs: number;
}

export interface SipServer {
  readonly wire: WireAddress;
  readonly listeners: readonly ListenerAddress[];
  counters(): Promise<SipServerCounters>;
  /** Tells of the thread's end when nobody asked for it. */
  onExit(listener: (error: CodedError) => void): () => void;
  /** Ends the thread; idempotent. */
  close(): Promise<void>;
}

/** How long an orderly end may take before the thread is stopped by force, in milliseconds. */
const CLOSE_WITHIN = 3_000;

/** Resolves when every listener is open. Rejects with a CodedError, SIP_PORT_TAKEN among them, when one cannot be. */
export async function startSipServer(options: SipServerOptions, logger: Logger): Promise<SipServer> {
  const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: options, name: 'sip' });
  const server = new ThreadedSipServer(worker, logger);
  await server.start();
  return server;
}

/** Somebody who waits for counters. */
interface Asked {
  readonly resolve: (counters: SipServerCounters) => void;
  readonly reject: (error: CodedError) => void;
}

class ThreadedSipServer implements SipServer {
  wire: WireAddress = { host: '', port: 0, secret: '' };
  listeners: readonly ListenerAddress[] = [];
  readonly #worker: Worker;
  readonly #logger: Logger;
  readonly #emitter = new Emitter<{ exit: CodedError }>();
  readonly #asked = new Map<number, Asked>();
  #nextAsk = 1;
  #ending = false;
  #ended = false;

  constructor(worker: Worker, logger: Logger) {
    this.#worker = worker;
    this.#logger = logger;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      let failure: CodedError | undefined;
      this.#worker.on('message', (report: SipThreadReport) => {
        if (report.kind === 'ready') {
          this.wire = report.wire;
          this.listeners = report.listeners;
          resolve();
        } else if (report.kind === 'failed') {
          this.#ending = true;
          failure = revive(report.error);
        } else this.#note(report);
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
        if (this.#ending) return;
        this.#logger.error({ err: error, cause: crash }, 'SIP engine ended unexpectedly');
        this.#emitter.emit('exit', error);
      });
    });
  }

  async counters(): Promise<SipServerCounters> {
    if (this.#ended || this.#ending) throw serverErrors.SIP_ENGINE_CRASHED(['it is closed']);
    const id = this.#nextAsk++;
    this.#order({ kind: 'counters', id });
    return new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
  }

  onExit(listener: (error: CodedError) => void): () => void {
    return this.#emitter.on('exit', listener);
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    const exited = once(this.#worker, 'exit');
    if (!this.#ending) this.#order({ kind: 'close' });
    this.#ending = true;
    const force = setTimeout(() => void this.#worker.terminate(), CLOSE_WITHIN);
    await exited;
    clearTimeout(force);
  }

  #order(order: SipThreadOrder): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    this.#worker.postMessage(order);
  }

  #note(report: SipThreadReport & { kind: 'log' | 'counters' }): void {
    if (report.kind === 'log') {
      this.#logger[report.line.level](report.line.fields, report.line.message);
      return;
    }
    this.#asked.get(report.id)?.resolve({ ...report.counters, cpuMs: report.cpuMs });
    this.#asked.delete(report.id);
  }
}

/** The thread raised it from a catalogue, ours or net's: code, verdict and sentence are what counts. */
function revive({ code, text, retryable }: PlainError): CodedError {
  return new CodedError(code, { retryable, text: '%s' }, [text]);
}
