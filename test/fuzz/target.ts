/** The engine in its thread, an application that answers, and an eye on what the thread's memory and its loop do. */
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { silentLogger } from '../../src/kernel/index.ts';
import { type SipServer, type SipServerCounters, startSipServer } from '../../src/sip/server/index.ts';
import { AnsweringApp } from './answering-app.ts';

/** Transactions end 64·T1 after their request: soon, so that what is kept shows within the run. */
const TIMERS = { t1: 5, t2: 40, t4: 50, timerC: 1500 };

export interface TargetState {
  readonly counters: SipServerCounters;
  /** Of the engine's thread after its garbage was collected, in bytes. */
  readonly heapBytes: number;
  /** Of the process. */
  readonly rssBytes: number;
}

export class FuzzTarget {
  readonly server: SipServer;
  /** Errors the engine logged: each is a mistake of ours. */
  readonly errors: string[];
  readonly #app: AnsweringApp;
  readonly #thread: Worker;

  private constructor(server: SipServer, app: AnsweringApp, thread: Worker, errors: string[]) {
    this.server = server;
    this.errors = errors;
    this.#app = app;
    this.#thread = thread;
  }

  static async start(): Promise<FuzzTarget> {
    const threads: Worker[] = [];
    const note = (worker: Worker): unknown => threads.push(worker);
    process.on('worker', note);
    const errors: string[] = [];
    const server = await startSipServer(
      {
        listeners: (['udp', 'tcp', 'ws'] as const).map((transport) => ({ transport, address: '127.0.0.1', port: 0 })),
        engine: { timers: TIMERS, overloadLagMs: 10_000 },
        limits: { flood: undefined, connections: 10_000, connectionsPerSource: 10_000 },
        logLevel: 'error',
      },
      { ...silentLogger, error: (fields, message) => void errors.push(`${message} ${JSON.stringify(fields)}`) },
    );
    process.off('worker', note);
    const [thread] = threads;
    if (thread === undefined) throw new Error('no engine thread was seen');
    return new FuzzTarget(server, await AnsweringApp.connect(server.wire), thread, errors);
  }

  portOf(transport: string): number {
    return this.server.listeners.find((one) => one.transport === transport)?.port ?? 0;
  }

  /** Collects the thread's garbage (a heap snapshot does) and says what is left. */
  async state(): Promise<TargetState> {
    const counters = await this.server.counters();
    const snapshot = await this.#thread.getHeapSnapshot();
    snapshot.resume();
    await finished(snapshot);
    // That stood the thread still for a moment: not to be counted, once its gauge has seen it.
    await sleep(100);
    await this.server.counters();
    const { used_heap_size: heapBytes } = await this.#thread.getHeapStatistics();
    return { counters, heapBytes, rssBytes: process.memoryUsage.rss() };
  }

  /** What went wrong so far; undefined when nothing did. */
  get failure(): string | undefined {
    if (this.errors.length > 0) return this.errors[0];
    return this.#app.isOpen ? undefined : 'the application lost its connection to the engine';
  }

  async close(): Promise<void> {
    this.#app.close();
    await this.server.close();
  }
}
