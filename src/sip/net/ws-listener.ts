/** SIP over WebSocket: RFC 7118. TLS, where wanted, is ended by our own HTTPS front (see `front.ts`). */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { ListenerAddress, SendTarget } from '../engine/index.ts';
import { plainAddress } from './address.ts';
import { failLater, type OnFailed } from './connection.ts';
import { type FrontedPeer, frontedPeer } from './front.ts';
import type { Household, Listener } from './listener.ts';
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

export class WsListener implements Listener {
  readonly where: ListenerAddress;
  readonly #server: Server;
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

  /** `describe` turns the port that was bound into the listener's address. */
  static async open(
    at: { readonly address: string; readonly port: number },
    home: Household,
    describe: (port: number) => ListenerAddress,
    policy: UpgradePolicy,
  ): Promise<WsListener> {
    const server = createServer({
      headersTimeout: UPGRADE_MS,
      requestTimeout: UPGRADE_MS,
      connectionsCheckingInterval: 2000,
    });
    server.maxConnections = home.limits.connections;
    server.listen({ host: at.address, port: at.port, exclusive: true });
    await once(server, 'listening');
    const bound = server.address();
    const port = typeof bound === 'object' ? (bound?.port ?? at.port) : at.port;
    const listener = new WsListener(describe(port), server, home, policy);
    listener.#start();
    return listener;
  }

  /** A browser cannot be called: only the connection it opened leads to it. */
  send(_target: SendTarget, _data: Buffer, onFailed: OnFailed): void {
    failLater(onFailed, 'unreachable');
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
      };
      new WsConnection(webSocket, flow, this.#home).start();
    });
  }

  #peerOf(request: IncomingMessage): FrontedPeer | undefined {
    const fronted = frontedPeer(request.headers, this.#policy.frontSecret);
    if (fronted !== undefined) return fronted;
    const { remoteAddress, remotePort } = request.socket;
    if (remoteAddress === undefined || remotePort === undefined) return undefined;
    return { address: plainAddress(remoteAddress), port: remotePort, transport: 'ws' };
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
