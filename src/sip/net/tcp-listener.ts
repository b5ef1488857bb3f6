/** SIP over TCP and TLS: accepts connections, and opens them where a message has to go (RFC 3261 §18.1.1, RFC 5923). */
import { once } from 'node:events';
import { connect, createServer, isIP, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket, type Server as TlsServer } from 'node:tls';
import type { ListenerAddress, SendTarget } from '../engine/index.ts';
import { asNumber, plainAddress } from './address.ts';
import { certificateNames } from './certificate-names.ts';
import { failLater, type OnFailed } from './connection.ts';
import type { Household, Listener, ListenerSetup } from './listener.ts';
import { limitRawSockets } from './raw-sockets.ts';
import { TcpConnection } from './tcp-connection.ts';
import { secureContextOptions, type TlsServerMaterial, tlsServerOptions } from './tls-material.ts';

interface Ends {
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly serverName?: string;
  readonly peerNames?: readonly string[];
}

export class TcpListener implements Listener {
  readonly where: ListenerAddress;
  readonly #server: Server | TlsServer;
  readonly #home: Household;
  /** Undefined: plain TCP. */
  #material: TlsServerMaterial | undefined;

  private constructor(where: ListenerAddress, server: Server, setup: Pick<ListenerSetup, 'home' | 'tls'>) {
    this.where = where;
    this.#server = server;
    this.#home = setup.home;
    this.#material = setup.tls;
  }

  static async open({ address, port, home, describe, tls }: ListenerSetup): Promise<TcpListener> {
    const server = tls === undefined ? createServer() : createTlsServer(tlsServerOptions(tls));
    if (tls !== undefined) limitRawSockets(server, home.table, home.limits);
    server.listen({ host: address, port, exclusive: true, ipv6Only: true });
    await once(server, 'listening');
    const bound = server.address();
    const where = describe(typeof bound === 'object' ? (bound?.port ?? port) : port);
    const listener = new TcpListener(where, server, { home, tls });
    server.on(tls === undefined ? 'connection' : 'secureConnection', (socket) => listener.#accept(socket));
    server.on('tlsClientError', (error, socket) => {
      home.logger.debug({ error, remoteAddress: socket.remoteAddress }, 'TLS handshake failed');
      socket.destroy();
    });
    server.on('error', (error) => home.logger.warn({ error, port }, 'tcp listener error'));
    return listener;
  }

  send(target: SendTarget, data: Buffer, onFailed: OnFailed): void {
    const address = asNumber(target.address);
    if (address === undefined) return failLater(onFailed, 'unreachable');
    const remote = { listenerId: this.where.id, remoteAddress: address, remotePort: target.port };
    const open = this.#home.table.find(remote);
    // A connection that was proven to lead to one name is none to another (RFC 5922 §4).
    const isSame = target.serverName === undefined || open?.flow.serverName === target.serverName;
    const connection = open !== undefined && isSame ? open : this.#open(address, target);
    connection.send(data, onFailed);
  }

  updateTls(material: TlsServerMaterial): void {
    if (this.#material === undefined || !('setSecureContext' in this.#server)) return;
    this.#material = material;
    this.#server.setSecureContext(secureContextOptions(material));
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #accept(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    // Gone again already, or one too many.
    if (
      remoteAddress === undefined ||
      remotePort === undefined ||
      !this.#home.table.admits(plainAddress(remoteAddress))
    ) {
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const localAddress = plainAddress(socket.localAddress ?? this.where.address);
    const ends = { localAddress, remoteAddress: plainAddress(remoteAddress), remotePort };
    this.#start(socket, { ...ends, ...(socket instanceof TLSSocket ? verifiedNames(socket) : {}) });
  }

  /** From our own address where the listener has one, so that the peer recognizes us. */
  #open(address: string, { port, serverName }: SendTarget): TcpConnection {
    const own = this.where.address;
    const isUsable = own !== '0.0.0.0' && own !== '::' && isIP(own) === isIP(address);
    const where = { host: address, port, ...(isUsable ? { localAddress: own } : {}) };
    const name = serverName ?? address;
    const material = this.#material;
    const socket =
      material === undefined ? connect(where) : this.#home.tlsClients.connect({ ...where, name }, material);
    return this.#start(socket, {
      localAddress: own,
      remoteAddress: address,
      remotePort: port,
      ...(material === undefined ? {} : { serverName: name }),
    });
  }

  #start(socket: Socket, ends: Ends): TcpConnection {
    const { id: listenerId, port: localPort, transport } = this.where;
    const connectionId = this.#home.table.nextId();
    const connection = new TcpConnection(
      socket,
      { transport, listenerId, localPort, connectionId, ...ends },
      this.#home,
    );
    connection.start();
    return connection;
  }
}

/** Of a peer whose certificate one of our client authorities has signed. */
export function verifiedNames(socket: TLSSocket): { peerNames?: readonly string[] } {
  if (!socket.authorized) return {};
  const certificate = socket.getPeerCertificate();
  return 'subject' in certificate ? { peerNames: certificateNames(certificate) } : {};
}
