/**
 * Starts the engine in a thread of its own and stands for it on this side. Should the thread crash, its calls are lost,
 * and a new one takes its place on the same ports; applications see their connection break and come back.
 */
import { type CodedError, Emitter, type Logger, systemClock, type Timer } from '../../kernel/index.ts';
import type { ListenerAddress } from '../engine/index.ts';
import type { Exemptions, TlsServerMaterial, TlsUpdate } from '../net/index.ts';
import { EngineThread, type SipThreadCounters, type ThreadPlace } from './engine-thread.ts';
import { serverErrors } from './errors.ts';
import type { LoggedMessage } from './message-log.ts';
import type { SipServerOptions, WireAddress } from './options.ts';
import { type AppReading, createPulse, startPulse } from './pulse.ts';
import { restartDelay } from './restarts.ts';

export interface SipServerCounters extends SipThreadCounters {
  /** How often the thread has crashed and was started again. */
  readonly restarts: number;
}

export interface SipServer {
  readonly wire: WireAddress;
  readonly listeners: readonly ListenerAddress[];
  counters(): Promise<SipServerCounters>;
  /** The SIP messages of these dialogs, oldest first, as far as they are still kept. */
  messagesOf(sipCallIds: readonly string[]): Promise<readonly LoggedMessage[]>;
  /** New connections get these certificates; those that are open stay as they are. */
  updateTls(update: TlsUpdate): void;
  /** Puts other exemptions in force; what is not named stays. */
  exempt(exemptions: Partial<Exemptions>): void;
  /** Asks from now on how far the application of this process has read, to know how late it is. */
  follow(reading: () => AppReading | undefined): void;
  /** Tells that the engine has crashed too often to be started again. */
  onExit(listener: (error: CodedError) => void): () => void;
  /** Ends the thread; idempotent. */
  close(): Promise<void>;
}

/** Resolves when every listener is open. Rejects with a CodedError, SIP_PORT_TAKEN among them, when one cannot be. */
export async function startSipServer(options: SipServerOptions, logger: Logger): Promise<SipServer> {
  const server = new SupervisedSipServer(options, logger);
  await server.start();
  return server;
}

class SupervisedSipServer implements SipServer {
  readonly #logger: Logger;
  readonly #emitter = new Emitter<{ exit: CodedError }>();
  readonly #pulse = createPulse();
  readonly #crashes: number[] = [];
  #options: SipServerOptions;
  #place: ThreadPlace = { wire: { host: '', port: 0, secret: '' }, listeners: [] };
  #thread: EngineThread | undefined;
  #stopPulse: () => void = () => {};
  #reading: () => AppReading | undefined = () => undefined;
  #pending: Timer | undefined;
  #isClosed = false;

  constructor(options: SipServerOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  get wire(): WireAddress {
    return this.#place.wire;
  }

  get listeners(): readonly ListenerAddress[] {
    return this.#place.listeners;
  }

  async start(): Promise<void> {
    this.#stopPulse = startPulse(this.#pulse, () => this.#reading());
    try {
      await this.#run();
    } catch (error) {
      this.#stopPulse();
      throw error;
    }
    const { wire, listeners } = this.#place;
    // Whoever comes after a crash must be found where this one was.
    this.#options = {
      ...this.#options,
      wirePort: wire.port,
      wireSecret: wire.secret,
      listeners: this.#options.listeners.map((one, at) => ({ ...one, port: listeners[at]?.port ?? one.port })),
    };
  }

  async counters(): Promise<SipServerCounters> {
    if (this.#thread === undefined) throw serverErrors.SIP_ENGINE_CRASHED(['it is being started again']);
    return { ...(await this.#thread.counters()), restarts: this.#crashes.length };
  }

  updateTls(update: TlsUpdate): void {
    const { listeners, peers } = update;
    // For a thread that has to be started again, too.
    this.#options = {
      ...this.#options,
      tlsPeers: peers,
      listeners: this.#options.listeners.map((one, at) => ({ ...one, ...tlsOf(listeners[at]) })),
    };
    this.#thread?.updateTls(update);
  }

  exempt(changed: Partial<Exemptions>): void {
    const exemptions = { trustedNetworks: [], emergencyNumbers: [], ...this.#options.exemptions, ...changed };
    this.#options = { ...this.#options, exemptions };
    this.#thread?.exempt(exemptions);
  }

  async messagesOf(sipCallIds: readonly string[]): Promise<readonly LoggedMessage[]> {
    return (await this.#thread?.messagesOf(sipCallIds)) ?? [];
  }

  follow(reading: () => AppReading | undefined): void {
    this.#reading = reading;
  }

  onExit(listener: (error: CodedError) => void): () => void {
    return this.#emitter.on('exit', listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopPulse();
    this.#pending?.cancel();
    await this.#thread?.close();
  }

  async #run(): Promise<void> {
    const data = { options: this.#options, pulse: this.#pulse };
    const thread = new EngineThread(data, this.#logger, (error) => this.#onCrash(error));
    this.#thread = thread;
    this.#place = await thread.start();
  }

  #onCrash(error: CodedError): void {
    this.#thread = undefined;
    if (this.#isClosed) return;
    this.#logger.error({ err: error, cause: error.cause }, 'SIP engine ended unexpectedly');
    this.#crashes.push(systemClock.now());
    const delay = restartDelay(this.#crashes);
    if (delay === undefined) this.#emitter.emit('exit', error);
    else this.#pending = systemClock.after(delay, () => void this.#restart());
  }

  async #restart(): Promise<void> {
    try {
      await this.#run();
      this.#logger.warn({ restarts: this.#crashes.length }, 'SIP engine started again');
    } catch (error) {
      this.#onCrash(serverErrors.SIP_ENGINE_FAILED([String(error)], { cause: error }));
    }
  }
}

function tlsOf(material: TlsServerMaterial | undefined): { readonly tls?: TlsServerMaterial } {
  return material === undefined ? {} : { tls: material };
}
