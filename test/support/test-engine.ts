/**
 * The engine under test: the embedded one in its thread, or with VIADUCT_TEST_ENGINE=drachtio://host:port[/secret]
 * a real drachtio-server whose listeners are named by VIADUCT_TEST_ENGINE_SIP=udp/127.0.0.1:5060,tcp/…,ws/….
 * And the two ways to be its application: unmodified drachtio-srf, or frames by hand.
 */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import Srf from 'drachtio-srf';
import { silentLogger } from '../../src/kernel/index.ts';
import { type SipServer, type SipServerOptions, startSipServer, type WireAddress } from '../../src/sip/server/index.ts';

// ---- drachtio-srf, as far as the suite uses it (its own declarations leave out much) -----------------------------

export interface AppText {
  readonly raw: string;
  readonly body: string;
  get(name: string): string;
  has(name: string): boolean;
  getParsedHeader(name: string): { readonly uri: string; readonly params: Record<string, string> };
}

export interface AppRequest extends AppText {
  readonly method: string;
  readonly uri: string;
  readonly source: string;
  readonly source_address: string;
  readonly source_port: number;
  readonly protocol: string;
  readonly receivedOn: string;
  readonly stackTxnId: string;
  readonly stackDialogId: string;
  on(event: 'cancel', listener: (cancel: AppText) => void): this;
  on(event: 'response', listener: (response: AppResponse, ack: (options?: { body?: string }) => void) => void): this;
  cancel(
    options?: { headers: Record<string, string> },
    done?: (error: Error | null, request: AppRequest) => void,
  ): void;
}

export interface SendParts {
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface AppResponse extends AppText {
  readonly status: number;
  readonly reason: string;
  readonly source_port: number;
  readonly stackTxnId: string;
  readonly stackDialogId: string;
  send(status: number, parts?: SendParts, done?: (error: unknown, sent: AppText) => void): void;
}

export interface AppDialog {
  readonly id: string;
  readonly type: 'uas' | 'uac';
  readonly connected: boolean;
  readonly sip: { readonly callId: string; readonly localTag: string; readonly remoteTag: string };
  readonly local: { readonly uri: string; readonly sdp: string; readonly contact: string };
  readonly remote: { readonly uri: string; readonly sdp: string };
  destroy(options?: { headers?: Record<string, string>; auth?: Credentials }): Promise<AppRequest>;
  modify(sdp: string): Promise<string>;
  request(options: SendParts & { method: string }): Promise<AppResponse>;
  on(event: 'destroy', listener: (message: AppRequest, reason: string) => void): this;
  on(event: 'ack' | 'refresh', listener: (message: AppRequest) => void): this;
  on(event: 'info' | 'modify' | 'refer' | 'update' | 'message' | 'options' | 'notify', listener: AppListener): this;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export type AppListener = (request: AppRequest, response: AppResponse) => void;

export interface UacOptions {
  readonly localSdp?: string;
  readonly headers?: Record<string, string>;
  readonly callingNumber?: string;
  readonly proxy?: string;
  readonly auth?: Credentials;
  readonly noAck?: boolean;
  readonly method?: string;
}

export interface Progress {
  readonly cbRequest?: (error: Error | null, request: AppRequest) => void;
  readonly cbProvisional?: (response: AppResponse) => void;
}

export interface OutgoingOptions extends SendParts {
  readonly method: string;
  readonly proxy?: string;
  readonly auth?: Credentials;
}

/** Unmodified drachtio-srf. */
export interface App {
  use(verb: string, listener: AppListener): void;
  invite(listener: AppListener): void;
  request(
    uri: string,
    options: OutgoingOptions,
    sent: (error: (Error & { code?: string }) | null, request: AppRequest) => void,
  ): void;
  createUAS(
    request: AppRequest,
    response: AppResponse,
    options: { localSdp: string; headers?: Record<string, string> },
  ): Promise<AppDialog>;
  createUAC(uri: string, options: UacOptions, progress?: Progress): Promise<AppDialog>;
  createB2BUA(
    request: AppRequest,
    response: AppResponse,
    uri: string,
    options: {
      localSdpA?: string;
      localSdpB?: string;
      proxyRequestHeaders?: string[];
      proxyResponseHeaders?: string[];
    },
  ): Promise<{ uas: AppDialog; uac: AppDialog }>;
  findDialogById(id: string): AppDialog | undefined;
  findDialogByCallIDAndFromTag(callId: string, tag: string): AppDialog | undefined;
  unregisterForMessages(verb: string): void;
  reregisterForMessages(verb: string): void;
  /** What the `connect` event said. */
  readonly greeting: { readonly hostports: string; readonly version: string; readonly localHostports: string };
  /** Waits until the engine has taken everything sent to it so far. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

interface SrfInside {
  readonly app: { readonly client: SrfClient };
  connect(options: WireAddress): void;
  on(event: 'connect', listener: (error: Error | null, ...greeting: string[]) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  disconnect(): void;
}

interface SrfClient {
  readonly wp: {
    send(socket: Socket, text: string): string;
    on(event: 'msg', listener: (socket: Socket, text: string) => void): void;
    off(event: 'msg', listener: (socket: Socket, text: string) => void): void;
  };
  readonly mapServer: ReadonlyMap<Socket, unknown>;
}

function onlySocket(sockets: ReadonlyMap<Socket, unknown>): Socket {
  const [socket] = sockets.keys();
  if (socket === undefined) throw new Error('drachtio-srf is not connected');
  return socket;
}

/** Connects drachtio-srf; `prepare` registers listeners before, so that nothing arrives unheard. */
async function connectApp(wire: WireAddress, prepare: (app: App) => void): Promise<App> {
  const srf = new Srf();
  const inside = srf as unknown as SrfInside;
  const app = srf as unknown as App;
  prepare(app);
  const greeting = await new Promise<string[]>((resolve, reject) => {
    inside.on('error', reject);
    inside.on('connect', (error, ...said) => (error === null ? resolve(said) : reject(error)));
    inside.connect(wire);
  });
  const [hostports = '', version = '', localHostports = ''] = greeting;
  const settled = async (): Promise<void> => {
    const { wp, mapServer } = inside.app.client;
    await new Promise<void>((resolve) => {
      const id = wp.send(onlySocket(mapServer), 'ping');
      const heard = (_socket: Socket, text: string): void => {
        if (!text.includes(`|response|${id}|`)) return;
        wp.off('msg', heard);
        resolve();
      };
      wp.on('msg', heard);
    });
  };
  const close = async (): Promise<void> => {
    const socket = onlySocket(inside.app.client.mapServer);
    const closed = once(socket, 'close');
    inside.disconnect();
    await closed;
  };
  Object.assign(app, { greeting: { hostports, version, localHostports }, settled, close });
  await settled();
  return app;
}

// ---- frames by hand ----------------------------------------------------------------------------------------------

export interface Frame {
  readonly payload: string;
  readonly fields: readonly string[];
  readonly message: string;
  /** Number of the chunk it came in. */
  readonly chunk: number;
}

/** A wire connection without any library. */
export class RawApp {
  readonly frames: Frame[] = [];
  readonly socket: Socket;
  #pending = Buffer.alloc(0);
  #chunks = 0;
  #serial = 0;
  #unclaimed: Frame[] = [];
  #waiters: { match: (frame: Frame) => boolean; resolve: (frame: Frame) => void }[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => {});
  }

  get isClosed(): boolean {
    return this.socket.closed;
  }

  /** Sends one command (leader without its id, and message); the result is its id. */
  send(text: string): string {
    const id = `00000000-0000-4000-8000-${String((this.#serial += 1)).padStart(12, '0')}`;
    const payload = `${id}|${text.replaceAll(/\r?\n/g, '\r\n')}`;
    this.socket.write(`${Buffer.byteLength(payload)}#${payload}`);
    return id;
  }

  /** Sends one command and waits for its response; the fields begin with OK, NOK or NO. */
  async command(text: string): Promise<readonly string[]> {
    return (await this.commandFrame(text)).fields.slice(3);
  }

  async commandFrame(text: string): Promise<Frame> {
    const id = this.send(text);
    return this.wait((frame) => frame.fields[1] === 'response' && frame.fields[2] === id);
  }

  async wait(match: (frame: Frame) => boolean, ms = 3_000): Promise<Frame> {
    const at = this.#unclaimed.findIndex(match);
    const [found] = at < 0 ? [] : this.#unclaimed.splice(at, 1);
    if (found !== undefined) return found;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new Error(
            `waited ${ms} ms in vain for ${String(match)}; frames:\n${this.frames.map((frame) => frame.payload).join('\n---\n')}`,
          ),
        );
      }, ms);
      this.#waiters.push({
        match,
        resolve: (frame) => {
          clearTimeout(timer);
          resolve(frame);
        },
      });
    });
  }

  async closed(ms = 3_000): Promise<void> {
    if (this.socket.closed) return;
    await once(this.socket, 'close', { signal: AbortSignal.timeout(ms) });
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed();
  }

  #read(chunk: Buffer): void {
    this.#chunks += 1;
    this.#pending = Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const hash = this.#pending.indexOf('#');
      if (hash < 0) return;
      const end = hash + 1 + Number(this.#pending.toString('latin1', 0, hash));
      if (this.#pending.length < end) return;
      this.#take(this.#pending.toString('utf8', hash + 1, end));
      this.#pending = this.#pending.subarray(end);
    }
  }

  #take(payload: string): void {
    const split = payload.indexOf('\r\n');
    const leader = split < 0 ? payload : payload.slice(0, split);
    const frame: Frame = {
      payload,
      fields: leader.split('|'),
      message: split < 0 ? '' : payload.slice(split + 2),
      chunk: this.#chunks,
    };
    this.frames.push(frame);
    const waiter = this.#waiters.find((candidate) => candidate.match(frame));
    if (waiter === undefined) {
      this.#unclaimed.push(frame);
      return;
    }
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    waiter.resolve(frame);
  }
}

/** A frame that brings a SIP message whose start line begins so. */
export const brings =
  (start: string) =>
  (frame: Frame): boolean =>
    frame.fields[1] === 'sip' && frame.message.startsWith(start);

// ---- the engine --------------------------------------------------------------------------------------------------

export interface TestEngine {
  readonly wire: WireAddress;
  readonly udp: { readonly port: number };
  readonly tcp: { readonly port: number };
  readonly ws: { readonly port: number };
  /** T1 in milliseconds; tests wait in multiples of it. */
  readonly t1: number;
  /** Not the embedded engine but a drachtio-server. */
  readonly isReal: boolean;
  /** Undefined for a drachtio-server. */
  readonly server: SipServer | undefined;
  app(prepare?: (app: App) => void): Promise<App>;
  /** A connection on which nothing has been said yet. */
  connect(): Promise<RawApp>;
  /** An authenticated connection that routes `verbs`. */
  rawApp(...verbs: string[]): Promise<RawApp>;
  close(): Promise<void>;
}

export const realEngine = process.env['VIADUCT_TEST_ENGINE'];
/** Short, so that a timeout of 64·T1 is over in 1.3 s; T2 and T4 keep their proportion. */
const TIMERS = { t1: 20, t2: 160, t4: 200, timerC: 1_500 };
const REAL_T1 = 500;
/** With VIADUCT_TEST_ENGINE_STRICT=1 the embedded engine imitates a drachtio-server's limits and faults too. */
const strictEngine = process.env['VIADUCT_TEST_ENGINE_STRICT'] === '1';
/** The engine has the faults of a drachtio-server, being one or imitating it. */
export const hasRealFaults = realEngine !== undefined || strictEngine;

const listener = (transport: 'udp' | 'tcp' | 'ws'): SipServerOptions['listeners'][number] => ({
  transport,
  address: '127.0.0.1',
  port: 0,
});

/** Options under which the suite runs the embedded engine. */
export const testOptions: SipServerOptions = {
  listeners: [listener('udp'), listener('tcp'), listener('ws')],
  engine: { timers: TIMERS, strict: strictEngine },
  logLevel: 'error',
};

export async function startTestEngine(options: Partial<SipServerOptions> = {}): Promise<TestEngine> {
  if (realEngine !== undefined) return attachRealEngine(realEngine);
  const logger = { ...silentLogger, error: (fields: object, message: string) => console.error(message, fields) };
  const server = await startSipServer({ ...testOptions, ...options }, logger);
  const portOf = (transport: string): { port: number } => ({
    port: server.listeners.find((at) => at.transport === transport)?.port ?? 0,
  });
  return engineAt(server.wire, { udp: portOf('udp'), tcp: portOf('tcp'), ws: portOf('ws') }, server);
}

function attachRealEngine(address: string): TestEngine {
  const url = new URL(address);
  const portOf = (transport: string): { port: number } => {
    const found = (process.env['VIADUCT_TEST_ENGINE_SIP'] ?? '')
      .split(',')
      .find((at) => at.startsWith(`${transport}/`));
    return { port: Number(found?.split(':').at(-1) ?? 0) };
  };
  const wire = { host: url.hostname, port: Number(url.port), secret: url.pathname.slice(1) || 'cymru' };
  return engineAt(wire, { udp: portOf('udp'), tcp: portOf('tcp'), ws: portOf('ws') }, undefined);
}

type Places = Pick<TestEngine, 'udp' | 'tcp' | 'ws'>;

function engineAt(wire: WireAddress, places: Places, server: SipServer | undefined): TestEngine {
  const connect = async (): Promise<RawApp> => {
    const socket = createConnection(wire.port, wire.host);
    await once(socket, 'connect');
    socket.setNoDelay(true);
    return new RawApp(socket);
  };
  return {
    wire,
    ...places,
    t1: server === undefined ? REAL_T1 : TIMERS.t1,
    isReal: server === undefined,
    server,
    app: async (prepare = () => {}) => connectApp(wire, prepare),
    connect,
    rawApp: async (...verbs) => {
      const app = await connect();
      await app.command(`authenticate|${wire.secret}|`);
      for (const verb of verbs) await app.command(`route|${verb}`);
      return app;
    },
    close: async () => server?.close(),
  };
}
