/** Composition root: reads the configuration, builds the parts, joins their ports, starts and stops them in order. */
import { mkdirSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import type { CallEvent } from './calls/index.ts';
import { formatBanner, runCli } from './cli/index.ts';
import {
  type Config,
  loadApiToken,
  loadDemoAccounts,
  localAddresses,
  resolveAnnounced,
  type UserConfig,
} from './config/index.ts';
import { CodedError, type Logger, Scope, systemClock, systemRandom } from './kernel/index.ts';
import { type RunningMediaPlane, startMediaPlane } from './media/index.ts';
import { loadCertificate, loadWebFiles, type Ops, type OpsViews, type SipUpstream, startOps } from './ops/index.ts';
import { type SipServer, startSipServer, type WireAddress } from './sip/server/index.ts';
import { openEmbeddedStore, type Store } from './store/index.ts';
import {
  createLogger,
  createMetrics,
  createTracing,
  logCallEvent,
  type Metrics,
  startTraceExport,
} from './telemetry/index.ts';
import { recoverCallRecords, startTelephony, type Telephony } from './telephony/index.ts';

const clock = systemClock;
const random = systemRandom;

/** What a started gateway consists of, as far as later parts need earlier ones. */
interface Parts {
  readonly config: Config;
  readonly logger: Logger;
  readonly scope: Scope;
  /** The address that SDP and the banner tell. */
  readonly announced: string;
}

/** The embedded engine's thread, or the address of a drachtio-server. */
interface Engine {
  readonly wire: WireAddress;
  readonly server: SipServer | undefined;
  readonly upstream: SipUpstream | undefined;
}

async function startEngine({ config, logger, scope, announced }: Parts): Promise<Engine> {
  const external = /^drachtio:\/\/([^:]+):(\d+)$/.exec(config.sip.engine);
  if (external !== null) {
    const wire = { host: external[1] ?? '', port: Number(external[2]), secret: config.sip.secret };
    const ws = config.profiles.flatMap(({ listeners }) => listeners).find(({ transport }) => transport === 'ws');
    return {
      wire,
      server: undefined,
      upstream: ws === undefined ? undefined : { host: wire.host, port: ws.port, secret: undefined },
    };
  }
  const frontSecret = random.hex(24);
  const listeners = config.profiles.flatMap((profile) =>
    profile.listeners.map(({ transport, address, port, advertisedAddress, advertisedPort }) => {
      const isWildcard = address === '0.0.0.0' || address === '::';
      const advertised = advertisedAddress ?? (isWildcard ? announced : undefined);
      return {
        transport,
        address,
        port,
        ...(advertised === undefined ? {} : { advertisedAddress: advertised }),
        ...(advertisedPort === undefined ? {} : { advertisedPort }),
      };
    }),
  );
  const server = await startSipServer(
    { listeners, frontSecret, logLevel: config.log.level === 'silent' ? 'error' : config.log.level },
    logger,
  );
  scope.add(() => server.close());
  const ws = server.listeners.find(({ transport }) => transport === 'ws');
  const host = ws === undefined || ws.address === '0.0.0.0' ? '127.0.0.1' : ws.address;
  return {
    wire: server.wire,
    server,
    upstream: ws === undefined ? undefined : { host, port: ws.port, secret: frontSecret },
  };
}

async function startMedia({ config, logger, scope, announced }: Parts): Promise<RunningMediaPlane> {
  const { media } = config;
  const cores = availableParallelism();
  const isWildcard = media.listenAddress === '0.0.0.0';
  const plane = await startMediaPlane({
    workerBin:
      media.workerBin ??
      process.env['MEDIASOUP_WORKER_BIN'] ??
      join(import.meta.dirname, '../.viaduct/mediasoup-worker'),
    workers: media.workers === 0 ? cores : media.workers,
    webRtc: {
      addresses: [{ address: media.listenAddress, ...(isWildcard ? { announcedAddress: announced } : {}) }],
      port: media.webRtcPort,
    },
    edge: {
      threads: media.edgeThreads === 0 ? Math.max(1, Math.floor(cores / 2)) : media.edgeThreads,
      portRange: media.portRange,
      listenAddress: media.listenAddress,
      announcedAddress: announced,
      quarantineMs: media.quarantineSec * 1000,
      clock,
      random,
      logger,
    },
    clock,
    logger,
  });
  scope.add(() => plane.stop());
  return plane;
}

interface TelephonyInput {
  readonly engine: Engine;
  readonly media: RunningMediaPlane;
  readonly store: Store;
  readonly users: readonly UserConfig[];
  readonly observer: (event: CallEvent) => void;
}

async function startCalls({ config, logger, scope, announced }: Parts, input: TelephonyInput): Promise<Telephony> {
  const { sip, profiles } = config;
  const byTransport = (...wanted: readonly string[]) =>
    profiles.find(({ listeners }) => listeners.some(({ transport }) => wanted.includes(transport))) ?? profiles[0];
  const [browsers, phones] = [byTransport('ws'), byTransport('udp', 'tcp')];
  if (browsers === undefined || phones === undefined) throw new Error('no profile at all');
  const telephony = await startTelephony({
    wire: input.engine.wire,
    domain: sip.domain,
    domains: [...sip.domains, ...localAddresses(), announced, hostname(), 'localhost'],
    profiles: { browsers, phones },
    users: input.users.map(({ name, password, displayName }) => ({ name, secret: { password }, displayName })),
    trunks: config.trunks.map((trunk) => {
      const profile = profiles.find(({ name }) => name === trunk.profile);
      if (profile === undefined) throw new Error(`trunk ${trunk.name} has no profile`);
      return { ...trunk, profile };
    }),
    dialplan: config.dialplan,
    timers: {
      noAnswerMs: sip.noAnswerSec * 1000,
      reregisterWaitMs: sip.reregisterWaitSec * 1000,
      recordTtlMs: config.telemetry.callRecordDays * 86_400_000,
    },
    store: input.store,
    media: input.media,
    observer: input.observer,
    clock,
    random,
    logger,
  });
  scope.add(() => telephony.close());
  return telephony;
}

function createViews({
  telephony,
  media,
  metrics,
}: {
  telephony: Telephony;
  media: RunningMediaPlane;
  metrics: Metrics;
}): OpsViews {
  return {
    calls: (limit) => telephony.records(limit),
    call: (callId) => telephony.record(callId),
    registrations: () => telephony.registrations(),
    metrics: () => metrics.scrape(),
    readiness: () => Promise.resolve({ sip: telephony.isConnected, media: media.workersRunning > 0 }),
  };
}

async function startWeb(
  parts: Parts,
  views: OpsViews,
  upstream: SipUpstream | undefined,
): Promise<Ops & { isSelfSigned: boolean }> {
  const { config, logger, scope, announced } = parts;
  const files = await loadWebFiles(join(import.meta.dirname, 'web/softphone'));
  const certificate = config.https.enabled
    ? await loadCertificate({
        certificate: config.https.certificate,
        key: config.https.key,
        folder: config.data,
        names: [...new Set(['localhost', hostname(), announced, ...localAddresses()])],
        nowMs: clock.wallTime(),
      })
    : undefined;
  const ops = await startOps({
    http: config.http.enabled ? config.http : undefined,
    https: certificate === undefined ? undefined : { ...config.https, certificate },
    sipUpstream: upstream,
    token: config.api.token ?? loadApiToken(config.data, random),
    domain: config.sip.domain,
    files,
    views,
    logger,
  });
  scope.add(() => ops.close());
  return { ...ops, isSelfSigned: certificate?.isSelfSigned ?? false };
}

/** The engine's counters, flat; none of a drachtio-server. */
async function sipFigures(server: SipServer | undefined): Promise<Readonly<Record<string, number>>> {
  if (server === undefined) return {};
  const { net, engine, applications, cpuMs } = await server.counters();
  return { ...net, ...engine, applications, cpuSeconds: cpuMs / 1000 };
}

async function startGateway(config: Config, logger: Logger, scope: Scope): Promise<string> {
  mkdirSync(config.data, { recursive: true });
  const announced = resolveAnnounced(config.media.announcedAddress);
  const parts: Parts = { config, logger, scope, announced };
  const stopExport =
    config.telemetry.otlpEndpoint === undefined ? undefined : await startTraceExport(config.telemetry.otlpEndpoint);
  if (stopExport !== undefined) scope.add(stopExport);
  const store = await openEmbeddedStore(join(config.data, 'viaduct.db'), { clock, logger });
  scope.add(() => store.close());
  const recordTtlMs = config.telemetry.callRecordDays * 86_400_000;
  const cut = await recoverCallRecords(store, clock, recordTtlMs);
  if (cut > 0) logger.warn({ calls: cut }, 'calls were cut by the end of the last run');
  const [engine, media] = await Promise.all([startEngine(parts), startMedia(parts)]);
  const demoAccounts = config.users === undefined ? loadDemoAccounts(config.data, random) : [];
  const users = config.users ?? demoAccounts;
  const tracing = createTracing();
  const observers: ((event: CallEvent) => void)[] = [
    (event) => logCallEvent(logger, event),
    (event) => tracing.observe(event),
  ];
  const observer = (event: CallEvent): void => observers.forEach((observe) => observe(event));
  const telephony = await startCalls(parts, { engine, media, store, users, observer });
  const metrics = createMetrics({
    media: () => media.counters(),
    sip: () => sipFigures(engine.server),
    activeCalls: () => telephony.activeCalls,
    registrations: () => telephony.bindingCount,
  });
  observers.push((event) => metrics.observe(event));
  const ops = await startWeb(parts, createViews({ telephony, media, metrics }), engine.upstream);
  engine.server?.onExit((error) => {
    throw error;
  });
  return formatBanner({
    address: announced,
    httpPort: ops.httpPort,
    httpsPort: ops.httpsPort,
    isSelfSigned: ops.isSelfSigned,
    sipListeners: engine.server?.listeners ?? config.profiles.flatMap(({ listeners }) => listeners),
    domain: config.sip.domain,
    demoAccounts,
    users: users.length,
    trunks: config.trunks.map(({ name }) => name),
    dataFolder: config.data,
  });
}

async function run(config: Config): Promise<number> {
  const logger = createLogger(config.log);
  const scope = new Scope();
  const stopped = new Promise<void>((resolve) => {
    let signals = 0;
    const onSignal = (): void => {
      signals += 1;
      if (signals > 1) process.exit(130);
      logger.info({}, 'ending: hanging up every call');
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
  try {
    process.stdout.write(await startGateway(config, logger, scope));
    logger.info({}, 'gateway running');
    await stopped;
  } finally {
    await scope.close();
  }
  return 0;
}

function die(error: unknown): never {
  const text =
    error instanceof CodedError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
  process.stderr.write(`viaduct: ${text}\n`);
  process.exit(1);
}

process.on('uncaughtException', die);
process.on('unhandledRejection', die);
const outcome = await runCli(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  environment: process.env,
}).catch(die);
process.exitCode = outcome.kind === 'exit' ? outcome.code : await run(outcome.config).catch(die);
