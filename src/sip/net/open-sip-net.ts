/** Opens the SIP sockets and joins them to the engine. */
import type { Clock, Logger } from '../../kernel/index.ts';
import type { EngineInput, EngineNet, ListenerAddress } from '../engine/index.ts';
import { reachableAddress } from './address.ts';
import { failLater } from './connection.ts';
import { ConnectionTable } from './connection-table.ts';
import { createTally, type NetCounters, type NetTally } from './counters.ts';
import { codeOf, netErrors } from './errors.ts';
import { type Exemptions, FloodGovernor } from './flood-governor.ts';
import type { FloodLimits } from './flood-limits.ts';
import { HostLookup } from './host-lookup.ts';
import { Intake } from './intake.ts';
import { DEFAULT_NET_LIMITS, type SipNetLimits } from './limits.ts';
import type { Household, Listener, SipListenerOptions } from './listener.ts';
import { RefusalProbes } from './refusal-probes.ts';
import { TcpListener } from './tcp-listener.ts';
import { TlsClients } from './tls-clients.ts';
import type { TlsPeer, TlsServerMaterial } from './tls-material.ts';
import { UdpListener } from './udp-listener.ts';
import { type UpgradePolicy, WsListener } from './ws-listener.ts';

export interface SipNetOptions extends UpgradePolicy {
  readonly listeners: readonly SipListenerOptions[];
  readonly input: EngineInput;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Peers that TLS is done with in another way than with the rest of the world. */
  readonly tlsPeers?: readonly TlsPeer[];
  /** What differs from DEFAULT_NET_LIMITS. */
  readonly limits?: Partial<SipNetLimits>;
  /** Default: nothing. */
  readonly exemptions?: Exemptions;
  /** Measure how long datagrams wait before they are read; see `queueDelayMs`. */
  readonly isProbed?: boolean;
}

/** Fresh certificates: for connections made from then on. */
export interface TlsUpdate {
  /** In the order the listeners were given; undefined where there is no TLS. */
  readonly listeners: readonly (TlsServerMaterial | undefined)[];
  readonly peers: readonly TlsPeer[];
}

export interface SipNet extends EngineNet {
  readonly counters: NetCounters;
  /** The longest that messages wait at a listener now, in milliseconds; 0 where it is not measured. */
  readonly queueDelayMs: number;
  updateTls(update: TlsUpdate): void;
  /** Puts others in force; those that cannot be read are logged, and the old ones stay. */
  exempt(exemptions: Exemptions): void;
  /** Closes every socket. The engine hears no more from here, not even of the connections that end. */
  close(): Promise<void>;
}

/** Opens all listeners, or none: rejects with SIP_LISTENER_FAILED. */
export async function openSipNet(options: SipNetOptions): Promise<SipNet> {
  const { clock, logger } = options;
  const limits = { ...DEFAULT_NET_LIMITS, ...options.limits };
  const tally = createTally();
  const table = new ConnectionTable(limits, tally, clock, logger);
  const governor = limits.flood === undefined ? undefined : createGovernor(limits.flood, tally, options);
  const intake = new Intake({ input: options.input, messageBytes: limits.messageBytes, governor, tally, logger });
  const tlsClients = new TlsClients(options.tlsPeers ?? []);
  const isProbed = options.isProbed === true;
  const home: Household = { table, intake, tally, limits, isProbed, clock, logger, tlsClients };
  const opened = await openAll(options, home);
  table.start(() => governor?.sweep());
  const byId = new Map(opened.map((listener) => [listener.where.id, listener]));
  const lookup = new HostLookup(clock);
  const probes = new RefusalProbes(clock);
  let closing: Promise<unknown> | undefined;
  return {
    counters: tally,
    get queueDelayMs() {
      return opened.reduce((longest, listener) => Math.max(longest, listener.queueDelayMs ?? 0), 0);
    },
    listeners: opened.map((listener) => listener.where),
    probe: (address, port, onRefused) => {
      if (closing === undefined) probes.probe(address, port, onRefused);
    },
    resolve: (host) => lookup.resolve(host),
    send(target, data, onFailed) {
      const { connectionId } = target;
      const listener = byId.get(target.listenerId);
      const connection = connectionId === undefined ? undefined : table.get(connectionId);
      if (connection !== undefined) connection.send(data, onFailed);
      else if (connectionId !== undefined || closing !== undefined) failLater(onFailed, 'closed');
      else if (listener?.where.transport !== target.transport) failLater(onFailed, 'unreachable');
      else listener.send(target, data, onFailed);
    },
    vouch: (flow) => governor?.vouch(flow.remoteAddress),
    updateTls({ listeners, peers }) {
      tlsClients.update(peers);
      for (const [index, material] of listeners.entries()) renew(opened[index], material, logger);
    },
    exempt(exemptions) {
      try {
        governor?.exempt(exemptions);
      } catch (error) {
        logger.error({ err: error }, 'exemptions not usable; the old ones stay');
      }
    },
    async close() {
      intake.stop();
      probes.close();
      table.close();
      closing ??= Promise.all(opened.map((listener) => listener.close()));
      await closing;
    },
  };
}

function renew(listener: Listener | undefined, material: TlsServerMaterial | undefined, logger: Logger): void {
  if (listener === undefined || material === undefined) return;
  try {
    listener.updateTls(material);
  } catch (error) {
    logger.error({ err: error, listener: listener.where.id }, 'certificate not usable; the old one stays');
  }
}

function createGovernor(limits: FloodLimits, tally: NetTally, options: SipNetOptions): FloodGovernor {
  const { clock, logger, exemptions = { trustedNetworks: [], emergencyNumbers: [] } } = options;
  return new FloodGovernor({ limits, tally, clock, logger }, exemptions);
}

async function openAll(options: SipNetOptions, home: Household): Promise<readonly Listener[]> {
  const opened: Listener[] = [];
  for (const [index, wanted] of options.listeners.entries()) {
    try {
      opened.push(await openOne(wanted, index + 1, home, options));
    } catch (cause) {
      await Promise.all(opened.map((listener) => listener.close()));
      throw netErrors.SIP_LISTENER_FAILED([wanted.transport, wanted.address, wanted.port, codeOf(cause)], { cause });
    }
  }
  return opened;
}

async function openOne(
  wanted: SipListenerOptions,
  id: number,
  home: Household,
  policy: UpgradePolicy,
): Promise<Listener> {
  const { transport, address } = wanted;
  const describe = (port: number): ListenerAddress => ({
    id,
    transport,
    address,
    port,
    advertisedAddress: wanted.advertisedAddress ?? reachableAddress(address),
    advertisedPort: wanted.advertisedPort ?? port,
  });
  const isSecure = transport === 'tls' || transport === 'wss';
  if (isSecure && wanted.tls === undefined) throw netErrors.SIP_NO_CERTIFICATE([transport, wanted.port]);
  const setup = { address, port: wanted.port, home, describe, tls: isSecure ? wanted.tls : undefined };
  switch (transport) {
    case 'udp':
      return UdpListener.open(setup);
    case 'tcp':
    case 'tls':
      return TcpListener.open(setup);
    case 'ws':
    case 'wss':
      return WsListener.open(setup, policy);
  }
}
