/** UDP sockets of the edge. Node cannot set DSCP on them; mark the port range in the firewall if the network wants EF. */
import dgram from 'node:dgram';
import { isIPv6 } from 'node:net';

export type OnPacket = (packet: Buffer, source: dgram.RemoteInfo) => void;

/** Addresses are literals here: answered at once, where Node would defer every send by a turn of the loop. */
const literalOnly = (
  hostname: string,
  family: unknown,
  answer: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void => answer(null, hostname, Number(family));

/**
 * Binds a socket that a PlainTransport may later share (`reuseAddr`). Since that flag would also let us share a port
 * with a stranger, the port is first tried without it. Port 0: any free one.
 */
export async function bindUdp(address: string, port: number, onPacket: OnPacket): Promise<dgram.Socket> {
  if (port !== 0) await closeUdp(await bind(address, port, false));
  return bindAbove(address, port, onPacket);
}

/** Binds a socket above those that share the port already: it receives, and they no longer do. */
export async function bindAbove(address: string, port: number, onPacket: OnPacket): Promise<dgram.Socket> {
  const socket = await bind(address, port, true);
  socket.on('message', onPacket);
  // An ICMP error of a peer that is gone says nothing that RTCP and silence do not.
  socket.on('error', () => {});
  return socket;
}

export function closeUdp(socket: dgram.Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.close(resolve);
  });
}

/** Whether an error says that somebody else has the port. */
export function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES');
}

function bind(address: string, port: number, reuseAddr: boolean): Promise<dgram.Socket> {
  const socket = dgram.createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', reuseAddr, lookup: literalOnly });
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', onError);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', onError);
      resolve(socket);
    });
  });
}
