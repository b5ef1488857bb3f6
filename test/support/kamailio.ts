/** Kamailio as the edge of a fleet, on the configuration that docker/kamailio ships. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { ensurePeer } from './install.ts';
import { until } from './until.ts';

const config = new URL('../../docker/kamailio/kamailio.cfg', import.meta.url).pathname;

export interface KamailioOptions {
  readonly address: string;
  /** The first of three ports: phones, TLS and WSS, towards the gateways. */
  readonly base: number;
  /** `host:port` of each gateway's SIP listener. */
  readonly gateways: readonly string[];
  /** A name that means the edge. */
  readonly name: string;
}

export class Kamailio {
  readonly sipAddress: string;
  readonly wssUrl: string;
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(folder: string, options: KamailioOptions) {
    const { address, base, name } = options;
    this.#folder = folder;
    this.sipAddress = `${address}:${base}`;
    this.wssUrl = `wss://${address}:${base + 1}/sip`;
    this.#environment = {
      ...process.env,
      EDGE_SIP: this.sipAddress,
      EDGE_TLS: `${address}:${base + 1}`,
      EDGE_INNER: `${address}:${base + 2}`,
      EDGE_PUBLIC: name,
      EDGE_GATEWAYS: join(folder, 'dispatcher.list'),
      EDGE_CERT: join(folder, 'edge.pem'),
      EDGE_KEY: join(folder, 'edge.key'),
      EDGE_ORIGINS: '^http://127\\.0\\.0\\.1:',
    };
  }

  /** Starts it and waits until it has found every gateway alive. */
  static async start(options: KamailioOptions): Promise<Kamailio> {
    const program = await ensurePeer('kamailio');
    const folder = await mkdtemp(join(tmpdir(), 'viaduct-kamailio-'));
    const { cert, private: key } = await generate([{ name: 'commonName', value: options.name }]);
    await writeFile(join(folder, 'edge.pem'), cert);
    await writeFile(join(folder, 'edge.key'), key);
    const list = options.gateways.map((gateway) => `1 sip:${gateway}`).join('\n');
    await writeFile(join(folder, 'dispatcher.list'), `${list}\n`);
    const edge = new Kamailio(folder, options);
    await edge.#start(program, options.address, options.base + 1);
    return edge;
  }

  get output(): string {
    return this.#output;
  }

  /** What `kamailio -c` says about the configuration: its exit code. */
  async check(): Promise<number | null> {
    const child = spawn(await ensurePeer('kamailio'), ['-c', '-f', config], {
      env: this.#environment,
      stdio: 'ignore',
    });
    await once(child, 'exit');
    return child.exitCode;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #start(program: string, address: string, port: number): Promise<void> {
    const child = spawn(program, ['-DD', '-E', '-f', config, '-w', this.#folder], {
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-200_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    await until(async () => child.exitCode !== null || accepts(address, port), {
      within: 10_000,
      what: `Kamailio to listen: ${this.#output}`,
    });
    if (child.exitCode !== null) throw new Error(`Kamailio left:\n${this.#output}`);
  }
}

async function accepts(host: string, port: number): Promise<boolean> {
  const socket = createConnection({ host, port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
