/** Limits what may be open before TLS is: a handshake costs more than anything else a stranger can ask for. */
import type { Server, Socket } from 'node:net';
import { plainAddress } from './address.ts';
import type { ConnectionTable } from './connection-table.ts';
import type { SipNetLimits } from './limits.ts';

/** Closes at once what is over the limits of connections, counted from the first packet on, before any handshake. */
export function limitRawSockets(server: Server, table: ConnectionTable, limits: SipNetLimits): void {
  const bySource = new Map<string, number>();
  server.maxConnections = limits.connections;
  server.prependListener('connection', (socket: Socket) => {
    const source = plainAddress(socket.remoteAddress ?? '');
    const count = bySource.get(source) ?? 0;
    if (source === '' || count >= limits.connectionsPerSource || !table.admits(source)) {
      socket.destroy();
      return;
    }
    bySource.set(source, count + 1);
    socket.once('close', () => {
      const left = (bySource.get(source) ?? 1) - 1;
      if (left > 0) bySource.set(source, left);
      else bySource.delete(source);
    });
  });
}
