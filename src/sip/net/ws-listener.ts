/** SIP over WebSocket, plain or over TLS: RFC 7118. A plain one may stand behind our own HTTPS front (see `front.ts`). */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket, type Server as TlsServer } from 'node:tls';
import { WebSocketServer } from 'ws';
import type { ListenerAddress, SendTarget } from '../engine/index.ts';
import { plainAddress } from './address.ts';
import { failLater, type OnFailed } from './connection.ts';
import { type FrontedPeer, frontedPeer } from './front.ts';
import type { Household, Listener, ListenerSetup } from './listener.ts';
import { limitRawSockets } from './raw-sockets.ts';
import { verifiedNames } from './tcp-listener.ts';
import { secureContextOptions, type TlsServerMaterial, tlsServerOptions } from './tls-material.ts';
import { WsConnection } from './ws-connection.ts';

/** Who may upgrade. */
export interface UpgradePolicy {
  /** Values of Origin that are let in; all when undefined. A request without Origin does not come from a web page. */
  readonly allowedOrigins?: readonly string[];
  /** What a trusted front sends in `x-viaduct-front`; there is none when undefined. */
  readonly frontSecret?: string;
}

const SUBPROTOCOL = 'sip';
/** A peer that dribbles its upgrade request is cut off after this long. */
const UPGRADE_MS = 10_000;
const TIMEOUTS = { headersTimeout: UPGRADE_MS, requestTimeout: UPGRADE_MS, connectionsCheckingInterval: 2000 };

export class WsListener implements Listener {
  readonly where: ListenerAddress;
  readonly #server: Server | (Server & TlsServer);
  readonly #webSockets: WebSocketServer;
  readonly #home: Household;
  readonly #policy: UpgradePolicy;

  private constructor(where: ListenerAddress, server: Server, home: Household, policy: UpgradePolicy) {
    this.where = where;
    this.#server = server;
    this.#home = home;
    this.#policy = policy;
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: home.limits.messageBytes,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
  }

  static async open(setup: ListenerSetup, policy: UpgradePolicy): Promise<WsListener> {
    const { home, tls } = setup;
    const server =
      tls === undefined ? createServer(TIMEOUTS) : createSecureServer({ ...TIMEOUTS, ...tlsServerOptions(tls) });
    if (tls !== undefined) limitRawSockets(server, home.table, home.limits);
    server.maxConnections = home.limits.connections;
    server.listen({ host: setup.address, port: setup.port, exclusive: true, ipv6Only: true });
    await once(server, 'listening');
    const bound = server.address();
    const port = typeof bound === 'object' ? (bound?.port ?? setup.port) : setup.port;
    const listener = new WsListener(setup.describe(port), server, home, policy);
    listener.#start();
    return listener;
  }

  /** A browser cannot be called: only the connection it opened leads to it. */
  send(_target: SendTarget, _data: Buffer, onFailed: OnFailed): void {
    failLater(onFailed, 'unreachable');
  }

  updateTls(material: TlsServerMaterial): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(secureContextOptions(material));
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#webSockets.close();
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #start(): void {
    this.#server.on('request', (_request, response) => response.writeHead(426, { Upgrade: 'websocket' }).end());
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on('tlsClientError', (error, socket) => {
      this.#home.logger.debug({ error, remoteAddress: socket.remoteAddress }, 'TLS handshake failed');
      socket.destroy();
    });
    this.#server.on('error', (error) => this.#home.logger.warn({ error }, 'websocket listener error'));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    const peer = this.#peerOf(request);
    const refusal = this.#refusal(request, peer);
    if (refusal !== undefined || peer === undefined) {
      this.#home.logger.debug({ refusal, address: peer?.address }, 'websocket upgrade refused');
      socket.end(`HTTP/1.1 ${refusal ?? '400 Bad Request'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const { id: listenerId, port: localPort } = this.where;
      const flow = {
        transport: peer.transport,
        listenerId,
        localAddress: plainAddress(request.socket.localAddress ?? this.where.address),
        localPort,
        remoteAddress: peer.address,
        remotePort: peer.port,
        connectionId: this.#home.table.nextId(),
        ...(request.socket instanceof TLSSocket ? verifiedNames(request.socket) : {}),
      };
      new WsConnection(webSocket, flow, this.#home).start();
    });
  }

  #peerOf(request: IncomingMessage): FrontedPeer | undefined {
    const fronted = frontedPeer(request.headers, this.#policy.frontSecret);
    if (fronted !== undefined) return fronted;
    const { remoteAddress, remotePort } = request.socket;
    const transport = this.where.transport === 'wss' ? 'wss' : 'ws';
    if (remoteAddress === undefined || remotePort === undefined) return undefined;
    return { address: plainAddress(remoteAddress), port: remotePort, transport };
  }

  #refusal(request: IncomingMessage, peer: FrontedPeer | undefined): string | undefined {
    if (peer !== undefined && !this.#home.table.admits(peer.address)) return '503 Service Unavailable';
    const refusal = this.#policyRefusal(request);
    if (refusal !== undefined) this.#home.tally.connectionsRejected++;
    return refusal;
  }

  #policyRefusal(request: IncomingMessage): string | undefined {
    const { origin } = request.headers;
    const { allowedOrigins } = this.#policy;
    if (allowedOrigins !== undefined && origin !== undefined && !allowedOrigins.includes(origin))
      return '403 Forbidden';
    const offered = request.headers['sec-websocket-protocol'];
    const isOffered = offered?.split(',').some((name) => name.trim().toLowerCase() === SUBPROTOCOL) ?? true;
    return isOffered ? undefined : '400 Bad Request';
  }
}
