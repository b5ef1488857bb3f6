/** The SIP engine: the embedded one in its thread, or the address of a drachtio-server. */
import type { Config, ListenerConfig } from '../config/index.ts';
import type { SipUpstream } from '../ops/index.ts';
import {
  type SipListenerOptions,
  type SipServer,
  type SipServerOptions,
  startSipServer,
  type WireAddress,
} from '../sip/server/index.ts';
import { type Parts, random } from './parts.ts';

export interface Engine {
  readonly wire: WireAddress;
  readonly server: SipServer | undefined;
  readonly upstream: SipUpstream | undefined;
}

export async function startEngine(parts: Parts): Promise<Engine> {
  const { config, logger, scope, tls } = parts;
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
  const configured = config.profiles.flatMap((profile) => profile.listeners);
  const server = await startSipServer(
    {
      listeners: configured.map((listener) => listenerOptions(listener, parts)),
      frontSecret,
      tlsPeers: tls.peers(),
      ...messageLog(config),
      ...engineLimits(config),
      logLevel: config.log.level === 'silent' ? 'error' : config.log.level,
    },
    logger,
  );
  scope.add(() => server.close());
  const update = (): void =>
    server.updateTls({ listeners: configured.map((listener) => tls.listener(listener)), peers: tls.peers() });
  scope.add(tls.onChange(update));
  const ws = server.listeners.find(({ transport }) => transport === 'ws');
  const host = ws === undefined || ws.address === '0.0.0.0' ? '127.0.0.1' : ws.address;
  return {
    wire: server.wire,
    server,
    upstream: ws === undefined ? undefined : { host, port: ws.port, secret: frontSecret },
  };
}

function messageLog({ telemetry }: Config): Pick<SipServerOptions, 'messageLog'> {
  const { minutes, megabytes } = telemetry.messageLog;
  return minutes === 0 ? {} : { messageLog: { keepMs: minutes * 60_000, bytes: megabytes * 1_048_576 } };
}

/** What strangers may cost. */
function engineLimits(config: Config): Pick<SipServerOptions, 'limits' | 'engine' | 'exemptions'> {
  const { messageBytes, connections, connectionsPerSource, idleSec, firstMessageSec, flood, overload } =
    config.sip.limits;
  return {
    limits: {
      messageBytes,
      connections,
      connectionsPerSource,
      idleMs: idleSec * 1000,
      firstMessageMs: firstMessageSec * 1000,
      flood: flood.enabled ? flood : undefined,
    },
    engine: {
      strict: config.sip.engineStrict,
      overloadLagMs: overload.lagMs,
      maxServerTransactions: overload.transactions,
      maxUnansweredCalls: overload.unansweredCalls,
      retryAfterSec: overload.retryAfterSec,
    },
    // Telephony says where trunks are as soon as it knows them.
    exemptions: { trustedNetworks: config.sip.edgeProxies, emergencyNumbers: config.emergencyNumbers },
  };
}

function listenerOptions(listener: ListenerConfig, { announced, tls }: Parts): SipListenerOptions {
  const { transport, address, port, advertisedAddress, advertisedPort } = listener;
  const isWildcard = address === '0.0.0.0' && !announced.includes(':');
  const advertised = advertisedAddress ?? (isWildcard ? announced : undefined);
  const material = tls.listener(listener);
  return {
    transport,
    address,
    port,
    ...(advertised === undefined ? {} : { advertisedAddress: advertised }),
    ...(advertisedPort === undefined ? {} : { advertisedPort }),
    ...(material === undefined ? {} : { tls: material }),
  };
}

/** The engine's counters, flat; none of a drachtio-server. */
export async function sipFigures(server: SipServer | undefined): Promise<Readonly<Record<string, number>>> {
  if (server === undefined) return {};
  const { net, engine, pressure, cpuMs, ...rest } = await server.counters();
  return { ...net, ...engine, ...pressure, ...rest, cpuSeconds: cpuMs / 1000 };
}
