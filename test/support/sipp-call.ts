/** One call of SIPp's with a written scenario, which a test leads from gate to gate. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePeer } from './install.ts';
import { unique } from './sip-peer.ts';
import type { SippScenario } from './sipp-scenario.ts';
import { until } from './until.ts';

const STEP_MS = 8_000;

export interface SippCallOptions {
  readonly scenario: SippScenario;
  readonly port: number;
  /** `host:port` of the gateway, for a call that SIPp makes; without it SIPp waits for one. */
  readonly to?: string;
  /** Whom it calls. */
  readonly service?: string;
  readonly timeoutSec?: number;
  /** How many it is: more than one when the scenario refuses some. */
  readonly calls?: number;
}

/** A dialog as SIPp has it. */
export interface SippDialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
}

export class SippCall {
  readonly #folder: string;
  readonly #port: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #screen = '';

  private constructor(folder: string, port: number, child: ChildProcess) {
    this.#folder = folder;
    this.#port = port;
    this.#child = child;
    this.#exited = once(child, 'exit');
    child.stdout?.on('data', (chunk: Buffer) => {
      this.#screen = (this.#screen + chunk.toString()).slice(-20_000);
    });
    child.stderr?.on('data', () => {});
  }

  static async start(options: SippCallOptions): Promise<SippCall> {
    const program = await ensurePeer('sipp');
    const folder = await mkdtemp(join(tmpdir(), 'viaduct-sipp-'));
    await writeFile(join(folder, 'scenario.xml'), options.scenario.xml);
    const { port, to, service, timeoutSec = 60, calls = 1 } = options;
    const list = [
      ...(to === undefined ? [] : [to]),
      '-sf',
      'scenario.xml',
      '-nostdin',
      '-m',
      String(calls),
      '-t',
      'u1',
    ];
    list.push('-i', '127.0.0.1', '-p', String(port), '-mi', '127.0.0.1', '-timeout', String(timeoutSec));
    list.push('-trace_err', '-trace_logs', '-log_file', join(folder, 'gates'));
    if (service !== undefined) list.push('-s', service);
    return new SippCall(folder, port, spawn(program, list, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** Waits until SIPp stands at that gate. */
  async reached(gate: string, within = STEP_MS): Promise<SippDialog> {
    return until(
      async () => {
        const log = await readFile(join(this.#folder, 'gates'), 'utf8').catch(() => '');
        const line = new RegExp(`at ${gate} (\\S+) (.*)\\n`).exec(log);
        if (line !== null) return dialogOf(line[1] ?? '', line[2] ?? '');
        if (this.#child.exitCode !== null) throw new Error('SIPp left');
        return undefined;
      },
      { within, what: `SIPp at ${gate}` },
    ).catch(async (cause: unknown) => {
      throw new Error(`${String(cause)}; ${await this.#errors()}`, { cause });
    });
  }

  /** Lets it on from that gate. */
  async pass(gate: string): Promise<void> {
    const { callId } = await this.reached(gate);
    const socket = createSocket('udp4');
    const lines = [
      'INFO sip:gate@127.0.0.1 SIP/2.0',
      `Via: SIP/2.0/UDP 127.0.0.1:9;branch=${unique('z9hG4bK')}`,
      `From: <sip:gate@127.0.0.1>;tag=${unique('g')}`,
      'To: <sip:gate@127.0.0.1>',
      `Call-ID: ${callId}`,
      'CSeq: 1 INFO',
      'Content-Length: 0',
    ];
    await new Promise((resolve) =>
      socket.send(`${lines.join('\r\n')}\r\n\r\n`, this.#port, '127.0.0.1', () => socket.close(() => resolve(0))),
    );
  }

  /** Waits for its end; throws unless everything went as the scenario says. */
  async done(): Promise<void> {
    await this.#exited;
    const errors = await this.#errors();
    await rm(this.#folder, { recursive: true, force: true });
    if (this.#child.exitCode !== 0) throw new Error(`SIPp left with ${this.#child.exitCode}: ${errors}`);
  }

  /** Whatever state it is in. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.#exited;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #errors(): Promise<string> {
    const files = await readdir(this.#folder).catch(() => []);
    const texts = files
      .filter((name) => name.endsWith('_errors.log'))
      .map((name) => readFile(join(this.#folder, name), 'utf8'));
    return (await Promise.all(texts)).join('\n') || this.#screen.slice(-500);
  }
}

function dialogOf(callId: string, parties: string): SippDialog {
  const [localTag = '', remoteTag = ''] = [...parties.matchAll(/;tag=([^\s;]+)/g)].map(([, tag]) => tag);
  return { callId, localTag, remoteTag };
}
