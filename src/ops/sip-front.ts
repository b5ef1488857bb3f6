/**
 * Passes WebSocket upgrades of `/sip` on to the SIP engine's WS listener, byte for byte. So the softphone's page and
 * its SIP share one origin: a browser that trusts our certificate for the page trusts it for SIP, too.
 */
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Logger, Scope } from '../kernel/index.ts';
import { refuseUpgrade as refuse, type UpgradeHandler } from './upgrades.ts';

export interface SipUpstream {
  readonly host: string;
  readonly port: number;
  /** Proves to the listener that the forwarded address is ours to tell; undefined: the listener is not ours. */
  readonly secret: string | undefined;
}

const MAX_CONNECTIONS = 20_000;
const CONNECT_TIMEOUT_MS = 5000;
const NOT_FORWARDED = new Set(['x-viaduct-front', 'x-forwarded-for', 'x-forwarded-port', 'x-forwarded-proto']);

/** The upgrade request as the listener gets it: the client's, less what only we may say, plus who the client is. */
function formatUpgrade(
  request: IncomingMessage,
  socket: Socket,
  proto: 'ws' | 'wss',
  secret: string | undefined,
): string {
  const lines = [`GET / HTTP/1.1`];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] ?? '';
    if (!NOT_FORWARDED.has(name.toLowerCase())) lines.push(`${name}: ${request.rawHeaders[i + 1]}`);
  }
  if (secret !== undefined) {
    lines.push(
      `x-viaduct-front: ${secret}`,
      `x-forwarded-for: ${(socket.remoteAddress ?? '').replace(/^::ffff:/, '')}`,
      `x-forwarded-port: ${socket.remotePort ?? 0}`,
      `x-forwarded-proto: ${proto}`,
    );
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Takes upgrades to `upstream`; every socket belongs to `scope`. */
export function sipFront(options: {
  readonly proto: 'ws' | 'wss';
  readonly upstream: SipUpstream;
  readonly logger: Logger;
  readonly scope: Scope;
}): UpgradeHandler {
  const { proto, upstream, logger, scope } = options;
  let connections = 0;
  return (request, socket, head) => {
    if (connections >= MAX_CONNECTIONS) return refuse(socket, '503 Service Unavailable');
    connections += 1;
    const inner = connect({ host: upstream.host, port: upstream.port, noDelay: true, timeout: CONNECT_TIMEOUT_MS });
    const forget = scope.add(() => {
      socket.destroy();
      inner.destroy();
    });
    const end = (): void => {
      forget();
      socket.destroy();
      inner.destroy();
    };
    socket.setNoDelay(true);
    socket.setTimeout(0);
    inner.once('connect', () => {
      inner.setTimeout(0);
      inner.write(formatUpgrade(request, socket, proto, upstream.secret));
      if (head.length > 0) inner.write(head);
      socket.pipe(inner).pipe(socket);
    });
    inner.once('timeout', end);
    inner.once('error', (error) => {
      logger.warn({ error: error.message, port: upstream.port }, 'SIP over WebSocket upstream failed');
      if (inner.connecting) refuse(socket, '502 Bad Gateway');
      end();
    });
    inner.once('close', end);
    socket.once('close', () => {
      connections -= 1;
      end();
    });
  };
}
