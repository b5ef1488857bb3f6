/** The addresses of this machine. */
import { networkInterfaces } from 'node:os';

const rank = (entry: { internal: boolean; family: string }): number =>
  (entry.internal ? 2 : 0) + (entry.family === 'IPv4' ? 0 : 1);

/** Every address of this machine, IPv4 first, loopback last. */
export function localAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all
    .filter((entry) => entry.family === 'IPv4' || !entry.address.startsWith('fe80'))
    .toSorted((a, b) => rank(a) - rank(b))
    .map((entry) => entry.address);
}

/** What `auto` means: the first IPv4 address that is not loopback, else 127.0.0.1. */
export function resolveAnnounced(configured: string): string {
  if (configured !== 'auto') return configured;
  return localAddresses().find((address) => !address.includes(':') && !address.startsWith('127.')) ?? '127.0.0.1';
}
