/** One edge thread as seen from the control side: commands with answers, events, its end. */
import { Worker } from 'node:worker_threads';
import { CodedError } from '../../kernel/index.ts';
import { edgeErrors } from './errors.ts';
import type { EdgeCommand, EdgeResults, EdgeThreadEvent, EdgeWorkerData, FromThread, ToThread } from './messages.ts';
import { Outbox } from './outbox.ts';

export interface ThreadLinkOptions {
  readonly name: string;
  readonly data: EdgeWorkerData;
  readonly onEvent: (event: EdgeThreadEvent) => void;
  /** The thread ended although nobody asked it to. */
  readonly onCrash: (cause: Error) => void;
}

type Result = EdgeResults[EdgeCommand['op']];

interface Waiting {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

export class ThreadLink {
  readonly #options: ThreadLinkOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #outbox = new Outbox<ToThread>((messages) => this.#worker?.postMessage(messages));
  #worker: Worker | undefined;
  #lastId = 0;
  #isStopping = false;
  #failure: Error | undefined;

  constructor(options: ThreadLinkOptions) {
    this.#options = options;
  }

  start(): void {
    const { name, data } = this.#options;
    const worker = new Worker(new URL('./thread-main.ts', import.meta.url), { name, workerData: data });
    this.#worker = worker;
    worker.on('message', (messages: readonly FromThread[]) => {
      for (const message of messages) this.#onMessage(message);
    });
    worker.on('error', (error: Error) => {
      this.#failure = error;
    });
    worker.on('exit', (code) => this.#onExit(code));
  }

  /** Sends a command; rejects with a CodedError when it is refused or the thread is gone. */
  request<Command extends EdgeCommand>(command: Command): Promise<EdgeResults[Command['op']]> {
    if (!this.#worker) return Promise.reject(edgeErrors.MEDIA_EDGE_FAILED(['not running']));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      // The thread answers a command with the result of its own kind.
      this.#waiting.set(id, { resolve: resolve as (result: Result) => void, reject });
      this.#outbox.add({ id, command });
    });
  }

  /** The same without an answer: when it is refused, nobody misses it. */
  tell(command: EdgeCommand): void {
    this.#outbox.add({ id: undefined, command });
  }

  /** Closes all ports of the thread and ends it. */
  async stop(): Promise<void> {
    if (!this.#worker) return;
    this.#isStopping = true;
    await this.request({ op: 'stop' });
    await this.#worker?.terminate();
  }

  #onMessage(message: FromThread): void {
    if (message.kind === 'event') return this.#options.onEvent(message.event);
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'done') waiting?.resolve(message.result);
    else waiting?.reject(rebuild(message.code, message.text));
  }

  #onExit(code: number): void {
    const cause = this.#failure ?? new Error(`exit code ${code}`);
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(edgeErrors.MEDIA_EDGE_FAILED([cause.message], { cause }));
    this.#waiting.clear();
    if (!this.#isStopping) this.#options.onCrash(cause);
  }
}

/** A refusal of the thread as the error it was there. */
function rebuild(code: string, text: string): CodedError {
  const entries: Readonly<Record<string, (typeof edgeErrors.entries)[keyof typeof edgeErrors.entries]>> =
    edgeErrors.entries;
  return new CodedError(code, { ...(entries[code] ?? edgeErrors.entries.MEDIA_EDGE_FAILED), text: '%s' }, [text]);
}
