/** Where a remote is, as sockets and packets have it. */
import { isIP } from 'node:net';
import type { RtpAddress } from '../../sdp/index.ts';
import { edgeErrors } from './errors.ts';

/** Throws when a socket bound to `local` cannot reach it. */
export function reachable(request: RtpAddress, local = ''): RtpAddress {
  const remote = { ...request, address: plainAddress(request.address) };
  if (isIP(remote.address) !== isIP(local) || !isPort(remote.rtpPort) || !isPort(remote.rtcpPort)) {
    throw edgeErrors.MEDIA_BAD_ADDRESS([`${remote.address}:${remote.rtpPort}`, local]);
  }
  return remote;
}

/** An IPv6 address as sockets write it: packets are recognized by the text of their source. */ /** An IPv6 address as sockets write it: packets are recognized by the text of their source. */
export function plainAddress(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535;
}
