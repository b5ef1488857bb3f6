/** Builds the parts in their order and joins their ports. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CallEvent } from '../calls/index.ts';
import { type BannerFacts, formatBanner } from '../cli/index.ts';
import { type Config, loadDemoAccounts, resolveAnnounced } from '../config/index.ts';
import type { Logger, Scope } from '../kernel/index.ts';
import type { Ops } from '../ops/index.ts';
import { openEmbeddedStore } from '../store/index.ts';
import { createMetrics, createTracing, logCallEvent, RecordFile, startTraceExport } from '../telemetry/index.ts';
import { recoverCallRecords } from '../telephony/index.ts';
import { createTwilioSide } from './agents.ts';
import { startAudioSocket } from './audio-socket.ts';
import { reloadableOptions, startCalls } from './calls.ts';
import { sipFigures, startEngine } from './engine.ts';
import { startMedia } from './media.ts';
import { clock, type Parts, random } from './parts.ts';
import { Reloader } from './reload.ts';
import { startRooms } from './rooms.ts';
import { openTls } from './tls.ts';
import { createViews, startWeb } from './web.ts';
import { startWebhooks } from './webhooks.ts';

/** What a gateway is started with. What was opened is closed with `scope`, also after a failure. */
export interface GatewaySetup {
  readonly config: Config;
  /** Reads the configuration again. */
  readonly load: () => Config;
  readonly logger: Logger;
  readonly scope: Scope;
  /** Is told when the gateway cannot go on. */
  readonly onFatal: (error: Error) => void;
}

export interface Gateway {
  /** What it tells the person who started it. */
  readonly banner: string;
  readonly reloader: Reloader;
}

/** Starts everything. */
export async function startGateway({ config, load, logger, scope, onFatal }: GatewaySetup): Promise<Gateway> {
  mkdirSync(config.data, { recursive: true });
  const announced = resolveAnnounced(config.media.announcedAddress);
  const tls = await openTls(config, { announced, logger, scope });
  const parts: Parts = { config, logger, scope, announced, tls };
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
  const observers = createObservers(parts);
  const observer = (event: CallEvent): void => observers.forEach((observe) => observe(event));
  const webhooks = startWebhooks(parts, observers);
  const twilio = createTwilioSide(config);
  const telephony = await startCalls(parts, { engine, media, store, users, twilio, observer });
  // Who is an account may change with a reload.
  let accounts = users;
  const rooms = await startRooms(parts, { media, store, users: () => accounts });
  await startAudioSocket(parts, { desk: telephony.localCalls, audio: media.agentAudio });
  const metrics = createMetrics({
    media: () => media.counters(),
    sip: () => sipFigures(engine.server),
    activeCalls: () => telephony.activeCalls,
    registrations: () => telephony.bindingCount,
    trunks: () => telephony.trunks(),
    webhooks: () => webhooks.map(({ counters }) => counters),
    rooms: () => rooms?.figures(),
  });
  observers.push((event) => metrics.observe(event));
  const reloader = new Reloader({
    config,
    load,
    apply: (next) => {
      accounts = next.users ?? loadDemoAccounts(config.data, random);
      telephony.reload(reloadableOptions(next, accounts));
      engine.server?.exempt({ emergencyNumbers: next.emergencyNumbers });
      tls.reload();
    },
    onReload: (isDone) => metrics.reloaded(isDone),
    logger,
  });
  if (config.reload.watch) reloader.watch(scope);
  const ops = await startWeb(parts, {
    views: { ...createViews({ telephony, media, metrics, server: engine.server }), rooms: rooms?.views },
    control: telephony.control,
    reload: () => reloader.reload('api'),
    twilio: twilio.serve,
    upstream: engine.upstream,
    signaling: rooms?.signaling,
  });
  engine.server?.onExit(onFatal);
  const banner = bannerFor(parts, { ops, listeners: engine.server?.listeners, demoAccounts, users: users.length });
  return { banner, reloader };
}

type Observer = (event: CallEvent) => void;

/** Who is told what happens; the metrics join when there is something to measure. */
function createObservers({ config, logger, scope }: Parts): Observer[] {
  const tracing = createTracing();
  const observers: Observer[] = [(event) => logCallEvent(logger, event), (event) => tracing.observe(event)];
  const recordFile = config.telemetry.callRecordFile;
  if (recordFile !== undefined) {
    const file = new RecordFile(recordFile, logger);
    scope.add(() => file.flush());
    observers.push((event) => file.observe(event));
  }
  return observers;
}

interface BannerInput {
  readonly ops: Ops;
  readonly listeners: BannerFacts['sipListeners'] | undefined;
  readonly demoAccounts: BannerFacts['demoAccounts'];
  readonly users: number;
}

function bannerFor({ config, announced, tls }: Parts, { ops, listeners, demoAccounts, users }: BannerInput): string {
  return formatBanner({
    address: announced,
    httpPort: ops.httpPort,
    httpsPort: ops.httpsPort,
    isSelfSigned: tls.isSelfSigned,
    sipListeners: listeners ?? config.profiles.flatMap((profile) => profile.listeners),
    domain: config.sip.domain,
    demoAccounts,
    users,
    trunks: config.trunks.map(({ name }) => name),
    dataFolder: config.data,
  });
}
