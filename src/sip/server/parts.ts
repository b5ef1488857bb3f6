/** Net, engine and wire server put together, in whichever thread. */
import type { Clock, CodedError, Logger, Random } from '../../kernel/index.ts';
import { type EngineLoad, type ListenerAddress, SipEngine } from '../engine/index.ts';
import { type NetCounters, openSipNet, type SipNet } from '../net/index.ts';
import { openWireServer, type WireServer } from '../wire/index.ts';
import { serverErrors } from './errors.ts';
import { LateInput } from './late-input.ts';
import type { SipServerOptions, WireAddress } from './options.ts';

/** What drachtio-srf is told; it compares the numbers to decide which features it may use. */
const VERSION = 'v0.9.10-viaduct';
const WIRE_HOST = '127.0.0.1';
const SECRET_BYTES = 24;

export interface SipCounters {
  readonly net: NetCounters;
  readonly engine: EngineLoad;
  /** Applications connected. */
  readonly applications: number;
}

export interface SipParts {
  readonly wire: WireAddress;
  readonly listeners: readonly ListenerAddress[];
  counters(): SipCounters;
  close(): Promise<void>;
}

export interface SipPartsContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Opens the listeners and the wire server and joins them by an engine. */
export async function openSipParts(options: SipServerOptions, context: SipPartsContext): Promise<SipParts> {
  const { clock, random, logger } = context;
  const input = new LateInput(logger);
  const net = await openNet(options, context, input);
  const secret = random.hex(SECRET_BYTES);
  const wire = await openWire(options, { net, secret, input, context });
  const engine = new SipEngine({ net, apps: wire, clock, random, logger, options: options.engine ?? {} });
  input.bind(engine);
  return {
    wire: { host: WIRE_HOST, port: wire.port, secret },
    listeners: net.listeners,
    counters: () => ({ net: { ...net.counters }, engine: engine.load, applications: wire.connections }),
    close: async () => {
      await wire.close();
      await net.close();
    },
  };
}

async function openNet(
  options: SipServerOptions,
  { clock, logger }: SipPartsContext,
  input: LateInput,
): Promise<SipNet> {
  const { listeners, limits, frontSecret, allowedOrigins } = options;
  try {
    return await openSipNet({
      listeners,
      input,
      clock,
      logger,
      ...(limits === undefined ? {} : { limits }),
      ...(frontSecret === undefined ? {} : { frontSecret }),
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
