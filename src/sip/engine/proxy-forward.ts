/** The messages of a proxy: RFC 3261 §16.6 and §16.7, loops and breadth of RFC 5393. Builds and decides only. */
import { createHash } from 'node:crypto';
import { header, headerValues, parseVia, type SipHeader, type SipMessage, type SipRequest } from '../message/index.ts';
import type { MessageFacts } from './message-facts.ts';
import type { ListenerAddress } from './ports.ts';

const DEFAULT_FORWARDS = 70;
const DEFAULT_BREADTH = 60;

export function maxForwards(request: SipMessage): number {
  const value = header(request, 'Max-Forwards');
  return value === undefined || !/^\d{1,3}$/.test(value) ? DEFAULT_FORWARDS : Number(value);
}

/** How many branches a request may still be split into, together with those of others (RFC 5393 §5.3). */
export function maxBreadth(request: SipMessage): number {
  const value = header(request, 'Max-Breadth');
  return value === undefined || !/^\d{1,4}$/.test(value) ? DEFAULT_BREADTH : Math.min(Number(value), DEFAULT_BREADTH);
}

/** What our decision depends on: a request that comes back with the same has gone in a loop (RFC 5393 §4.2). */
export function loopHash(request: SipRequest, facts: MessageFacts): string {
  const routing = ['Route', 'Proxy-Require'].map((name) => headerValues(request, name).join(','));
  const parts = [request.uri, facts.callId, facts.fromTag, facts.toTag, String(facts.cseq.number), ...routing];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12);
}

/** Whether one of our own Vias, with this hash in its branch, is already in the request. */
export function isLooped(request: SipRequest, hash: string, listeners: readonly ListenerAddress[]): boolean {
  return headerValues(request, 'Via').some((value) => {
    const via = parseVia(value);
    if (via?.params.get('branch')?.endsWith(`.${hash}`) !== true) return false;
    const host = via.host.replaceAll(/[[\]]/g, '');
    return listeners.some((own) => own.advertisedAddress === host && own.advertisedPort === via.port);
  });
}

interface ForwardParts {
  readonly via: string;
  readonly uri: string;
  /** The Routes that are left. */
  readonly routes: readonly string[];
  /** Record-Route or Path, and what the application adds. */
  readonly added: readonly SipHeader[];
  readonly breadth: number | undefined;
}

const REPLACED = new Set(['Max-Forwards', 'Route', 'max-breadth']);

/** The request as it goes on. */
export function forwardRequest(request: SipRequest, parts: ForwardParts): SipRequest {
  const headers: SipHeader[] = [
    { name: 'Via', value: parts.via },
    ...request.headers.filter(({ name }) => name === 'Via'),
    { name: 'Max-Forwards', value: String(maxForwards(request) - 1) },
    ...parts.routes.map((value) => ({ name: 'Route', value })),
    ...parts.added,
  ];
  if (parts.breadth !== undefined) headers.push({ name: 'Max-Breadth', value: String(parts.breadth) });
  for (const line of request.headers) {
    if (line.name !== 'Via' && !REPLACED.has(line.name) && !REPLACED.has(line.name.toLowerCase())) headers.push(line);
  }
  return { ...request, uri: parts.uri, headers };
}

/** A response without our Via, for whoever is next (§16.7 item 3). */
export function withoutTopVia<M extends SipMessage>(message: M): M {
  const [, ...others] = headerValues(message, 'Via');
  const at = message.headers.findIndex(({ name }) => name === 'Via');
  const vias = others.map((value) => ({ name: 'Via', value }));
  const rest = message.headers.filter(({ name }) => name !== 'Via');
  return { ...message, headers: [...rest.slice(0, at), ...vias, ...rest.slice(at)] };
}

/** The order in which final responses are preferred (§16.7 item 6); lower is better. */
export function rank(status: number): number {
  if (status >= 600) return 0;
  if (status < 400) return 1;
  if ([401, 407, 415, 420, 484].includes(status)) return 2;
  return status < 500 ? 3 : 4;
}
