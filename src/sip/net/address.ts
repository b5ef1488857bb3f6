/** IP addresses as sockets say them and as SIP says them. */
import { isIP, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** An IPv4 peer of a dual-stack socket shows as `::ffff:192.0.2.1`; everybody else calls it 192.0.2.1. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address;
}

/** The reverse, for a socket of family 6. */
export function addressForFamily(address: string, family: 4 | 6): string {
  return family === 6 && isIPv4(address) ? `::ffff:${address}` : address;
}

/** The address without brackets when it is a number, undefined when it is a name. */
export function asNumber(host: string): string | undefined {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  return isIP(bare) === 0 ? undefined : bare;
}

/** An address peers can use: a wildcard becomes that of the first outside interface, or loopback. */
export function reachableAddress(address: string): string {
  if (address !== '0.0.0.0' && address !== '::') return address;
  for (const interfaceAddresses of Object.values(networkInterfaces())) {
    const outside = interfaceAddresses?.find((one) => !one.internal && one.family === 'IPv4');
    if (outside !== undefined) return outside.address;
  }
  return '127.0.0.1';
}
