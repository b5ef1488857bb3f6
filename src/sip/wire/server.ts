/** The TCP server that applications connect to. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { AppId, AppMessage, EngineApps } from '../engine/index.ts';
import { WireConnection, type WireContext } from './connection.ts';

export interface WireServerOptions extends WireContext {
  /** Loopback only, unless the operator wants applications on other machines. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
}

export interface WireServer extends EngineApps {
  readonly port: number;
  /** Applications connected, authenticated or not. */
  readonly connections: number;
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
      const connection = new WireConnection(this.#nextApp++, socket, context);
      this.#connections.set(connection.app, connection);
      connection.start(() => this.#connections.delete(connection.app));
    });
    server.on('error', (error) => this.#context.logger.error({ err: error }, 'wire server failed'));
  }

  get connections(): number {
    return this.#connections.size;
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
