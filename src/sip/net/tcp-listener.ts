/** SIP over TCP: accepts connections, and opens them where a message has to go (RFC 3261 §18.1.1). */
import { once } from 'node:events';
import { connect, createServer, isIP, type Server, type Socket } from 'node:net';
import type { ListenerAddress, SendTarget } from '../engine/index.ts';
import { asNumber, plainAddress } from './address.ts';
import { failLater, type OnFailed } from './connection.ts';
import type { Household, Listener } from './listener.ts';
import { TcpConnection } from './tcp-connection.ts';

export class TcpListener implements Listener {
  readonly where: ListenerAddress;
  readonly #server: Server;
  readonly #home: Household;

  private constructor(where: ListenerAddress, server: Server, home: Household) {
    this.where = where;
    this.#server = server;
    this.#home = home;
  }

  /** `describe` turns the port that was bound into the listener's address. */
  static async open(
    address: string,
    port: number,
    home: Household,
    describe: (port: number) => ListenerAddress,
  ): Promise<TcpListener> {
    const server = createServer();
    server.listen({ host: address, port, exclusive: true });
    await once(server, 'listening');
    const bound = server.address();
    const listener = new TcpListener(describe(typeof bound === 'object' ? (bound?.port ?? port) : port), server, home);
    server.on('connection', (socket) => listener.#accept(socket));
    server.on('error', (error) => home.logger.warn({ error, port }, 'tcp listener error'));
    return listener;
  }

  send(target: SendTarget, data: Buffer, onFailed: OnFailed): void {
    const address = asNumber(target.address);
    if (address === undefined) return failLater(onFailed, 'unreachable');
    const remote = { listenerId: this.where.id, remoteAddress: address, remotePort: target.port };
    const connection = this.#home.table.find(remote) ?? this.#open(address, target.port);
    connection.send(data, onFailed);
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
    this.#start(socket, { localAddress, remoteAddress: plainAddress(remoteAddress), remotePort });
  }

  /** From our own address where the listener has one, so that the peer recognizes us. */
  #open(address: string, port: number): TcpConnection {
    const own = this.where.address;
    const isUsable = own !== '0.0.0.0' && own !== '::' && isIP(own) === isIP(address);
    const socket = connect({ host: address, port, ...(isUsable ? { localAddress: own } : {}) });
    return this.#start(socket, { localAddress: own, remoteAddress: address, remotePort: port });
  }

  #start(socket: Socket, ends: { localAddress: string; remoteAddress: string; remotePort: number }): TcpConnection {
    const { id: listenerId, port: localPort } = this.where;
    const connectionId = this.#home.table.nextId();
    const flow = { transport: 'tcp', listenerId, localPort, connectionId, ...ends } as const;
    const connection = new TcpConnection(socket, flow, this.#home);
    connection.start();
    return connection;
  }
}
