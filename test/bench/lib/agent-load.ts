/** The agent of many calls at once (wsagent): Twilio Media Streams, spoken to and listened to with stamps. */
import { EventEmitter, once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import { type Started, start, withPriority } from './command.ts';
import { compiled } from './compile.ts';

const source = path.join(import.meta.dirname, '..', 'wsagent', 'wsagent.c');

/** Since the last reset. Times in µs, from the sender's stamp to the message in the agent's hands. */
export interface AgentStats {
  /** Calls whose stream has started. */
  readonly streams: number;
  readonly tx: number;
  readonly rx: number;
  /** Messages that the gateway did not take in time. */
  readonly late: number;
  readonly n: number;
  readonly p50: number;
  readonly p99: number;
}

export class AgentLoad {
  readonly #process: Started;
  readonly #events = new EventEmitter();
  readonly url: string;

  private constructor(started: Started, port: number) {
    this.#process = started;
    this.url = `ws://127.0.0.1:${port}/`;
    const { stdout } = started.child;
    if (stdout === null) throw new Error('the agent has no output');
    readline.createInterface({ input: stdout }).on('line', (line) => {
      const event = JSON.parse(line) as { ev: string };
      this.#events.emit(event.ev, event);
    });
  }

  static async start(port: number, folder: string, log: (line: string) => void): Promise<AgentLoad> {
    const program = await compiled({ source, libraries: ['crypto'] }, folder, log);
    const started = start(withPriority(10, [program, String(port)]), path.join(folder, 'wsagent.log'), { pipe: true });
    const load = new AgentLoad(started, port);
    await once(load.#events, 'ready');
    return load;
  }

  reset(): void {
    this.#process.child.stdin?.write('reset\n');
  }

  async stats(): Promise<AgentStats> {
    const answer = once(this.#events, 'stats');
    this.#process.child.stdin?.write('stats\n');
    const [stats] = (await answer) as [AgentStats];
    return stats;
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
