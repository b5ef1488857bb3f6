/** The load generator (mload): many RTP and ICE/DTLS-SRTP endpoints in one process. */
import { EventEmitter, once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import { type Started, start, withPriority } from './command.ts';
import { compiled } from './compile.ts';

const source = path.join(import.meta.dirname, '..', 'mload', 'mload.c');

/** What one group of endpoints received and sent in a window. Times in µs, sender's stamp to the kernel's receive stamp. */
export interface GroupStats {
  readonly tx: number;
  readonly rx: number;
  readonly lost: number;
  /** Endpoints that got nothing at all. */
  readonly silent: number;
  /** How many times were taken: of each stamped packet, or of each onset of a tone burst. Without any, the rest is -1. */
  readonly n: number;
  readonly p50: number;
  readonly p99: number;
}

export interface WebEndpoint {
  readonly ip: string;
  readonly port: number;
  readonly usernameFragment: string;
  readonly password: string;
}

export interface LoadOptions {
  /** The local address of the WebRTC endpoints. Default: 127.0.0.1. */
  readonly webAddress?: string;
  /** Of a real-time thread; 0: as any other. Default: 10. */
  readonly priority?: number;
  /** A WAV file of 48 kHz, mono: what endpoints say whose sound is "opus" or "pcmu". */
  readonly speech?: string;
}

/** "opus" and "pcmu" are speech, the probes half a second of silence and half a second of a tone by turns. */
export type Sound = 'opus' | 'pcmu' | 'probe-opus' | 'probe-pcmu';

export class LoadGenerator {
  readonly #process: Started;
  readonly #events = new EventEmitter();
  readonly #counts = new Map<string, number>();
  readonly webAddress: string;
  fingerprint = '';

  private constructor(started: Started, webAddress: string) {
    this.#process = started;
    this.webAddress = webAddress;
    const { stdout } = started.child;
    if (stdout === null) throw new Error('the load generator has no output');
    readline.createInterface({ input: stdout }).on('line', (line) => this.#onLine(line));
  }

  static async start(
    folder: string,
    log: (line: string) => void,
    { webAddress = '127.0.0.1', priority = 10, speech }: LoadOptions = {},
  ): Promise<LoadGenerator> {
    const program = await compiled({ source, libraries: ['ssl', 'crypto', 'srtp2', 'opus', 'm'] }, folder, log);
    const command = speech === undefined ? [program] : [program, speech];
    const started = start(priority === 0 ? command : withPriority(priority, command), path.join(folder, 'mload.log'), {
      pipe: true,
      env: { MLOAD_WEB_IP: webAddress },
    });
    const generator = new LoadGenerator(started, webAddress);
    // It ends when it cannot bind a port; what it said about that is in its log.
    started.child.stdin?.on('error', () =>
      log('the load generator has ended: is something else using ports from 61000 on?'),
    );
    const [ready] = (await once(generator.#events, 'ready')) as [{ fingerprint: string }];
    generator.fingerprint = ready.fingerprint;
    return generator;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** How often an event ("ice", "dtls", "dtlserr", "first") was seen. */
  count(event: string): number {
    return this.#counts.get(event) ?? 0;
  }

  command(...words: readonly (string | number)[]): void {
    this.#process.child.stdin?.write(`${words.join(' ')}\n`);
  }

  openWeb(id: number, web: Omit<WebEndpoint, 'ip'>, role: 'client' | 'server'): void {
    this.command('open', id, 'web', web.port, web.usernameFragment, web.password, role);
  }

  openPlain(id: number, port: number): void {
    this.command('open', id, 'plain', port);
  }

  /** `role`: the generator's own DTLS role. */
  peerWeb(id: number, web: WebEndpoint, role: 'client' | 'server'): void {
    this.command('peer', id, web.ip, web.port, web.usernameFragment, web.password, role);
  }

  peerPlain(id: number, ip: string, port: number): void {
    this.command('peer', id, ip, port);
  }

  /** Stamped 20 ms packets of PCMU size, counted in `group`. */
  stamp(id: number, group: string, payloadType: number): void {
    this.command('send', id, group, payloadType, 'stamp');
    this.command('recv', id, 'stamp');
  }

  /** Sends 20 ms packets of a sound, counted in `group`; of what it receives only the number counts. */
  speak(id: number, group: string, payloadType: number, sound: 'opus' | 'pcmu'): void {
    this.command('send', id, group, payloadType, sound);
    this.command('recv', id, 'count');
  }

  /** Sends tone bursts as `said`; times the bursts of endpoint `of`, heard as `heard`. Both counted in `group`. */
  probe(
    id: number,
    group: string,
    said: { payloadType: number; sound: Sound },
    heard: { sound: Sound; of: number },
  ): void {
    this.command('send', id, group, said.payloadType, said.sound);
    this.command('recv', id, `${heard.sound}:${heard.of}`);
  }

  /** From now on with sender reports, and a key a minute under this payload type. */
  live(id: number, eventType: number): void {
    this.command('life', id, eventType);
  }

  async stats(): Promise<Record<string, GroupStats>> {
    const answer = once(this.#events, 'stats');
    this.command('stats');
    const [stats] = (await answer) as [Record<string, GroupStats>];
    return stats;
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }

  #onLine(line: string): void {
    const event = JSON.parse(line) as { ev: string };
    this.#counts.set(event.ev, (this.#counts.get(event.ev) ?? 0) + 1);
    this.#events.emit(event.ev, event);
  }
}
