/** IP addresses as sockets say them and as SIP says them. */
import { isIP, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** An IPv4 peer of a dual-stack socket shows as `::ffff:192.0.2.1`; everybody else calls it 192.0.2.1. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address;
}

/** The address without brackets when it is a number, undefined when it is a name. */
export function asNumber(host: string): string | undefined {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  return isIP(bare) === 0 ? undefined : bare;
}

/** An address peers can use: a wildcard becomes that of its family on the first outside interface, or loopback. */
export function reachableAddress(address: string): string {
  if (address !== '0.0.0.0' && address !== '::') return address;
  const family = address === '::' ? 'IPv6' : 'IPv4';
  for (const interfaceAddresses of Object.values(networkInterfaces())) {
    const outside = interfaceAddresses?.find(
      (one) => !one.internal && one.family === family && !one.address.startsWith('fe80:'),
    );
    if (outside !== undefined) return outside.address;
  }
  return family === 'IPv6' ? '::1' : '127.0.0.1';
}
