/** The whole gateway as a child process, as an operator runs it: a configuration file, ports, signals, its HTTP API. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { NODE_FLAGS } from '../../scripts/node-flags.mjs';
import type { CallRecord } from '../../src/calls/index.ts';
import type { Credentials } from './chromium.ts';
import { until } from './until.ts';

const root = new URL('../..', import.meta.url).pathname;
const DOMAIN = 'viaduct.test';
const TOKEN = 'token-of-the-test-gateway';
const READY_MS = 20_000;
const STOP_MS = 10_000;

export interface TestTrunk {
  readonly name: string;
  /** Where its calls come from and where calls to it go: `127.0.0.1:port`. */
  readonly address: string;
}

export interface GatewayOptions {
  /** In place of the default one; as dialplan.yaml in the folder. */
  readonly dialplan?: object;
  /**
   * The first of 80 ports that this gateway uses. Below 32768: ports above it are given to anybody who asks for any,
   * and Chromium asks for many.
   */
  readonly base: number;
  /** Further user names beside alice, bob and carol. */
  readonly users?: readonly string[];
  readonly trunks?: readonly TestTrunk[];
  /** Further settings, as the file has them: `trunks`, `trunkGroups`; those of `sip` and `media` are joined. */
  readonly settings?: Readonly<Record<string, unknown>> & { readonly sip?: object; readonly media?: object };
  readonly quarantineSec?: number;
  readonly noAnswerSec?: number;
  /** `sip.limits` of the configuration. */
  readonly limits?: Readonly<Record<string, unknown>>;
  /** Addresses of proxies in front. */
  readonly edgeProxies?: readonly string[];
  /** Further settings of profiles: name (browsers, phones, trunks) → what its file says beside the usual. */
  readonly profiles?: Readonly<Record<string, object>>;
  /** Codecs of phones and trunks, best first. */
  readonly phoneCodecs?: readonly string[];
  /** Of its pages and of all media; 127.0.0.1 when left out. */
  readonly address?: string;
  /** Listeners for TLS, WSS and IPv6 beside the usual ones, and RTP over IPv6. */
  readonly hasAllTransports?: boolean;
}

export interface RegistrationView {
  readonly aor: string;
  readonly contact: string;
  readonly transport: string;
  readonly isFlowLost: boolean;
}

export class Gateway {
  readonly folder: string;
  readonly sipPort: number;
  readonly wsPort: number;
  readonly tlsPort: number;
  readonly wssPort: number;
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly domain = DOMAIN;
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(folder: string, base: number) {
    this.folder = folder;
    this.httpPort = base;
    this.httpsPort = base + 1;
    this.sipPort = base + 2;
    this.wsPort = base + 3;
    this.tlsPort = base + 8;
    this.wssPort = base + 9;
  }

  /** Writes a configuration into a scratch folder, starts the gateway and waits until it is ready. */
  static async start(options: GatewayOptions): Promise<Gateway> {
    const folder = await mkdtemp(join(tmpdir(), 'viaduct-gateway-'));
    const gateway = new Gateway(folder, options.base);
    await gateway.#writeConfig(options);
    try {
      await gateway.restart();
    } catch (error) {
      await gateway.kill();
      throw error;
    }
    return gateway;
  }

  /** Of the softphone's page, over plain HTTP: loopback is a place where browsers give a microphone. */
  get origin(): string {
    return `http://127.0.0.1:${this.httpPort}`;
  }

  get sipAddress(): string {
    return `127.0.0.1:${this.sipPort}`;
  }

  /** Of the certificate it made for itself. */
  get certificateFile(): string {
    return join(this.folder, 'data', 'https-certificate.pem');
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Everything it printed. */
  get output(): string {
    return this.#output;
  }

  credentials(user: string): Credentials {
    return { user, password: `secret-of-${user}`, domain: DOMAIN };
  }

  /** Starts the program (again) on the same folder and waits for readiness. */
  async restart(): Promise<void> {
    const worker = join(root, '.viaduct', 'mediasoup-worker');
    const env = { ...process.env };
    if (env['VIADUCT_MEDIA_WORKER_BIN'] === undefined && existsSync(worker)) env['VIADUCT_MEDIA_WORKER_BIN'] = worker;
    const program = [...NODE_FLAGS, join(root, 'src/main.ts')];
    const child = spawn(process.execPath, [...program, '--config', join(this.folder, 'viaduct.yaml')], {
      cwd: this.folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-2_000_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`the gateway left with code ${child.exitCode}:\n${this.#output}`);
        return isReady(this.origin);
      },
      { within: READY_MS, every: 50, what: 'the gateway to be ready' },
    ).catch((cause: unknown) => {
      throw new Error(`${String(cause)}\n${this.#output.slice(-4000)}`, { cause });
    });
  }

  /** Ctrl-C. The result is the exit code. */
  async interrupt(): Promise<number | null> {
    return this.#end('SIGINT');
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ctrl-C, then the scratch folder goes. */
  async stop(): Promise<void> {
    await this.interrupt();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #end(signal: 'SIGINT' | 'SIGKILL'): Promise<number | null> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(timer);
    return child.exitCode;
  }

  async api(path: string): Promise<unknown> {
    return JSON.parse(await this.apiText(path, 'application/json'));
  }

  /** `POST`, with the token or another one. */
  async post(path: string, token = TOKEN): Promise<{ readonly status: number; readonly body: unknown }> {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${this.origin}${path}`, { method: 'POST', headers });
    return { status: response.status, body: await response.json() };
  }

  /** A change over the API, with the token. */
  async change(path: string, body: object): Promise<{ readonly status: number; readonly body: unknown }> {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const response = await fetch(`${this.origin}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  }

  async apiText(path: string, accept: string): Promise<string> {
    const response = await fetch(`${this.origin}${path}`, { headers: { authorization: `Bearer ${TOKEN}`, accept } });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return response.text();
  }

  /** Newest first. */
  async calls(): Promise<readonly CallRecord[]> {
    return ((await this.api('/calls?limit=1000')) as { calls: readonly CallRecord[] }).calls;
  }

  async registrations(): Promise<readonly RegistrationView[]> {
    return ((await this.api('/registrations')) as { registrations: readonly RegistrationView[] }).registrations;
  }

  /** Name (with labels) → value. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const text = await (await fetch(`${this.origin}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    );
  }

  async metric(name: string): Promise<number> {
    const value = (await this.metrics()).get(name);
    if (value === undefined) throw new Error(`no metric ${name}`);
    return value;
  }

  #wss(): object {
    return { transport: 'wss', address: '127.0.0.1', port: this.wssPort };
  }

  #furtherListeners(): readonly object[] {
    const six = ['udp', 'tcp'].map((transport) => ({ transport, address: '::1', port: this.sipPort }));
    return [...six, ...['127.0.0.1', '::1'].map((address) => ({ transport: 'tls', address, port: this.tlsPort }))];
  }

  async #writeConfig(options: GatewayOptions): Promise<void> {
    const { base, hasAllTransports = false } = options;
    const at = '127.0.0.1';
    const face = options.address ?? at;
    const codecs = options.phoneCodecs ?? ['opus', 'G722', 'PCMU', 'PCMA'];
    const profiles = {
      browsers: {
        listeners: [{ transport: 'ws', address: at, port: this.wsPort }, ...(hasAllTransports ? [this.#wss()] : [])],
        media: 'webrtc',
        registration: { minExpiresSec: 30, maxExpiresSec: 600 },
        transfer: { refer: 'bridge' },
      },
      phones: {
        listeners: [
          ...['udp', 'tcp'].map((transport) => ({ transport, address: at, port: this.sipPort })),
          ...(hasAllTransports ? this.#furtherListeners() : []),
        ],
        media: 'rtp',
        codecs,
        transfer: { refer: 'bridge' },
      },
      trunks: { media: 'rtp', codecs, nat: { source: 'sdp' }, auth: { required: false } },
    };
    await mkdir(join(this.folder, 'sip-profiles'));
    for (const [name, profile] of Object.entries(profiles)) {
      await writeFile(
        join(this.folder, 'sip-profiles', `${name}.yaml`),
        stringify({ name, ...profile, ...options.profiles?.[name] }),
      );
    }
    const names = ['alice', 'bob', 'carol', ...(options.users ?? [])];
    const config = {
      data: join(this.folder, 'data'),
      log: { level: process.env['VIADUCT_TEST_LOG'] ?? 'info', format: 'json' },
      http: { address: at, port: this.httpPort },
      https: { address: face, port: this.httpsPort },
      api: { token: TOKEN },
      sip: {
        domain: DOMAIN,
        domains: [at],
        edgeProxies: options.edgeProxies ?? [],
        profiles: join(this.folder, 'sip-profiles'),
        noAnswerSec: options.noAnswerSec ?? 30,
        limits: options.limits ?? {},
        ...options.settings?.sip,
      },
      media: {
        announcedAddress: face,
        listenAddress: face,
        ...(hasAllTransports ? { listenAddress6: '::1' } : {}),
        portRange: { min: base + 20, max: base + 79 },
        quarantineSec: options.quarantineSec ?? 1,
        webRtcPort: base + 4,
        workers: 1,
        edgeThreads: 1,
        ...options.settings?.media,
      },
      users: names.map((name) => ({ name, password: this.credentials(name).password })),
      // No OPTIONS: SIPp knows none, and writes an error for each.
      trunks: (options.trunks ?? []).map(({ name, address }) => ({
        name,
        addresses: [address],
        target: address,
        health: { intervalSec: 0 },
      })),
    };
    if (options.dialplan !== undefined) {
      await writeFile(join(this.folder, 'dialplan.yaml'), stringify(options.dialplan));
      Object.assign(config, { dialplan: 'dialplan.yaml' });
    }
    const { sip: _, media: __, ...settings } = options.settings ?? {};
    await writeFile(join(this.folder, 'viaduct.yaml'), stringify({ ...config, ...settings }));
  }
}

async function isReady(origin: string): Promise<boolean> {
  try {
    return (await fetch(`${origin}/readyz`)).ok;
  } catch {
    return false;
  }
}
