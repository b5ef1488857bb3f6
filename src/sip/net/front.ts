/**
 * A trusted front of our own: the HTTPS server that ends TLS and pipes upgrades to the WebSocket listener. It proves
 * itself by a secret and then says who the peer really is. From anybody else these headers mean nothing.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { plainAddress } from './address.ts';

export interface FrontedPeer {
  readonly address: string;
  readonly port: number;
  readonly transport: 'ws' | 'wss';
}

/** The peer a front vouches for; undefined when no front speaks, or what it says cannot be read. */
export function frontedPeer(headers: IncomingHttpHeaders, secret: string | undefined): FrontedPeer | undefined {
  if (secret === undefined || !isSecret(headers['x-viaduct-front'], secret)) return undefined;
  const address = headers['x-forwarded-for'];
  const port = Number(headers['x-forwarded-port']);
  if (typeof address !== 'string' || isIP(address) === 0) return undefined;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  const isSecure = ['https', 'wss'].includes(String(headers['x-forwarded-proto']));
  return { address: plainAddress(address), port, transport: isSecure ? 'wss' : 'ws' };
}

function isSecret(given: string | string[] | undefined, secret: string): boolean {
  if (typeof given !== 'string') return false;
  const [a, b] = [Buffer.from(given), Buffer.from(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}
