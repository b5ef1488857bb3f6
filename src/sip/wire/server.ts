/** The TCP server that applications connect to. */

import { once } from 'node:events';
import { createConnection as connectTcp, createServer, isIP, type Server, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { AppId, AppMessage, EngineApps } from '../engine/index.ts';
import { WireConnection, type WireContext } from './connection.ts';

export interface WireServerOptions extends WireContext {
  /** Loopback only, unless the operator wants applications on other machines. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
}

export interface AppAddress {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

export interface WireServer extends EngineApps {
  readonly port: number;
  /** Applications connected, authenticated or not. */
  readonly connections: number;
  /** All that the application connected from this port of this machine was sent, in bytes; undefined: there is none. */
  bytesWritten(port: number): number | undefined;
  /**
   * Connects to an application that waits for engines (drachtio-protocol §9.2). Resolves when it has authenticated;
   * rejects when it cannot be reached, or closes or stays silent before.
   */
  connect(to: AppAddress): Promise<AppId>;
  close(): Promise<void>;
}

/** Opens the server. Rejects with the error of `listen` when the address cannot be had. */
export async function openWireServer(options: WireServerOptions): Promise<WireServer> {
  const server = createServer();
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return new OpenWireServer(server, options);
}

class OpenWireServer implements WireServer {
  readonly port: number;
  readonly #server: Server;
  readonly #context: WireContext;
  readonly #connections = new Map<AppId, WireConnection>();
  #nextApp = 1;

  constructor(server: Server, context: WireContext) {
    this.#server = server;
    this.#context = context;
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    server.on('connection', (socket) => {
      const connection = this.#adopt(socket);
      connection.start(() => this.#connections.delete(connection.app));
    });
    server.on('error', (error) => this.#context.logger.error({ err: error }, 'wire server failed'));
  }

  get connections(): number {
    return this.#connections.size;
  }

  bytesWritten(port: number): number | undefined {
    for (const connection of this.#connections.values()) {
      if (connection.remotePort === port) return connection.bytesWritten;
    }
    return undefined;
  }

  async connect({ host, port, isTls }: AppAddress): Promise<AppId> {
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = isTls ? connectTls({ host, port, ...name }) : connectTcp({ host, port });
    // It is ours to end from the start: a connection that never opens counts too.
    const connection = this.#adopt(socket);
    return new Promise((resolve, reject) => {
      connection.start(
        () => {
          this.#connections.delete(connection.app);
          reject(new Error('the application closed the connection, or cannot be reached'));
        },
        () => resolve(connection.app),
      );
    });
  }

  #adopt(socket: Socket): WireConnection {
    const connection = new WireConnection(this.#nextApp++, socket, this.#context);
    this.#connections.set(connection.app, connection);
    return connection;
  }

  send(app: AppId, message: AppMessage, afterEcho: boolean): void {
    this.#connections.get(app)?.send(message, afterEcho);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const connection of this.#connections.values()) connection.destroy();
    await closed;
  }
}
