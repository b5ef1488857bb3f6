/** Net, engine and wire server put together, in whichever thread. */
import type { Clock, CodedError, Logger, Random } from '../../kernel/index.ts';
import { type EngineLoad, type EnginePressure, type ListenerAddress, SipEngine } from '../engine/index.ts';
import { type Exemptions, type NetCounters, openSipNet, type SipNet, type TlsUpdate } from '../net/index.ts';
import { openWireServer, type WireServer } from '../wire/index.ts';
import { serverErrors } from './errors.ts';
import { LateInput } from './late-input.ts';
import { LoadGauge } from './load-gauge.ts';
import { type LoggedMessage, MessageLog } from './message-log.ts';
import type { SipServerOptions, WireAddress } from './options.ts';
import type { Pulse } from './pulse.ts';
import { HttpRequestHandlers } from './request-handlers.ts';

/** What drachtio-srf is told; it compares the numbers to decide which features it may use. */
const VERSION = 'v0.9.10-viaduct';
const WIRE_HOST = '127.0.0.1';
const SECRET_BYTES = 24;

export interface SipCounters {
  readonly net: NetCounters;
  readonly engine: EngineLoad;
  readonly pressure: EnginePressure;
  /** Applications connected. */
  readonly applications: number;
  /** How long what comes from the network waits before it is read, in milliseconds. */
  readonly queueDelayMs: number;
  /** The longest the engine's thread was late by its own doing since the counters were last read, in milliseconds. */
  readonly worstStallMs: number;
}

export interface SipParts {
  readonly wire: WireAddress;
  readonly listeners: readonly ListenerAddress[];
  counters(): SipCounters;
  /** The messages of these dialogs, oldest first; none where no message log is kept. */
  messagesOf(sipCallIds: readonly string[]): readonly LoggedMessage[];
  updateTls(update: TlsUpdate): void;
  exempt(exemptions: Exemptions): void;
  close(): Promise<void>;
}

export interface SipPartsContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Of the thread whose application the engine serves. */
  readonly pulse?: Pulse;
}

/** Opens the listeners and the wire server and joins them by an engine. */
export async function openSipParts(options: SipServerOptions, context: SipPartsContext): Promise<SipParts> {
  const { clock, random, logger } = context;
  const input = new LateInput(logger);
  const net = await openNet(options, context, input);
  const secret = options.wireSecret ?? random.hex(SECRET_BYTES);
  const wire = await openWire(options, { net, secret, input, context });
  const { exemptions, requestHandlers = [] } = options;
  const engineOptions = { emergencyNumbers: exemptions?.emergencyNumbers ?? [], ...options.engine };
  const log = options.messageLog === undefined ? undefined : new MessageLog(clock, options.messageLog);
  const engine = new SipEngine({
    net: log?.watchNet(net) ?? net,
    apps: wire,
    clock,
    random,
    logger,
    options: engineOptions,
    ...(requestHandlers.length === 0
      ? {}
      : { handlers: new HttpRequestHandlers(requestHandlers, (to) => wire.connect(to), logger) }),
  });
  input.bind(log?.watchInput(engine) ?? engine);
  const isFlooded = createFloodWatch(net.counters);
  const gauge = new LoadGauge({
    clock,
    pulse: context.pulse,
    bytesWritten: (port) => wire.bytesWritten(port),
    queueDelayMs: () => (isFlooded() ? 0 : net.queueDelayMs),
    cpuMs: threadCpuMs,
    onSample: (sample) => engine.loadSampled(sample),
  });
  gauge.start();
  return {
    wire: { host: WIRE_HOST, port: wire.port, secret },
    listeners: net.listeners,
    counters: () => ({
      net: { ...net.counters },
      engine: engine.load,
      pressure: engine.pressure,
      applications: wire.connections,
      queueDelayMs: net.queueDelayMs,
      worstStallMs: gauge.takeWorstStallMs(),
    }),
    updateTls: (update) => net.updateTls(update),
    exempt: (update) => {
      net.exempt(update);
      engine.replaceEmergencyNumbers(update.emergencyNumbers);
    },
    messagesOf: (sipCallIds) => log?.messagesOf(sipCallIds) ?? [],
    close: async () => {
      gauge.stop();
      await wire.close();
      await net.close();
    },
  };
}

/**
 * Whether most of what has come since the last time it was asked was shed. Then the queue is the flood's: turning away
 * the calls of others would not make it shorter.
 */
function createFloodWatch(counters: NetCounters): () => boolean {
  let [shed, messagesIn] = [0, 0];
  return () => {
    const isFlooded = counters.shed - shed > counters.messagesIn - messagesIn;
    shed = counters.shed;
    messagesIn = counters.messagesIn;
    return isFlooded;
  };
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

async function openNet(
  options: SipServerOptions,
  { clock, logger }: SipPartsContext,
  input: LateInput,
): Promise<SipNet> {
  const { listeners, limits, frontSecret, allowedOrigins, exemptions, tlsPeers } = options;
  try {
    return await openSipNet({
      listeners,
      input,
      clock,
      logger,
      isProbed: true,
      ...(exemptions === undefined ? {} : { exemptions }),
      ...(limits === undefined ? {} : { limits }),
      ...(frontSecret === undefined ? {} : { frontSecret }),
      ...(tlsPeers === undefined ? {} : { tlsPeers }),
      ...(allowedOrigins === undefined ? {} : { allowedOrigins }),
    });
  } catch (error) {
    throw takenPort(listeners, error) ?? error;
  }
}

/** The error for a port that somebody else has; undefined when it is not about that. */
function takenPort(listeners: SipServerOptions['listeners'], error: unknown): CodedError | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof Error) || codeOf(cause) !== 'EADDRINUSE') return undefined;
  const port: unknown = Reflect.get(cause, 'port');
  const isDatagram = Reflect.get(cause, 'syscall') === 'bind';
  const wanted = listeners.find((at) => at.port === port && (at.transport === 'udp') === isDatagram);
  if (wanted === undefined) return undefined;
  return serverErrors.SIP_PORT_TAKEN([wanted.transport, wanted.port, wanted.address], { cause: error });
}

interface WireParts {
  readonly net: SipNet;
  readonly secret: string;
  readonly input: LateInput;
  readonly context: SipPartsContext;
}

async function openWire(options: SipServerOptions, parts: WireParts): Promise<WireServer> {
  const { net, secret, input, context } = parts;
  const { clock, logger } = context;
  const port = options.wirePort ?? 0;
  try {
    return await openWireServer({
      host: WIRE_HOST,
      port,
      secret,
      input,
      listeners: () => net.listeners,
      version: VERSION,
      strict: options.engine?.strict === true,
      clock,
      logger,
    });
  } catch (error) {
    await net.close();
    if (codeOf(error) === 'EADDRINUSE') throw serverErrors.SIP_PORT_TAKEN(['wire', port, WIRE_HOST], { cause: error });
    throw serverErrors.SIP_ENGINE_FAILED([reasonOf(error)], { cause: error });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, 'code') : undefined;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
