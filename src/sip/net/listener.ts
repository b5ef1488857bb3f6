/** A listener as openSipNet makes and drives it. */
import type { Clock, Logger } from '../../kernel/index.ts';
import type { ListenerAddress, SendTarget, SipTransport } from '../engine/index.ts';
import type { OnFailed } from './connection.ts';
import type { ConnectionTable } from './connection-table.ts';
import type { NetTally } from './counters.ts';
import type { Intake } from './intake.ts';
import type { SipNetLimits } from './limits.ts';
import type { TlsClients } from './tls-clients.ts';
import type { TlsServerMaterial } from './tls-material.ts';

/** A local address to open; `::` is IPv6 alone, so that each listener has one family. Port 0 takes any free one. */
export interface SipListenerOptions {
  readonly transport: SipTransport;
  readonly address: string;
  readonly port: number;
  /** What peers are told instead, where there is an external address. */
  readonly advertisedAddress?: string;
  readonly advertisedPort?: number;
  /** Of a TLS or WSS listener. */
  readonly tls?: TlsServerMaterial;
}

/** What one listener is opened with. */
export interface ListenerSetup {
  readonly address: string;
  readonly port: number;
  readonly home: Household;
  /** Turns the port that was bound into the listener's address. */
  readonly describe: (port: number) => ListenerAddress;
  /** Undefined: no TLS. */
  readonly tls: TlsServerMaterial | undefined;
}

/** What all listeners of one SipNet share. */
export interface Household {
  readonly table: ConnectionTable;
  readonly intake: Intake;
  readonly tally: NetTally;
  readonly limits: SipNetLimits;
  /** Whether listeners measure how long messages wait for them. */
  readonly isProbed: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tlsClients: TlsClients;
}

export interface Listener {
  readonly where: ListenerAddress;
  /** Sends to an address; a target with a connection never comes here. */
  send(target: SendTarget, data: Buffer, onFailed: OnFailed): void;
  /** How long what has come waits before it is read, in milliseconds, where that is measured. */
  readonly queueDelayMs?: number;
  /** What new connections get. Of no meaning where there is no TLS. */
  updateTls(material: TlsServerMaterial): void;
  /** Stops accepting and closes the socket. Connections are the table's. */
  close(): Promise<void>;
}
