/** WebSocket upgrades by path; whoever takes one owns its socket. */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Scope } from '../kernel/index.ts';

export type UpgradeHandler = (request: IncomingMessage, socket: Socket, head: Buffer, isSecure: boolean) => void;

export function refuseUpgrade(socket: Socket, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Serves the upgrades of `server` until `scope` closes; a path that nobody has is answered 404. */
export function serveUpgrades(
  server: Server,
  handlers: ReadonlyMap<string, UpgradeHandler>,
  { isSecure, scope }: { readonly isSecure: boolean; readonly scope: Scope },
): void {
  const onUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    socket.on('error', () => socket.destroy());
    const handler = handlers.get((request.url ?? '').split('?')[0] ?? '');
    if (handler === undefined) refuseUpgrade(socket, '404 Not Found');
    else handler(request, socket, head, isSecure);
  };
  server.on('upgrade', onUpgrade);
  scope.add(() => {
    server.off('upgrade', onUpgrade);
  });
}
