/** Whom an address counts as: an IPv4 address itself, an IPv6 address its /64, because a subscriber has all of it. */
import { BlockList, isIP } from 'node:net';
import { netErrors } from './errors.ts';

/** `2001:db8:0:1::/64` for an IPv6 address as the system writes it; anything else is its own prefix. */
export function sourcePrefix(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  // A dotted tail stands for two groups, but far behind the first four.
  const missing = tail === undefined ? 0 : Math.max(8 - left.length - right.length, 0);
  const groups = [...left, ...Array.from({ length: missing }, () => '0'), ...right].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}

/** Networks as trunks name them: IP, IP/prefix length, IP:port or [IPv6]:port; the port does not matter here. */
export function createNetworks(texts: readonly string[]): BlockList {
  const networks = new BlockList();
  for (const text of texts) {
    const [, bracketed, plain, length] =
      /^(?:\[([^\]]+)\]|([^/]+?))(?:\/(\d+)|:\d+)?$/.exec(isIP(text) === 6 ? `[${text}]` : text) ?? [];
    const address = bracketed ?? plain ?? '';
    const family = isIP(address);
    const bits = family === 6 ? 128 : 32;
    const prefix = length === undefined ? bits : Number(length);
    if (family === 0 || prefix > bits) throw netErrors.SIP_BAD_NETWORK([text]);
    networks.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
  }
  return networks;
}

export function isWithin(networks: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && networks.check(address, family === 6 ? 'ipv6' : 'ipv4');
}
