/** The Via header: RFC 3261 §18.2, §20.42; `received` and `rport`: §18.2.1, RFC 3581 §4. */
import { header } from './header-access.ts';
import type { SipHeader, SipMessage, SipRequest, Via } from './model.ts';
import { formatParams, parseParams } from './params.ts';
import { splitOutside } from './split-values.ts';
import { parseHostPort } from './uri.ts';

const VIA = /^SIP\s*\/\s*2\.0\s*\/\s*([A-Za-z0-9\-.!%*_+`'~]+)\s+([^\s;,]+(?:\s*:\s*\d+)?)\s*(;.*)?$/is;

/** Reads one Via value (not a list); undefined when malformed. */
export function parseVia(value: string): Via | undefined {
  const [, transport = '', sentBy = '', tail = ''] = VIA.exec(value) ?? [];
  const hostPort = parseHostPort(sentBy.includes(' ') || sentBy.includes('\t') ? sentBy.replace(/\s/g, '') : sentBy);
  const params = parseParams(tail);
  if (transport === '' || hostPort === undefined || params === undefined) return undefined;
  return { transport: transport.toUpperCase(), host: hostPort.host, port: hostPort.port, params };
}

/** Writes one Via value. */
export function formatVia(via: Via): string {
  const port = via.port === undefined ? '' : `:${via.port}`;
  return `SIP/2.0/${via.transport} ${via.host}${port}${formatParams(via.params)}`;
}

/** The topmost Via; undefined when there is none or it cannot be read. */
export function topVia(message: SipMessage): Via | undefined {
  const line = header(message, 'Via');
  return line === undefined ? undefined : parseVia(splitOutside(line, ',')[0] ?? '');
}

/**
 * The request with its topmost Via telling where it really came from. `received` is added when the sent-by host is
 * not `address` (RFC 3261 §18.2.1), and always when the sender asked for `rport` (RFC 3581 §4), which gets `port`.
 * What the sender wrote there itself is overwritten: a response must never follow it.
 */
export function withReceived(request: SipRequest, address: string, port: number): SipRequest {
  const at = request.headers.findIndex((line) => line.name === 'Via');
  const [first = '', ...others] = splitOutside(request.headers[at]?.value ?? '', ',');
  const via = parseVia(first);
  if (via === undefined) return request;
  const wantsPort = via.params.has('rport');
  const isFromSentBy = via.host.replace(/^\[|\]$/g, '').toLowerCase() === address.toLowerCase();
  if (!wantsPort && isFromSentBy && !via.params.has('received')) return request;
  const params = new Map(via.params);
  if (wantsPort) params.set('rport', String(port));
  params.set('received', address);
  const headers: SipHeader[] = [...request.headers];
  headers[at] = { name: 'Via', value: [formatVia({ ...via, params }), ...others].join(', ') };
  return { ...request, headers };
}
